"""Ways in which a model decides: as a classifier, by likelihood, in writing, or by nearness.

A way says what is asked about one input and reads one decision from the answers. Nothing is
guessed: a reply that settles on no option is no decision.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from evalsuite import (
    Audio,
    Classify,
    DataError,
    EmbedAudio,
    EmbedImage,
    EmbedText,
    Generate,
    Image,
    LogLikelihood,
    Request,
    Similarity,
    SimilarityScale,
)
from evalsuite.answers import chosen_option
from evalsuite.content import Content, text_of
from evalsuite.zero_shot import embed, logits_of
from evalsuite_fairness.metrics.refusal import is_refusal

# Probabilities of exactly 0 and 1 are kept this far away from both, where a logit is asked for.
EDGE = 1e-12


@dataclass(frozen=True)
class Decision:
    """What a model settled on.

    Attributes:
        is_positive: Whether the decision is the positive one; None where there is none.
        log_odds: ln P(positive) - ln P(not positive); None where a way gives no score.
        text: What was written; empty unless the model decides in writing.
        is_refusal: Whether it was written that there will be no answer.
    """

    is_positive: bool | None
    log_odds: float | None = None
    text: str = ""
    is_refusal: bool = False

    @property
    def probability(self) -> float | None:
        """P(positive); None where a way gives no score."""
        if self.log_odds is None:
            return None
        return float(1 / (1 + np.exp(-self.log_odds)))


class Way(Protocol):
    """How a model is made to decide."""

    @property
    def needs(self) -> tuple[type[Request], ...]:
        """The kinds of request that are asked."""
        ...

    def shared(self) -> tuple[Request, ...]:
        """What is asked once for all inputs."""
        ...

    def requests(self, content: Content) -> tuple[Request, ...]:
        """What is asked about one input."""
        ...

    def read(self, replies: Sequence[Any], shared: Any) -> Decision:
        """The decision in the answers to ``requests``, given those to ``shared``."""
        ...


@dataclass(frozen=True)
class AsClassifier:
    """P(positive) is the sum over the labels that mean yes."""

    positive: tuple[str, ...]
    threshold: float = 0.5

    needs: ClassVar[Any] = (Classify,)

    def shared(self) -> tuple[Request, ...]:
        """Nothing."""
        return ()

    def requests(self, content: Content) -> tuple[Request, ...]:
        """The label distribution."""
        return (Classify(content),)

    def read(self, replies: Sequence[Any], shared: Any) -> Decision:
        """Positive where the probability reaches the threshold; DataError for a strange label."""
        del shared
        labels, probabilities = replies[0].labels, replies[0].probabilities
        strange = [label for label in self.positive if label not in labels]
        if strange:
            raise DataError(
                f"positive: {strange[0]!r} is no label of the model, which has: {', '.join(labels)}"
            )
        share = math.fsum(p for label, p in zip(labels, probabilities) if label in self.positive)
        bounded = min(max(share, EDGE), 1 - EDGE)
        return Decision(share >= self.threshold, math.log(bounded / (1 - bounded)))


@dataclass(frozen=True)
class ByLikelihood:
    """Compare log P of the options after the prompt; log-odds of one option alone is its log P."""

    positive: tuple[str, ...]
    negative: tuple[str, ...]
    delimiter: str = " "
    threshold: float = 0.5

    needs: ClassVar[Any] = (LogLikelihood,)

    def shared(self) -> tuple[Request, ...]:
        """Nothing."""
        return ()

    def requests(self, content: Content) -> tuple[Request, ...]:
        """Each option, the positive ones first."""
        options = (*self.positive, *self.negative)
        return tuple(LogLikelihood(content, self.delimiter + option) for option in options)

    def read(self, replies: Sequence[Any], shared: Any) -> Decision:
        """Positive where P(positive) among the options reaches the threshold."""
        del shared
        totals = [reply.total for reply in replies]
        log_odds = _log_sum(totals[: len(self.positive)])
        if not self.negative:
            return Decision(None, log_odds)
        return decided(log_odds - _log_sum(totals[len(self.positive) :]), self.threshold)


@dataclass(frozen=True)
class InWriting:
    """Let the model write, and accept only a reply that settles on one option."""

    positive: tuple[str, ...]
    negative: tuple[str, ...]
    max_tokens: int = 16

    needs: ClassVar[Any] = (Generate,)

    def shared(self) -> tuple[Request, ...]:
        """Nothing."""
        return ()

    def requests(self, content: Content) -> tuple[Request, ...]:
        """One greedy reply."""
        return (Generate(content, max_tokens=self.max_tokens),)

    def read(self, replies: Sequence[Any], shared: Any) -> Decision:
        """No decision where the reply refuses, weighs both options or says something else."""
        del shared
        text = replies[0].text
        options = (*self.positive, *self.negative)
        place = None if is_refusal(text) else settled(text, options)
        found = None if place is None else place < len(self.positive)
        return Decision(found, None, text.strip(), is_refusal(text))


@dataclass(frozen=True)
class ByNearness:
    """Compare the input's vector with those of descriptions, as zero-shot classification does.

    For texts there is no scale: the score is then the difference of cosines, and its sign decides.
    """

    positive: tuple[str, ...]
    negative: tuple[str, ...]
    medium: str = ""
    threshold: float = 0.5

    @property
    def needs(self) -> tuple[type[Request], ...]:
        """Vectors of both towers and the scale, or of texts alone."""
        kinds: dict[str, Any] = {"image": EmbedImage, "audio": EmbedAudio}
        return (kinds[self.medium], EmbedText, SimilarityScale) if self.medium else (EmbedText,)

    def shared(self) -> tuple[Request, ...]:
        """The descriptions, and the scale."""
        texts = tuple(EmbedText(text) for text in (*self.positive, *self.negative))
        return (*texts, SimilarityScale()) if self.medium else texts

    def requests(self, content: Content) -> tuple[Request, ...]:
        """The input's vector; its text beside a medium is not read."""
        media = [part for part in content if isinstance(part, Image | Audio)]
        return (embed(media[0]) if media else EmbedText(text_of(content)),)

    def read(self, replies: Sequence[Any], shared: Any) -> Decision:
        """Positive where the positive descriptions together are at least as near."""
        scale = shared[-1] if self.medium else Similarity(1.0)
        vectors = np.stack([reply.vector for reply in shared[: len(shared) - bool(self.medium)]])
        logits = logits_of(replies[0].vector, vectors.astype(float), scale).tolist()
        yes, no = logits[: len(self.positive)], logits[len(self.positive) :]
        return decided(_log_sum(yes) - _log_sum(no), self.threshold)


def decided(log_odds: float, threshold: float) -> Decision:
    """Positive where the probability is at least the threshold."""
    found = Decision(None, log_odds)
    return Decision(bool((found.probability or 0.0) >= threshold), log_odds)


def settled(text: str, options: Sequence[str]) -> int | None:
    """The index of the option that a reply settles on; None where it is not plain.

    The option alone, after "the answer is", or followed by a mark or a new line ("No, they ..."). A
    bare letter counts only where it is an option itself, since nothing was lettered.
    """
    whole = chosen_option(text, options)
    if whole is not None and options[whole].casefold() in text.casefold():
        return whole
    found = {
        place
        for place, option in enumerate(options)
        if re.match(rf"[\s\"'*`(]*{re.escape(option)}\s*[.,;:!)\n\"'*]", text, re.IGNORECASE)
    }
    return found.pop() if len(found) == 1 else None


def _log_sum(values: Sequence[float]) -> float:
    """Log of the sum of exponentials."""
    top = max(values)
    return top + math.log(math.fsum(math.exp(value - top) for value in values))
