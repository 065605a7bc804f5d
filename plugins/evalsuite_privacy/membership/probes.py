"""The membership probes: one for each way in which models score a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from evalsuite import (
    Align,
    LogLikelihood,
    MaskedTokenScores,
    Request,
    RequestFailed,
    Sample,
    TokenScores,
)
from evalsuite.content import sha256_of
from evalsuite_privacy.membership import attacks
from evalsuite_privacy.membership.conditions import shown_before
from evalsuite_privacy.membership.likelihood import LikelihoodProbe
from evalsuite_privacy.membership.members import is_member


@dataclass(frozen=True)
class MembershipInference(LikelihoodProbe):
    """Membership of texts by a causal language model.

    Args:
        prefixes: Non-members to put before every text for ReCaLL; 0 leaves the attack out. They
            themselves get no ReCaLL score.
    """

    prefixes: int = 0

    name: ClassVar[str] = "privacy/membership-inference"
    own_attacks: ClassVar[tuple[str, ...]] = (
        *("loss", "zlib", "min_k"),
        *("min_k_plus_plus", "max_entropy"),
    )

    @property
    def needs(self) -> tuple[type[Request], ...]:  # type: ignore[override]
        """Token scores; for ReCaLL also likelihoods after a prefix."""
        return (TokenScores, LogLikelihood) if self.prefixes else (TokenScores,)

    @property
    def attacks(self) -> tuple[str, ...]:
        """The attacks that the options ask for."""
        return (*super().attacks, *(("recall",) if self.prefixes else ()))

    def request(self, text: str, sample: Sample) -> Request:
        """The text alone."""
        return TokenScores(text)

    def prepare(self, samples: Sequence[Sample]) -> Any:
        """Also choose the prefix: non-members in an order that their own texts decide."""
        near = yield from super().prepare(samples)
        texts = {str(s["text"]) for s in samples if self.prefixes and not is_member(s["member"])}
        chosen = sorted(texts, key=lambda text: sha256_of(f"{self.seed}-{text}".encode()))
        return near, tuple(chosen[: self.prefixes])

    def _further(self, record: dict[str, Any], mean: float, sample: Sample, context: Any) -> Any:
        near, prefix = context
        yield from super()._further(record, mean, sample, near)
        text = str(sample["text"])
        if self.prefixes:
            record["recall"] = float("nan")
        if prefix and text not in prefix:
            try:
                after = yield LogLikelihood("\n".join(prefix) + "\n", text)
            except RequestFailed:
                return
            total = float(record["log_likelihood"])
            record["recall"] = attacks.recall_ratio(after.total, total)


@dataclass(frozen=True)
class MaskedMembershipInference(LikelihoodProbe):
    """Membership of texts by a masked language model, each token scored while it is hidden.

    The likelihood is the pseudo-log-likelihood of Salazar et al. 2020 (1910.14659).
    """

    name: ClassVar[str] = "privacy/masked-membership-inference"
    needs: ClassVar[Any] = (MaskedTokenScores,)

    def request(self, text: str, sample: Sample) -> Request:
        """Every token hidden in turn."""
        return MaskedTokenScores(text)


@dataclass(frozen=True)
class ConditionalMembershipInference(LikelihoodProbe):
    """Membership of texts that a model writes to something: a prompt, a picture, a clip.

    Args:
        prompt: Field of what is said before the text; a sample may lack it.
    """

    prompt: str = "prompt"

    name: ClassVar[str] = "privacy/conditional-membership-inference"
    needs: ClassVar[Any] = (LogLikelihood,)
    medium: ClassVar[str] = ""

    def request(self, text: str, sample: Sample) -> Request:
        """The text as continuation of all that comes before it."""
        return LogLikelihood(shown_before(sample, self.medium, self.prompt), text)

    def shown(self, sample: Sample) -> tuple[Any, ...]:
        """The context, then the text."""
        return (*shown_before(sample, self.medium, self.prompt), str(sample["text"]))


@dataclass(frozen=True)
class ImageMembershipInference(ConditionalMembershipInference):
    """Membership of pictures with their texts by a model that writes to a picture."""

    name: ClassVar[str] = "privacy/image-membership-inference"
    fields: ClassVar[Any] = ("image", "text", "member")
    media: ClassVar[Any] = ("image",)
    medium: ClassVar[str] = "image"


@dataclass(frozen=True)
class AudioMembershipInference(ConditionalMembershipInference):
    """Membership of clips with their transcripts by a model that writes to a clip."""

    name: ClassVar[str] = "privacy/audio-membership-inference"
    fields: ClassVar[Any] = ("audio", "text", "member")
    media: ClassVar[Any] = ("audio",)
    medium: ClassVar[str] = "audio"


@dataclass(frozen=True)
class TranscriptMembershipInference(LikelihoodProbe):
    """Membership of clips with their transcripts by a transcriber that aligns words with frames.

    The likelihood is that of the transcript under a CTC head, all its paths together (Graves et
    al. 2006), for each label; labels have none of their own, so there is no Min-K%.
    """

    name: ClassVar[str] = "privacy/transcript-membership-inference"
    needs: ClassVar[Any] = (Align,)
    fields: ClassVar[Any] = ("audio", "text", "member")
    media: ClassVar[Any] = ("audio",)
    own_attacks: ClassVar[tuple[str, ...]] = ("loss", "zlib")

    def request(self, text: str, sample: Sample) -> Request:
        """How well the transcript fits the clip."""
        return Align(sample["audio"], text)

    def shown(self, sample: Sample) -> tuple[Any, ...]:
        """The clip, then its transcript."""
        return (sample["audio"], str(sample["text"]))
