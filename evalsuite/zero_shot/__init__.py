"""Zero-shot decisions of dual encoders: which class, named in words, is closest to an input?

Shared by every probe that classifies images or clips in this way, whatever it then measures, so
that they ask the same questions (which are then answered once) and break ties alike.
"""

from evalsuite.classification import CalibrationError
from evalsuite.zero_shot.labels import MeanAveragePrecision, ZeroShotLabelsTask, average_precisions
from evalsuite.zero_shot.metrics import MeanPerClassRecall
from evalsuite.zero_shot.prediction import (
    Classes,
    Prediction,
    class_vectors,
    judged,
    logits_of,
    predict,
    probabilities_of,
)
from evalsuite.zero_shot.prompts import ClassPrompts, fill
from evalsuite.zero_shot.task import (
    ZeroShotProbe,
    ZeroShotTask,
    class_index,
    classification_record,
    embed,
)

__all__ = [
    "CalibrationError",
    "ClassPrompts",
    "Classes",
    "MeanAveragePrecision",
    "MeanPerClassRecall",
    "Prediction",
    "ZeroShotLabelsTask",
    "ZeroShotProbe",
    "ZeroShotTask",
    "average_precisions",
    "class_index",
    "class_vectors",
    "classification_record",
    "embed",
    "fill",
    "judged",
    "logits_of",
    "predict",
    "probabilities_of",
]
