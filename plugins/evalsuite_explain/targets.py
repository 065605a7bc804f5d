"""What is explained: one number that a model's answers give for an input.

A target says which requests ask for it, how it is read from the answers, and what a gradient
explainer is asked for. All are better understood the higher: a feature with a positive score
speaks for the target.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import Any, Literal, Protocol

import numpy as np

from evalsuite import (
    Align,
    Attribute,
    Audio,
    Classification,
    Classify,
    EmbedAudio,
    EmbedImage,
    EmbedText,
    Image,
    LogLikelihood,
    Request,
    SimilarityScale,
    Text,
)
from evalsuite.content import Content, text_of
from evalsuite.zero_shot import Classes, logits_of, predict

# The smallest probability that a logarithm is taken of.
_TINY = 1e-30


class Target(Protocol):
    """One number for an input.

    ``against`` and ``within(shown)``, where there are any, are those of an Attribute request.
    """

    def requests(self, shown: Content) -> tuple[Request, ...]:
        """What to ask about an input; the same number of requests for every input."""
        ...

    def score(self, replies: Sequence[Any]) -> float:
        """The number, from the answers to those requests."""
        ...

    def attribute(self, shown: Content) -> tuple[Content, str]:
        """The content and the target of an Attribute request."""
        ...


@dataclass(frozen=True)
class LabelScore:
    """The probability that a classifier gives a label, its logarithm, or its log-odds.

    Log-odds, log p - log (1 - p), stay open where a model is sure: a probability near 1 hardly
    moves, whatever is taken away. Gradient explainers explain them where ``against`` names the
    other labels, else the label's logit.
    """

    label: str
    scale: Literal["probability", "log_probability", "log_odds"] = "probability"
    against: tuple[tuple[str, ...], ...] = ()

    def requests(self, shown: Content) -> tuple[Request, ...]:
        """Classify it."""
        return (Classify(shown),)

    def score(self, replies: Sequence[Any]) -> float:
        """In [0, 1], or in nats."""
        probability = float(replies[0].probability(self.label))
        if self.scale == "probability":
            return probability
        if self.scale == "log_probability":
            return log(max(probability, _TINY))
        found = zip(replies[0].labels, replies[0].probabilities, strict=True)
        rest = sum(p for label, p in found if label != self.label)
        return log(max(probability, _TINY)) - log(max(rest, _TINY))

    def attribute(self, shown: Content) -> tuple[Content, str]:
        """The label's logit."""
        return shown, self.label


def log_odds_of(found: Classification, score: type[LabelScore] = LabelScore) -> LabelScore:
    """The log-odds of the label that a classifier found."""
    return score(found.label, "log_odds", tuple((label,) for label in others_of(found)))


def each_label(
    found: Classification, score: type[LabelScore] = LabelScore
) -> dict[str, LabelScore]:
    """Each label by itself, the one that a classifier found first: to gradients, its logit."""
    labels = (found.label, *others_of(found))
    return {label: score(label, "log_odds") for label in labels}


def others_of(found: Classification) -> tuple[str, ...]:
    """The labels that a classifier did not find."""
    return tuple(label for label in found.labels if label != found.label)


@dataclass(frozen=True)
class ContinuationScore:
    """log P(continuation | input) in nats: of a text, an answer about a picture, or a transcript.

    ``before`` and ``after`` stand around the input and are no features: instructions, examples,
    the question after a picture.
    """

    continuation: str
    before: Content = ()
    after: Content = ()

    def requests(self, shown: Content) -> tuple[Request, ...]:
        """Score the continuation."""
        return (LogLikelihood((*self.before, *shown, *self.after), self.continuation),)

    def score(self, replies: Sequence[Any]) -> float:
        """In nats, at most 0."""
        return float(replies[0].total)

    def attribute(self, shown: Content) -> tuple[Content, str]:
        """The same."""
        return (*self.before, *shown, *self.after), self.continuation

    def within(self, shown: Content) -> tuple[int, int] | None:
        """The characters of the input among those of the prompt; None where it is all there is."""
        if not text_of(self.before + self.after) or not text_of(shown):
            return None
        begin = len(text_of(self.before))
        return begin, begin + len(text_of(shown))


@dataclass(frozen=True)
class MatchScore:
    """The similarity of media and a text to a dual encoder: scale times cosine plus bias.

    The input holds one side or both; ``partner`` is the side that is no feature.
    """

    partner: Content = ()

    def requests(self, shown: Content) -> tuple[Request, ...]:
        """Both vectors, and the scale."""
        first, second = (_embed(part) for part in self._sides(shown))
        return first, second, SimilarityScale()

    def score(self, replies: Sequence[Any]) -> float:
        """A logit."""
        first, second, similarity = replies
        cosine = float(first.vector.astype(float) @ second.vector.astype(float))
        return float(similarity.scale * cosine + similarity.bias)

    def attribute(self, shown: Content) -> tuple[Content, str]:
        """The media, then the text."""
        return self._sides(shown), ""

    def _sides(self, shown: Content) -> Content:
        sides = (*shown, *self.partner)
        media = [part for part in sides if isinstance(part, Image | Audio)]
        if len(media) != 1 or len(sides) < 2:
            raise ValueError("a match needs one picture or clip, and a text")
        return media[0], Text(text_of(sides))


@dataclass(frozen=True)
class ClassScore:
    """The probability of one of several described classes for a picture or a clip.

    On the scale of log-odds it is the similarity to the class's description (the unit mean of its
    prompts' vectors, as in the classification) less that to all others, log-sum-exp: what makes a
    picture like every class alike decides for none. Gradient explainers explain it where
    ``against`` holds the other classes' prompts, else the similarity alone, the scale ``logit``.
    """

    classes: Classes
    index: int
    prompts: tuple[str, ...] = ()
    against: tuple[tuple[str, ...], ...] = ()
    scale: Literal["probability", "log_odds", "logit"] = "probability"

    def requests(self, shown: Content) -> tuple[Request, ...]:
        """Embed it."""
        return (_embed(shown[0]),)

    def score(self, replies: Sequence[Any]) -> float:
        """In [0, 1], or in nats."""
        classes = self.classes
        if self.scale == "probability":
            found = predict(replies[0].vector, classes.vectors, classes.similarity, self.index)
            return found.probability
        logits = logits_of(replies[0].vector, classes.vectors, classes.similarity)
        others = np.delete(logits, self.index)
        is_alone = self.scale == "logit" or not len(others)
        return float(logits[self.index] - (0.0 if is_alone else np.logaddexp.reduce(others)))

    def attribute(self, shown: Content) -> tuple[Content, str]:
        """The picture or clip, then every prompt of the class."""
        return (shown[0], *(Text(prompt) for prompt in self.prompts)), ""


@dataclass(frozen=True)
class AlignmentScore:
    """How well a clip fits given words, by the best path of a CTC model: nats for each frame."""

    text: str

    def requests(self, shown: Content) -> tuple[Request, ...]:
        """Align the words."""
        (clip,) = shown
        if not isinstance(clip, Audio):
            raise ValueError("words are aligned with a clip")
        return (Align(clip, self.text),)

    def score(self, replies: Sequence[Any]) -> float:
        """At most 0."""
        return float(replies[0].score)

    def attribute(self, shown: Content) -> tuple[Content, str]:
        """The same, along the best path."""
        return shown, self.text


def _embed(part: Any) -> Request:
    if isinstance(part, Image):
        return EmbedImage(part)
    if isinstance(part, Audio):
        return EmbedAudio(part)
    return EmbedText(part.text)


def gradient_request(
    target: Target, features: Any, explainer: str, options: tuple[tuple[str, Any], ...]
) -> Attribute:
    """What a gradient explainer is asked for; ``explainer`` is ``package.module:function``."""
    from evalsuite_explain.inputs.features import all_present

    shown = features.showing(all_present(len(features)))
    content, wanted = target.attribute(shown)
    against = getattr(target, "against", ())
    within = target.within(shown) if hasattr(target, "within") else None
    return Attribute(
        content, wanted, explainer, options, features.medium, features.grid, against, within
    )
