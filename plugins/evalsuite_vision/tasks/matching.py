"""How well a caption fits an image: by vectors, by likelihood, or by asking yes or no."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from evalsuite import EmbedImage, EmbedText, Image, LogLikelihood, Probe, Request

_NEEDS: dict[str, tuple[type[Request], ...]] = {
    "embedding": (EmbedImage, EmbedText),
    "likelihood": (LogLikelihood,),
    "yes-no": (LogLikelihood,),
    "text": (LogLikelihood,),
}


@dataclass(frozen=True)
class MatchingProbe(Probe):
    """Base of probes that compare how well captions fit images.

    Args:
        by: ``embedding``, the cosine of both vectors (dual encoders); ``likelihood``, log P(caption
            | image, prompt); ``yes-no``, log P(yes) - log P(no) as the answer to the question
            (generative models).
        prompt: What stands after the image, before a caption whose likelihood is asked.
        question: What is asked for ``yes-no``; ``{caption}``, ``{yes}`` and ``{no}`` are filled in.
        answers: The words for yes and no.
        delimiter: What stands between a prompt and what follows.
    """

    by: Literal["embedding", "likelihood", "yes-no"] = "embedding"
    prompt: str = "A caption of this image:"
    question: str = 'Does this image show "{caption}"? Answer {yes} or {no}.'
    answers: tuple[str, str] = ("Yes", "No")
    delimiter: str = " "

    family: ClassVar[Any] = "task"

    def __post_init__(self) -> None:
        """Refuse a question that does not name the caption."""
        if "{caption}" not in self.question:
            raise ValueError(
                f"question must hold {{caption}}, the place of the caption (got {self.question!r})"
            )

    @property
    def needs(self) -> tuple[type[Request], ...]:  # type: ignore[override]
        """The kinds of request that the way of scoring asks."""
        return _NEEDS[self.by]

    def requests(self, images: Sequence[Image], captions: Sequence[str]) -> tuple[Request, ...]:
        """Everything that the scores of all captions with all images need."""
        if self.by == "embedding":
            return (*map(EmbedImage, images), *map(EmbedText, captions))
        return tuple(r for caption in captions for i in images for r in self._pair(i, caption))

    def _pair(self, image: Image, caption: str) -> tuple[Request, ...]:
        if self.by == "likelihood":
            return (self.likelihood(caption, image),)
        yes, no = self.answers
        filled = {"{caption}": caption, "{yes}": yes, "{no}": no}
        parts = (image, _replaced(self.question, filled))
        return tuple(LogLikelihood(parts, self.delimiter + word) for word in self.answers)

    def likelihood(self, caption: str, *image: Image) -> LogLikelihood:
        """The question for log P(caption), given an image or none."""
        return LogLikelihood((*image, self.prompt), self.delimiter + caption)

    def scores(self, replies: Sequence[Any], n_images: int) -> list[list[float]]:
        """The scores, one row for each caption and one column for each image."""
        if self.by == "embedding":
            images, texts = replies[:n_images], replies[n_images:]
            return [[cosine(i.vector, text.vector) for i in images] for text in texts]
        totals = [reply.total for reply in replies]
        if self.by == "yes-no":
            totals = [yes - no for yes, no in zip(totals[::2], totals[1::2], strict=True)]
        return [totals[i : i + n_images] for i in range(0, len(totals), n_images)]


def cosine(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> float:
    """The product of two unit vectors, rounded once, so that equal vectors tie exactly."""
    return math.fsum((one.astype(float) * other.astype(float)).tolist())


def credit(right: float, wrong: Sequence[float]) -> float:
    """1 when the right score is highest alone, 1/k when it ties with k - 1 others, else 0."""
    best = max(wrong)
    return 1 / (1 + list(wrong).count(best)) if right == best else float(right > best)


def _replaced(text: str, filled: dict[str, str]) -> str:
    """Fill places in; what is filled in last may hold braces of its own."""
    for place in sorted(filled, key=lambda name: name == "{caption}"):
        text = text.replace(place, filled[place])
    return text
