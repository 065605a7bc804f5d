"""Labels of an audio classifier against the right ones: keywords, emotions, languages, sounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from evalsuite import Card, Metric
from evalsuite.classification import CalibrationError, ClassificationTask


@dataclass(frozen=True)
class Classification(ClassificationTask):
    """Compare a classifier's most probable label of a clip with the field ``label``."""

    medium: ClassVar[str] = "audio"
    name: ClassVar[str] = "audio/classification"
    card: ClassVar[Card] = Card(
        measures="How often the most probable label is the right one (for emotions called "
        "weighted accuracy), against always saying the most frequent label; the recall of each "
        "label, and their mean (balanced accuracy, for emotions called unweighted average "
        "recall, UAR) against one over the number of labels; macro-F1 and the Matthews "
        "correlation; and whether confidences come true.",
        does_not_measure="Whether the label was found for a good reason; clips of the same "
        "speakers as in training are easier.",
        reference="Warden 2018 (Speech Commands); Schuller et al. 2009, Interspeech (UAR); Yang "
        "et al. 2021, Interspeech (SUPERB); Guo et al. 2017 (calibration)",
        critique="Accuracy rewards the majority label where labels are unbalanced. Utterances of "
        "one speaker are not independent: set `cluster_by: speaker`.",
    )

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """As for all classifiers, and the calibration error."""
        return (*super().metrics, CalibrationError())
