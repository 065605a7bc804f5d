"""What every probe of calibration lets one choose, measures and says of itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from evalsuite import GroupGap, Mean, Metric, Null, Proportion, Sample
from evalsuite.classification import CalibrationError, CalibrationErrorGap, SelectiveRisk
from evalsuite.statistics import Closed
from evalsuite_robustness.calibration.forecasts import over_forecasts
from evalsuite_robustness.calibration.temperature import FittedTemperature, ScaledCalibrationError

REFERENCE = (
    "Guo et al. 2017, ICML (calibration error); Nguyen and O'Connor 2015, EMNLP (equal masses); "
    "Bröcker and Smith 2007 (consistency resampling); Brier 1950; Geifman et al. 2019, ICLR (AURC)"
)
CRITIQUE = (
    "The calibration error of a perfect model is above zero and falls with the number of samples: "
    "read it against its null. It depends on the bins, so it is told twice, in bins of equal mass "
    "and of equal width. A model that always names the rate of its own errors is calibrated and "
    "knows nothing: read it beside the accuracy and the risk of the surest answers."
)
_LOWER: Any = "lower is better"


@dataclass(frozen=True)
class Calibrated:
    """The options of all probes of calibration, beside those of their own kind.

    Args:
        bins: Bins of the calibration error.
        closed: To which side an edge of bins of equal width belongs: right, (a, b], or left.
        group: Field that tells groups apart; with it, errors by group and their gaps.
        cluster_by: Field of the resampling unit; samples are the unit without.
    """

    bins: int = 10
    closed: Closed = "right"
    group: str = ""
    cluster_by: str = ""

    family: ClassVar[Any] = "robustness"
    unit: ClassVar[str] = ""
    knows_all: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Refuse bins that hold nothing."""
        getattr(super(), "__post_init__", lambda: None)()
        if self.bins < 1:
            raise ValueError(f"bins must be 1 or more (got {self.bins})")

    @property
    def metrics(self) -> Sequence[Metric]:
        """Those of calibration."""
        return self.of_confidence()

    def of_confidence(self) -> tuple[Metric, ...]:
        """Calibration errors, proper scores, and the risk of the surest answers."""
        units = self.cluster_by or self.unit or None
        by = "group" if self.group else None
        # What CalibrationError calls its own options.
        bins: dict[str, Any] = {"bins": self.bins, "closed": self.closed, "clusters": units}
        return over_forecasts(
            (
                CalibrationError(by=by, primary=True, **bins),
                CalibrationError(name="calibration error, equal widths", binning="width", **bins),
                Mean(
                    "overconfidence",
                    name="overconfidence",
                    by=by,
                    clusters=units,
                    null=Null(0.0, margin=0.02, why="as sure as it is often right"),
                    direction="closer to null is better",
                ),
                Mean("squared_error", name="Brier score", clusters=units, direction=_LOWER),
                Mean("surprise", name="negative log-likelihood", clusters=units, direction=_LOWER),
                SelectiveRisk(clusters=units),
                *self._temperatures(units, bins),
                Proportion("correct", name="accuracy", clusters=units),
                *(self._gaps(units) if self.group else ()),
            )
        )

    def _temperatures(self, units: str | None, bins: Mapping[str, Any]) -> tuple[Metric, ...]:
        """Of probes that know the probabilities of all answers."""
        if not self.knows_all:
            return ()
        return (FittedTemperature(clusters=units), ScaledCalibrationError(CalibrationError(**bins)))

    def _gaps(self, units: str | None) -> Sequence[Metric]:
        gap = CalibrationErrorGap(bins=self.bins, closed=self.closed, clusters=units)
        return (gap, GroupGap("overconfidence", "group", name="overconfidence gap", clusters=units))

    def carried(self, sample: Sample) -> Mapping[str, Any]:
        """The group and the resampling unit of a sample, as columns."""
        found = {"group": sample[self.group]} if self.group else {}
        return {**found, self.cluster_by: sample[self.cluster_by]} if self.cluster_by else found
