"""Labels against the right ones: the task of any classifier, and what its records amount to."""

from evalsuite.classification.agreement import MacroF1, MatthewsCorrelation
from evalsuite.classification.calibration import CalibrationError, CalibrationErrorGap
from evalsuite.classification.recall import BalancedAccuracy
from evalsuite.classification.selective import SelectiveRisk
from evalsuite.classification.task import ClassificationTask

__all__ = [
    "BalancedAccuracy",
    "CalibrationError",
    "CalibrationErrorGap",
    "ClassificationTask",
    "MacroF1",
    "MatthewsCorrelation",
    "SelectiveRisk",
]
