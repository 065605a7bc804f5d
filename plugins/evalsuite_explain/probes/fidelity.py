"""Do scores foresee what the model does without some features, and rank them as well as can be?"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from evalsuite import Card, Mean, Metric, Null, Probe, Sample, UsageError
from evalsuite_explain.explainers.game import Game
from evalsuite_explain.explainers.occlusion import Occlusion
from evalsuite_explain.measures.bounds import (
    MOST_EXACT,
    Bounds,
    beam_bounds,
    erasing_area,
    every_coalition,
    exact_bounds,
    steps_of,
)
from evalsuite_explain.measures.complexity import entropy, gini
from evalsuite_explain.measures.faithfulness import normalised_area, ranking
from evalsuite_explain.measures.fidelity import sensitivity_n, unexplained_share
from evalsuite_explain.probes.explaining import ExplainerChoice, rng_of_sample
from evalsuite_explain.probes.subjects import (
    ClassOfClip,
    ClassOfImage,
    ContinuationOfText,
    LabelOfText,
    Subject,
    TranscriptOfClip,
)

RANDOM_DRAWS = 3
Scores = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Measured:
    """What one ranking or several (averaged) reached; NaN where undefined."""

    area: float
    unexplained: float
    correlation: float

    @classmethod
    def mean(cls, several: Iterable[_Measured]) -> _Measured:
        """The mean of each measure."""
        rows = [(one.area, one.unexplained, one.correlation) for one in several]
        return cls(*np.mean(rows, axis=0).tolist())

    def columns(self, prefix: str) -> dict[str, float | None]:
        """Columns of a record; None where undefined."""
        found = {
            "normalised_area": self.area,
            "unexplained": self.unexplained,
            "sensitivity_n": self.correlation,
        }
        return {f"{prefix}{name}": defined(value) for name, value in found.items()}


def _beside(name: str, column: str, direction: Any) -> tuple[Metric, ...]:
    """A measure, and the same of a random explainer and of occlusion."""
    return (
        Mean(column, name=name, direction=direction),
        Mean(f"random_{column}", name=f"{name} of a random explainer"),
        Mean(f"occlusion_{column}", name=f"{name} of occlusion"),
    )


@dataclass(frozen=True)
class _Fidelity(ExplainerChoice, Probe):
    """Base, beside a class with a subject: the explainer, random ones, occlusion."""

    sets: int = 24
    share: float = 0.25
    exact_up_to: int = 8
    beam: int = 3
    longest: int = 24

    family: ClassVar[Any] = "explainability"
    card: ClassVar[Card] = Card(
        measures="How well an explainer's scores foresee the drop when some features are taken "
        "away (infidelity, as the share left unexplained; sensitivity-n), and how near its ranking "
        "comes to the best that the input allows (NAOPC: 0 the worst, 1 the best order), beside a "
        "random explainer and occlusion.",
        does_not_measure="Whether people find the explanation plausible, or whether it follows the "
        "weights (see the sanity checks).",
        reference="Yeh et al. 2019; Ancona et al. 2018; Edin et al. 2024, Normalized AOPC",
        critique="Inputs with features taken away are unlike any the model was trained on. Of more "
        "features than exact_up_to the bounds are a beam search's, of more than longest there are "
        "none.",
    )
    metrics: ClassVar[Sequence[Metric]] = (
        Mean(
            "area_gain",
            name="normalised area over random",
            null=Null(0.0, margin=0.01, side="above", why="no better than a random explainer"),
            direction="higher is better",
            primary=True,
        ),
        *_beside("normalised area of erasing", "normalised_area", "higher is better"),
        *_beside("infidelity", "unexplained", "lower is better"),
        *_beside("sensitivity-n", "sensitivity_n", "higher is better"),
        Mean("completeness_error", name="completeness error", direction="lower is better"),
        Mean("gini", name="sparseness"),
        Mean("entropy", name="complexity", direction="neither"),
    )

    def __post_init__(self) -> None:
        """Refuse what cannot be asked."""
        super().__post_init__()
        if not 0 < self.share < 1:
            raise UsageError(f"share must lie between 0 and 1 (got {self.share}).")
        if not 0 <= self.exact_up_to <= MOST_EXACT:
            raise UsageError(
                f"exact_up_to must be from 0 to {MOST_EXACT} (got {self.exact_up_to}): exact "
                "bounds ask about every subset of the features."
            )
        if self.sets < 2 or self.beam < 1:
            raise UsageError("sets must be 2 or more, and beam 1 or more.")

    def ask(self, sample: Sample, context: Any) -> Any:
        """Explain, then take sets of features away, and all one by one in several orders."""
        subject: Subject = yield from self.subject(sample, context)
        rng, n = rng_of_sample(sample), len(subject.features)
        own = yield from self.explained(subject.features, subject.target, sample)
        oracle = yield from Occlusion().explain(subject.game, rng)
        rivals = [rng.standard_normal(n) for _ in range(RANDOM_DRAWS)]
        every = [own.scores, oracle.scores, *rivals]
        found = yield from self._measured(subject.game, every, rng)
        ours, occlusion, random = found[0], found[1], _Measured.mean(found[2:])
        return {
            **ours.columns(""),
            **random.columns("random_"),
            **occlusion.columns("occlusion_"),
            "area_gain": defined(ours.area - random.area),
            "completeness_error": own.completeness_error,
            "gini": defined(gini(own.scores)),
            "entropy": defined(entropy(own.scores)),
            "n_features": n,
            "predicted": subject.predicted,
            **subject.features.columns(own.scores.tolist()),
        }

    def _measured(
        self, game: Game, every: Sequence[Scores], rng: np.random.Generator
    ) -> Generator[Any, Any, list[_Measured]]:
        n = len(game.features)
        # Sets of one would be what occlusion asks itself.
        size = min(max(2, round(self.share * n)), n - 1)
        absent = _random_sets(n, size, self.sets, rng)
        full = np.ones((1, n), dtype=bool)
        values = yield from game.values(np.vstack([full, ~absent]))
        areas = yield from self._areas(game, [ranking(scores) for scores in every])
        drops, sums = values[0] - values[1:], [absent @ scores for scores in every]
        return [
            _Measured(area, unexplained_share(foreseen, drops), sensitivity_n(foreseen, drops))
            for area, foreseen in zip(areas, sums, strict=True)
        ]

    def _areas(
        self, game: Game, orders: Sequence[Sequence[int]]
    ) -> Generator[Any, Any, list[float]]:
        n = len(game.features)
        if n > self.longest:
            return [math.nan for _ in orders]
        values = yield from game.values(np.vstack([steps_of(order) for order in orders]))
        areas = [erasing_area(part) for part in values.reshape(len(orders), n + 1).tolist()]
        low, high = yield from self._bounds(game)
        # A beam may miss what one of these orders reached.
        low, high = min(low, *areas), max(high, *areas)
        return [normalised_area(area, low, high) for area in areas]

    def _bounds(self, game: Game) -> Generator[Any, Any, Bounds]:
        n = len(game.features)
        if n > self.exact_up_to:
            return (yield from beam_bounds(n, game.values, self.beam))
        return exact_bounds((yield from game.values(every_coalition(n))))


def _random_sets(n: int, size: int, count: int, rng: np.random.Generator) -> Any:
    """Sets of features of one size, bool [count, n]."""
    ranks = rng.random((count, n)).argsort(axis=1).argsort(axis=1)
    return ranks < size


def defined(value: float) -> float | None:
    """The value, or None where it is NaN: a sample without one is left out, and counted."""
    return None if math.isnan(value) else value


@dataclass(frozen=True)
class TextFidelity(LabelOfText, _Fidelity):
    """Fidelity of explanations of a classifier's label, by words.

    Args:
        explainer: See ExplainerChoice.
        settings: The explainer's own.
        sets: Random sets of words that are taken away.
        share: Of the words in each set.
        exact_up_to: Most words for exact bounds of NAOPC; they take 2 to its power of questions.
        beam: Width of the beam search for bounds of more words.
        longest: Most words for any bounds.
    """

    name: ClassVar[str] = "explain/text-fidelity"


@dataclass(frozen=True)
class ContinuationFidelity(ContinuationOfText, _Fidelity):
    """Fidelity of explanations of a language model's log P(continuation | text), by words.

    Args: as of explain/text-fidelity.
    """

    name: ClassVar[str] = "explain/continuation-fidelity"


@dataclass(frozen=True)
class ImageFidelity(_Fidelity, ClassOfImage):
    """Fidelity of explanations of a picture's zero-shot class, by cells.

    Args: as of explain/text-fidelity and explain/image-occlusion.
    """

    name: ClassVar[str] = "explain/image-fidelity"
    asked: ClassVar[Any] = ClassOfImage.asked


@dataclass(frozen=True)
class AudioFidelity(_Fidelity, ClassOfClip):
    """Fidelity of explanations of a clip's zero-shot class, by cells of time and frequency.

    Args: as of explain/text-fidelity and explain/shortcut-tone.
    """

    name: ClassVar[str] = "explain/audio-fidelity"
    asked: ClassVar[Any] = ClassOfClip.asked


@dataclass(frozen=True)
class TranscriptFidelity(_Fidelity, TranscriptOfClip):
    """Fidelity of explanations of a transcript: which of its words are still heard, by cells.

    Needs no reference transcript.

    Args: as of explain/text-fidelity and explain/shortcut-tone.
    """

    explainer: str = "occlusion"

    name: ClassVar[str] = "explain/transcript-fidelity"
    asked: ClassVar[Any] = TranscriptOfClip.asked
