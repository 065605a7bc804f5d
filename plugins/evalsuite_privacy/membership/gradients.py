"""Membership by gradients: what a model was trained on would change its weights little."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from evalsuite import Attribute, Card, LogLikelihood, Sample
from evalsuite.content import Content, as_content
from evalsuite_privacy.membership.conditions import shown_before
from evalsuite_privacy.membership.guarded import GuardedProbe

CARD = Card(
    measures="How well the size of the gradient of a text's loss over a model's weights tells "
    "whether the text was in the training data, beyond what a classifier can tell that sees the "
    "inputs only.",
    does_not_measure="Attacks that learn from gradients of texts known to be members; a low figure "
    "is no proof of privacy.",
    reference="Nasr et al. 2019 (1812.00910); Wang et al. 2024, Pandora's white-box (2402.17012)",
    critique="Needs the weights, and a backward pass for each text. The gradient is about as large "
    "as the loss, so beside the loss it often adds little.",
)
ATTACKS = ("gradient_norm_1", "gradient_norm_2", "gradient_norm_inf")
_EXPLAINER = "evalsuite_privacy.membership.gradient_norms:gradient_norms"


@dataclass(frozen=True)
class GradientMembership(GuardedProbe):
    """Texts by a causal language model; scores are minus norms of the mean loss's gradient.

    A text's first word is what comes before, so that its own likelihood plays no part.
    """

    name: ClassVar[str] = "privacy/gradient-membership"
    needs: ClassVar[Any] = (Attribute, LogLikelihood)
    fields: ClassVar[Any] = ("text", "member")
    card: ClassVar[Card] = CARD
    place: ClassVar[Mapping[str, Any]] = {}

    @property
    def attacks(self) -> tuple[str, ...]:
        """One for each norm."""
        return ATTACKS

    def halves(self, sample: Sample) -> tuple[Content, str]:
        """What comes before, and the text whose loss it is; nothing after a single word."""
        first, space, rest = str(sample["text"]).strip().partition(" ")
        return as_content(first), f"{space}{rest}"

    def ask(self, sample: Sample, context: Any) -> Any:
        """Differentiate the loss; a text of one word has none."""
        before, text = self.halves(sample)
        record = self.beginning(sample, *before, text)
        record |= dict.fromkeys(ATTACKS, float("nan"))
        if not text.strip():
            return record
        score, gradient = yield (
            LogLikelihood(before, text),
            Attribute(before, text, _EXPLAINER, **self.place),
        )
        norms = [-norm / score.n_tokens for norm in gradient.scores]
        return record | dict(zip(ATTACKS, norms, strict=True))


@dataclass(frozen=True)
class ImageGradientMembership(GradientMembership):
    """Pictures with their texts by a model that writes to a picture.

    Args:
        prompt: Field of what is said before the text; a sample may lack it.
    """

    prompt: str = "prompt"

    name: ClassVar[str] = "privacy/image-gradient-membership"
    media: ClassVar[Any] = ("image",)
    fields: ClassVar[Any] = ("image", "text", "member")
    place: ClassVar[Mapping[str, Any]] = {"medium": "image", "grid": (1, 1)}

    def halves(self, sample: Sample) -> tuple[Content, str]:
        """The picture and what is said, then the text."""
        return shown_before(sample, "image", self.prompt), str(sample["text"])
