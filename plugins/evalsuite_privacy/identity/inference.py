"""Identity inference (IDIA): whom can a dual encoder name by their face, or by their voice?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evalsuite import Card, EmbedAudio, EmbedImage, EmbedText, Metric, Probe, Sample
from evalsuite.zero_shot import embed, fill
from evalsuite_privacy.guard import blind_column, inputs_of
from evalsuite_privacy.identity.names import AUDIO_TEMPLATES, IMAGE_TEMPLATES, candidates
from evalsuite_privacy.identity.rates import IdentityRates
from evalsuite_privacy.identity.voting import closest
from evalsuite_privacy.membership.members import is_member

CARD = Card(
    measures="How much oftener a dual encoder names persons of its training data rightly, by "
    "pictures or clips that it did not see, than persons who were not in it.",
    does_not_measure="How a person came to be known. Names of the famous leak through text as "
    "well, so non-members must be as famous and of like origin.",
    reference="Hintersdorf et al. 2024, Does CLIP know my face? (2209.07341)",
    critique="The false-positive rate is set by how well faces and voices go with names in "
    "general, not by one in the number of names. Use it on persons who agreed, or on invented "
    "ones.",
)


@dataclass(frozen=True)
class Competing:
    """The names that compete, as vectors.

    Attributes:
        names: All of them.
        vectors: Unit vectors [prompts, names, dimensions].
    """

    names: tuple[str, ...]
    vectors: Any


@dataclass(frozen=True)
class IdentityInference(Probe):
    """Base: which of many names is the closest to each of a person's media?

    Args:
        templates: Prompts; ``{}`` is the name.
        names: Names of nobody that compete with those of the persons; a thousand common ones
            without them.
        names_path: The same in a text file, one a line.
        tau: Prompts that must name a person rightly.
        max_media: Votes of a person at most.
        match_by: Field by which members and non-members are matched (fame, origin).
        folds: Of the blind classifier's cross-validation.
    """

    templates: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    names_path: str = ""
    tau: int = 1
    max_media: int = 30
    match_by: str = ""
    folds: int = 5

    family: ClassVar[Any] = "privacy"
    sensitive: ClassVar[bool] = True
    card: ClassVar[Card] = CARD
    medium: ClassVar[str] = "image"
    default_templates: ClassVar[tuple[str, ...]] = IMAGE_TEMPLATES

    def __post_init__(self) -> None:
        """Refuse a tau that no person can reach, and templates without a place for the name."""
        n = len(self.prompts)
        if not 1 <= self.tau <= n or self.max_media < 1:
            raise ValueError(
                f"tau must lie between 1 and the number of templates, {n}, and max_media be at "
                f"least 1 (got {self.tau} and {self.max_media})"
            )
        if any(fill(one, "x") == fill(one, "y") for one in self.prompts):
            raise ValueError("every template must hold {}, the place of the name")

    @property
    def prompts(self) -> tuple[str, ...]:
        """The templates that are used."""
        return self.templates or self.default_templates

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """The rates."""
        return (IdentityRates(self.tau, self.max_media, self.medium, self.match_by),)

    def prepare(self, samples: Sequence[Sample]) -> Any:
        """Embed every name in every prompt once."""
        own = [str(sample["name"]) for sample in samples]
        names = candidates(own, self.names, self.names_path)
        texts = [fill(template, name) for template in self.prompts for name in names]
        replies = yield tuple(EmbedText(text) for text in texts)
        vectors = np.stack([reply.vector for reply in replies]).astype(float)
        return Competing(names, vectors.reshape(len(self.prompts), len(names), -1))

    def ask(self, sample: Sample, context: Competing) -> Any:
        """Embed one picture or clip and see which name is closest under each prompt."""
        part, name = sample[self.medium], str(sample["name"])
        embedding = yield embed(part)
        votes = closest(context.vectors @ embedding.vector.astype(float))
        index = context.names.index(name)
        record = {
            "member": is_member(sample["member"]),
            "share_of_prompts_right": float((votes == index).mean()),
            "_name": index,
            "_votes": votes,
            "_key": part.digest,
            "_inputs": inputs_of(part),
        }
        if self.match_by:
            record[self.match_by] = str(sample[self.match_by])
        return record

    def tabulate(
        self, records: Sequence[Mapping[str, Any]], context: Any, rng: np.random.Generator
    ) -> Sequence[Mapping[str, Any]]:
        """Add what a classifier of the media alone would say, whole persons held out."""
        if not records:
            return records
        blind = blind_column(records, rng, folds=self.folds, unit="_name")
        return [{**r, "blind": score} for r, score in zip(records, blind.tolist(), strict=True)]


@dataclass(frozen=True)
class ImageIdentityInference(IdentityInference):
    """By pictures."""

    name: ClassVar[str] = "privacy/image-identity-inference"
    needs: ClassVar[Any] = (EmbedImage, EmbedText)
    media: ClassVar[Any] = ("image",)
    fields: ClassVar[Any] = ("image", "name", "member")


@dataclass(frozen=True)
class AudioIdentityInference(IdentityInference):
    """By clips."""

    name: ClassVar[str] = "privacy/audio-identity-inference"
    needs: ClassVar[Any] = (EmbedAudio, EmbedText)
    media: ClassVar[Any] = ("audio",)
    fields: ClassVar[Any] = ("audio", "name", "member")
    medium: ClassVar[str] = "audio"
    default_templates: ClassVar[tuple[str, ...]] = AUDIO_TEMPLATES
