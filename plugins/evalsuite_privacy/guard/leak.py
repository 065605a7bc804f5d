"""What an attack finds beyond the inputs, and whether the split can show anything at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evalsuite.statistics import Interval, auc_difference_interval, auc_interval, roc_auc

Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]

# A blind classifier whose interval lies above this knows too much for the split to be of use.
WORTHLESS_AUC = 0.55


@dataclass(frozen=True, slots=True)
class Split:
    """How well the inputs alone tell members from non-members.

    On a fair split the area varies about 1.4 times as much as its interval says, since the folds'
    classifiers share their training samples; about one fair split in fifty is called worthless.

    Attributes:
        auc: Area under the curve of the blind classifier.
        interval: Of that area.
    """

    auc: float
    interval: Interval

    @classmethod
    def of(
        cls,
        blind: Floats,
        members: Booleans,
        *,
        clusters: npt.NDArray[np.object_] | None = None,
        rng: np.random.Generator | None = None,
    ) -> Split:
        """The split that some blind scores show."""
        interval = auc_interval(blind, members, clusters=clusters, rng=rng)
        return cls(roc_auc(blind, members), interval)

    @property
    def is_worthless(self) -> bool:
        """Whether the classifier is surely better than the little that chance explains."""
        return self.interval.low > WORTHLESS_AUC

    @property
    def warning(self) -> str | None:
        """What the report says of a worthless split; None of a usable one."""
        if not self.is_worthless:
            return None
        return (
            f"inputs alone tell members apart (blind AUC {self.auc:.2f}, "
            f"{self.interval.low:.2f} to {self.interval.high:.2f}): this split is worthless for "
            "membership; draw members and non-members from one pool"
        )


@dataclass(frozen=True, slots=True)
class Leak:
    """Area of an attack minus that of the blind classifier, with a joint interval."""

    value: float
    interval: Interval


def leak_beyond_inputs(
    attack: Floats,
    blind: Floats,
    members: Booleans,
    *,
    clusters: npt.NDArray[np.object_] | None = None,
    rng: np.random.Generator | None = None,
    level: float = 0.95,
) -> Leak:
    """AUC(attack) minus the larger of AUC(blind) and 0.5, on the same samples.

    A classifier below 0.5 (cross-validation on a fair split often is) counts as guessing: its bad
    luck is no leak. The leak is thus the smaller of two differences, and each of its bounds the
    smaller of theirs. Range: [-1, 0.5]; 0 when the model adds nothing. Undefined: fewer than two
    members or non-members, or a NaN score.

    Args:
        attack: The attack's scores, higher for members, (n,).
        blind: The blind classifier's scores, (n,).
        members: Whether each sample was trained on, (n,).
        clusters: Label of the resampling unit of each sample, (n,).
        rng: Source of randomness; needed with clusters.
        level: Nominal coverage.
    """
    over_blind = auc_difference_interval(
        attack, blind, members, clusters=clusters, rng=rng, level=level
    )
    own = auc_interval(attack, members, clusters=clusters, rng=rng, level=level)
    value = roc_auc(attack, members) - max(roc_auc(blind, members), 0.5)
    if not (over_blind.is_defined and own.is_defined):
        reason = over_blind.reason or own.reason or "no interval"
        return Leak(value, Interval.undefined(reason, level=level, method=over_blind.method))
    low, high = min(over_blind.low, own.low - 0.5), min(over_blind.high, own.high - 0.5)
    method = own.method if clusters is not None else f"{over_blind.method}, {own.method}"
    return Leak(value, Interval(low, max(high, value), level, method))
