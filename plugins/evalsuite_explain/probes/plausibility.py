"""Do explanations look right to people? Kept apart: a plausible explanation need not be true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from evalsuite import Card, Failure, Mean, Metric, Null, Probe, RequestFailed, Sample
from evalsuite_explain.explainers.occlusion import Occlusion
from evalsuite_explain.inputs.words import Words
from evalsuite_explain.measures.localisation import rank_inside
from evalsuite_explain.measures.plausibility import (
    average_precision,
    precision_recall_area,
    stretch_overlap,
    stretches,
)
from evalsuite_explain.probes.explaining import (
    ExplainerChoice,
    UnitChoice,
    completeness_columns,
    rng_of_sample,
)
from evalsuite_explain.probes.measuring import defined
from evalsuite_explain.probes.subjects import ContinuationOfText, LabelOfText, Subject

RANDOM_DRAWS = 8
_MEASURES = {
    "average_precision": "plausibility: average precision",
    "auprc": "plausibility: area under precision and recall (ERASER)",
    "token_f1": "plausibility: F1 of words",
    "iou_f1": "plausibility: F1 of stretches that overlap by half",
}
_WHOSE: tuple[tuple[str, str, Any], ...] = (
    ("", "", "higher is better"),
    ("random_", " of a random explainer", "neither"),
    ("occlusion_", " of occlusion", "neither"),
)


_METRICS = (
    Mean(
        "precision_gain",
        name="plausibility over random",
        null=Null(0.0, margin=0.01, side="above", why="no better than a random explainer"),
        direction="higher is better",
        primary=True,
    ),
    *(
        Mean(f"{prefix}{column}", name=f"{told}{whose}", direction=direction)
        for column, told in _MEASURES.items()
        for prefix, whose, direction in _WHOSE
    ),
    Mean("share_marked", name="share of the words that people marked"),
)


@dataclass(frozen=True)
class _Plausibility(UnitChoice, ExplainerChoice, Probe):
    """Base, beside a class with a subject: the words people marked against the scores."""

    family: ClassVar[Any] = "explainability"
    card: ClassVar[Card] = Card(
        measures="How well an explainer's scores find the words that people marked as the reason; "
        "as many first words as they marked are taken for F1, where words that tie for the last "
        "places share them. Beside it a random explainer (the mean of eight) and occlusion.",
        does_not_measure="Whether the model uses those words. A false explanation may look right "
        "and a true one wrong, so this is no faithfulness.",
        reference="DeYoung et al. 2020, ERASER; Jacovi and Goldberg 2020",
        critique="People agree only in part on what the reasons are. ERASER's area is here for "
        "comparison with papers: it flatters scores that are equal for many words.",
    )

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """The gain, then each measure of the explainer and of what it stands beside."""
        return self.over_units(_METRICS)

    def ask(self, sample: Sample, context: Any) -> Any:
        """Explain, and compare with the rationale: [[first, last], ...] characters, half open."""
        unit = self.unit(sample)
        subject: Subject = yield from self.subject(sample, context)  # type: ignore[attr-defined]
        marked = marked_words(subject.features, sample["rationale"])
        rng = rng_of_sample(sample)
        own = yield from self.explained(subject.features, subject.target, sample)
        oracle = yield from Occlusion().explain(subject.game, rng)
        ours = _compared(own.scores, marked)
        draws = [_compared(rng.standard_normal(len(marked)), marked) for _ in range(RANDOM_DRAWS)]
        random = {name: float(np.mean([draw[name] for draw in draws])) for name in _MEASURES}
        occlusion = _compared(oracle.scores, marked)
        return {
            **{name: defined(value) for name, value in ours.items()},
            **{f"random_{name}": defined(value) for name, value in random.items()},
            **{f"occlusion_{name}": defined(value) for name, value in occlusion.items()},
            "precision_gain": defined(ours["average_precision"] - random["average_precision"]),
            "share_marked": float(marked.mean()),
            "predicted": subject.predicted,
            **unit,
            **completeness_columns({self.explainer: own}),
            **subject.features.columns(own.scores.tolist()),
        }


def marked_words(words: Words, rationale: Sequence[Sequence[int]]) -> npt.NDArray[np.bool_]:
    """Which words a rationale's characters touch [words].

    Raises:
        RequestFailed: It touches none.
    """
    marked = np.array(
        [
            any(first < int(b) and last > int(a) for a, b in rationale)
            for _, (first, last) in words.words
        ]
    )
    if not marked.any():
        raise RequestFailed(Failure("no rationale", "people marked none of the text's words"))
    return marked


def _compared(scores: npt.NDArray[np.float64], marked: npt.NDArray[np.bool_]) -> dict[str, float]:
    human = np.flatnonzero(marked).tolist()
    chosen = first_words(scores, len(human))
    return {
        "average_precision": average_precision(scores, marked),
        "auprc": precision_recall_area(scores, marked),
        # As many words as people marked: precision, recall and F1 are the same share of hits.
        "token_f1": rank_inside(scores, marked),
        "iou_f1": stretch_overlap(stretches(chosen), stretches(human)).f1,
    }


def first_words(scores: npt.NDArray[np.float64], k: int) -> list[int]:
    """The k words with the highest scores, without those tied for the last places.

    A model that reads four words gives all others 0; which of them came first would be their
    place in the text, not the explainer's doing.
    """
    last = np.sort(scores)[-k]
    fits = int((scores >= last).sum()) <= k
    chosen: list[int] = np.flatnonzero(scores >= last if fits else scores > last).tolist()
    return chosen


@dataclass(frozen=True)
class LabelPlausibility(LabelOfText, _Plausibility):
    """Human rationales of a label, against explanations of a classifier's."""

    name: ClassVar[str] = "explain/plausibility"
    fields: ClassVar[Any] = ("text", "rationale")


@dataclass(frozen=True)
class ContinuationPlausibility(ContinuationOfText, _Plausibility):
    """Human rationales of a continuation (a last word), against those of a language model."""

    name: ClassVar[str] = "explain/continuation-plausibility"
    fields: ClassVar[Any] = ("text", "rationale")
