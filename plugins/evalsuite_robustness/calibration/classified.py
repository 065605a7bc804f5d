"""Calibration of classifiers, and of dual encoders that classify by description."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from evalsuite import Card, EmbedAudio, EmbedImage, EmbedText, Sample, SimilarityScale
from evalsuite.classification import ClassificationTask
from evalsuite.zero_shot import Classes, ZeroShotProbe, class_index, embed
from evalsuite_robustness.calibration.forecasts import forecast_record
from evalsuite_robustness.calibration.measured import CRITIQUE, REFERENCE, Calibrated
from evalsuite_robustness.calibration.temperature import scores_record

_MEASURES = (
    "Whether the probability of the most probable {what} is how often it is right: calibration "
    "error in bins of equal mass and of equal width, Brier score and negative log-likelihood of "
    "being right, how many errors are left among the surest answers, and the temperature that "
    "would put the probabilities right, with the error that is left at it."
)
_NOT = "Whether the probabilities of the other {what} are right, nor whether the model is good."


@dataclass(frozen=True)
class _Classified(Calibrated, ClassificationTask):
    """Base: the most probable label of a classifier."""

    family: ClassVar[Any] = "robustness"
    knows_all: ClassVar[bool] = True
    card: ClassVar[Card] = Card(
        measures=_MEASURES.format(what="label"),
        does_not_measure=_NOT.format(what="labels"),
        reference=REFERENCE,
        critique=CRITIQUE,
    )

    def ask(self, sample: Sample, context: Any) -> Any:
        """Classify; ties share the credit."""
        all_labels = yield from self.probabilities(sample, context)
        found = self.record_of(all_labels, sample, context)
        # Of probabilities that are added up in float32, a sum may be a little above 1.
        record = forecast_record(min(1.0, found["confidence"]), found["correct"])
        kept = {name: found[name] for name in ("predicted", "target", "probability")}
        scores = scores_record(list(all_labels.values()), list(all_labels).index(found["target"]))
        return {**record, **kept, **scores, **self.carried(sample)}


@dataclass(frozen=True)
class TextClassifierCalibration(_Classified):
    """Is a text classifier as often right as it is sure?

    Args:
        labels: What the data call a label of the model, {model's label: data's label}.
        bins, closed, group, cluster_by: As for all probes of calibration.
    """

    medium: ClassVar[str] = "text"
    name: ClassVar[str] = "calibration/text-classification"


@dataclass(frozen=True)
class AudioClassifierCalibration(_Classified):
    """Is an audio classifier as often right as it is sure?

    Args:
        labels: What the data call a label of the model, {model's label: data's label}.
        bins, closed, group, cluster_by: As for all probes of calibration.
    """

    medium: ClassVar[str] = "audio"
    name: ClassVar[str] = "calibration/audio-classification"


@dataclass(frozen=True)
class _Described(Calibrated, ZeroShotProbe):
    """Base: the closest of several described classes."""

    family: ClassVar[Any] = "robustness"
    knows_all: ClassVar[bool] = True

    def ask(self, sample: Sample, context: Classes) -> Any:
        """Embed the input and compare."""
        target = class_index(str(sample["label"]), context.names)
        embedding = yield embed(sample[self.medium])
        found = context.predict(embedding.vector, target)
        probabilities = context.probabilities(embedding.vector)
        is_softmax = context.similarity.kind == "softmax"
        return {
            **forecast_record(min(1.0, found.confidence), found.credit),
            **scores_record(probabilities.tolist() if is_softmax else (), target),
            "predicted": context.names[found.index],
            "target": context.names[target],
            "probability": found.probability,
            **self.carried(sample),
        }


@dataclass(frozen=True)
class ImageZeroShotCalibration(_Described):
    """Is an image-text dual encoder as often right as its softmax (or sigmoid) is sure?

    Args:
        classes, templates, prompts: As for zero-shot classification.
        bins, closed, group, cluster_by: As for all probes of calibration.
    """

    medium: ClassVar[str] = "image"
    name: ClassVar[str] = "calibration/image-zero-shot"
    needs: ClassVar[Any] = (EmbedImage, EmbedText, SimilarityScale)
    fields: ClassVar[Any] = ("image", "label")
    card: ClassVar[Card] = Card(
        measures=_MEASURES.format(what="class"),
        does_not_measure=_NOT.format(what="classes"),
        reference=REFERENCE,
        critique=f"Probabilities depend on the model's own scale and on the classes offered. "
        f"{CRITIQUE}",
    )


@dataclass(frozen=True)
class AudioZeroShotCalibration(_Described):
    """Is an audio-text dual encoder as often right as its softmax (or sigmoid) is sure?

    Args:
        classes, templates, prompts: As for zero-shot classification.
        bins, closed, group, cluster_by: As for all probes of calibration.
    """

    templates: tuple[str, ...] = ("this is a sound of {}",)

    medium: ClassVar[str] = "audio"
    name: ClassVar[str] = "calibration/audio-zero-shot"
    needs: ClassVar[Any] = (EmbedAudio, EmbedText, SimilarityScale)
    fields: ClassVar[Any] = ("audio", "label")
    card: ClassVar[Card] = ImageZeroShotCalibration.card
