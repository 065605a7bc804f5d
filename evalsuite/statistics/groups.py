"""Rates by group and the differences between them.

Point values by group come from fairlearn's MetricFrame. What is added is the gate: fairlearn gives
a group without positives a true-positive rate of 0, which then looks like the worst of all; here
such a rate is NaN with a reason, and takes no part in differences.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from evalsuite.statistics.points import asks_only_values
from evalsuite.statistics.units import codes_of

RateName: TypeAlias = Literal[
    "selection_rate",
    "true_positive_rate",
    "false_positive_rate",
    "false_negative_rate",
    "accuracy",
]
OfRows: TypeAlias = Callable[[npt.NDArray[np.int64]], float]

# Default gate: with 30 samples the standard error of a rate is already up to 9 points.
MIN_SIZE = 30


@dataclass(frozen=True, slots=True)
class GroupRates:
    """Rates of binary decisions in one group; NaN where too few samples define them.

    Attributes:
        group: Label of the group.
        selection_rate: P(ŷ = 1).
        true_positive_rate: P(ŷ = 1 | y = 1).
        false_positive_rate: P(ŷ = 1 | y = 0).
        false_negative_rate: P(ŷ = 0 | y = 1).
        accuracy: P(ŷ = y).
        n: Samples of the group.
        n_positive: Those with y = 1.
        n_negative: Those with y = 0.
        reason: Why a rate is NaN; None when none is.
    """

    group: str
    selection_rate: float
    true_positive_rate: float
    false_positive_rate: float
    false_negative_rate: float
    accuracy: float
    n: int
    n_positive: int
    n_negative: int
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class GroupTable:
    """Rates of each group, in sorted order of the labels."""

    groups: tuple[GroupRates, ...]

    def rates(self, name: RateName) -> dict[str, float]:
        """One rate of each group, NaN included."""
        return {rates.group: float(getattr(rates, name)) for rates in self.groups}


@dataclass(frozen=True, slots=True)
class Disparity:
    """A comparison of the groups that have the rate.

    Attributes:
        value: The difference or ratio; NaN when undefined.
        lowest: Group with the lowest rate; None when undefined or when several rates matter.
        highest: Group with the highest rate; likewise.
        excluded: Groups left out because their rate is undefined.
        reason: Why the value is NaN; None when it is not.
    """

    value: float
    lowest: str | None = None
    highest: str | None = None
    excluded: tuple[str, ...] = ()
    reason: str | None = None


def group_rates(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    groups: npt.ArrayLike,
    *,
    min_group_size: int = MIN_SIZE,
    min_positives: int = MIN_SIZE,
    min_negatives: int = MIN_SIZE,
) -> GroupTable:
    """Selection rate, error rates and accuracy of binary decisions in each group.

    Range: [0, 1] each. Undefined (NaN with a reason): every rate of a group smaller than
    ``min_group_size``; rates among positives with fewer than ``min_positives`` of them; the rate
    among negatives with fewer than ``min_negatives``. A gate below one counts as one.
    Reference: Weerts et al. 2023 (2303.16626), Fairlearn.

    Args:
        y_true: Outcomes, 0 or 1, (n,).
        y_pred: Decisions, 0 or 1, (n,).
        groups: Label of the group of each sample, (n,).
        min_group_size: Samples a group must have.
        min_positives: Positives a group must have for rates among them.
        min_negatives: Negatives a group must have for the rate among them.
    """
    truth, decision = _binary(y_true, "y_true"), _binary(y_pred, "y_pred")
    codes, names = codes_of(groups)
    gates = (min_group_size, min_positives, min_negatives)
    by_code = _counted_rates if asks_only_values() else _rate_frame
    frame = by_code(truth, decision, codes) if codes.size else {}
    rates = []
    for code, name in enumerate(names):
        n_positive = int(truth[codes == code].sum())
        n = int((codes == code).sum())
        point = {rate: float(frame[rate][code]) for rate in frame}
        rates.append(_gated(str(name), point, n, n_positive, gates))
    return GroupTable(tuple(rates))


def values_by_group(
    of_rows: OfRows, codes: npt.NDArray[np.int64], n_groups: int
) -> npt.NDArray[np.float64]:
    """A function of row indices in each group, (n_groups,), by MetricFrame; codes have no gaps."""
    if codes.size == 0:
        return np.full(n_groups, np.nan)
    from fairlearn.metrics import MetricFrame  # a second to import, so only when needed

    # Rows go in place of y_true, so that any statistic of any kind of value can be asked for.
    frame = MetricFrame(
        metrics=lambda rows, _: float(of_rows(np.asarray(rows))),
        y_true=np.arange(codes.size),
        y_pred=np.arange(codes.size),
        sensitive_features=codes,
    )
    return np.array([frame.by_group[code] for code in range(n_groups)], dtype=float)


def demographic_parity_difference(table: GroupTable) -> Disparity:
    """Largest minus smallest selection rate.

    Formula: max_g P(ŷ=1|g) − min_g P(ŷ=1|g). Range: [0, 1], lower is fairer; in finite samples
    above 0 without any disparity. Undefined: fewer than two groups have the rate.
    Reference: Agarwal et al. 2018 (1803.02453).
    """
    return _difference(table, "selection_rate")


def demographic_parity_ratio(table: GroupTable) -> Disparity:
    """Smallest over largest selection rate.

    Formula: min_g P(ŷ=1|g) / max_g P(ŷ=1|g). Range: [0, 1], higher is fairer.
    Undefined: fewer than two groups have the rate, or nobody is selected.
    Reference: Feldman et al. 2015 (1412.3756), disparate impact.
    """
    return _compared(table, "selection_rate", "ratio")


def equal_opportunity_difference(table: GroupTable) -> Disparity:
    """Largest minus smallest true-positive rate.

    Formula: max_g P(ŷ=1|y=1,g) − min_g P(ŷ=1|y=1,g). Range: [0, 1], lower is fairer.
    Undefined: fewer than two groups have the rate. Reference: Hardt et al. 2016 (1610.02413).
    """
    return _difference(table, "true_positive_rate")


def equalized_odds_difference(
    table: GroupTable, agg: Literal["worst_case", "mean"] = "worst_case"
) -> Disparity:
    """Larger, or mean, of the differences in true- and false-positive rate.

    Formula: max(ΔTPR, ΔFPR) or (ΔTPR + ΔFPR)/2, Δ largest minus smallest. Range: [0, 1], lower is
    fairer. Undefined: either difference is. Reference: Hardt et al. 2016 (1610.02413).
    """
    if agg not in ("worst_case", "mean"):
        raise ValueError(f"agg must be 'worst_case' or 'mean' (got {agg!r})")
    parts = [_difference(table, "true_positive_rate"), _difference(table, "false_positive_rate")]
    excluded = tuple(dict.fromkeys(group for part in parts for group in part.excluded))
    reasons = [part.reason for part in parts if part.reason is not None]
    if reasons:
        return Disparity(math.nan, excluded=excluded, reason="; ".join(reasons))
    if agg == "mean":
        return Disparity(sum(part.value for part in parts) / 2, excluded=excluded)
    worst = max(parts, key=lambda part: part.value)
    return Disparity(worst.value, worst.lowest, worst.highest, excluded)


def equalized_odds_ratio(table: GroupTable) -> Disparity:
    """Smaller of the ratios of true- and of false-positive rates, smallest over largest.

    Range: [0, 1], higher is fairer. Undefined: either ratio is (fewer than two groups have the
    rate, or it is zero in all). Reference: Weerts et al. 2023 (2303.16626), Fairlearn.
    """
    names: tuple[RateName, RateName] = ("true_positive_rate", "false_positive_rate")
    parts = [_compared(table, name, "ratio") for name in names]
    excluded = tuple(dict.fromkeys(group for part in parts for group in part.excluded))
    reasons = [part.reason for part in parts if part.reason is not None]
    if reasons:
        return Disparity(math.nan, excluded=excluded, reason="; ".join(reasons))
    worst = min(parts, key=lambda part: part.value)
    return Disparity(worst.value, worst.lowest, worst.highest, excluded)


def accuracy_difference(table: GroupTable) -> Disparity:
    """Largest minus smallest accuracy.

    Range: [0, 1], lower is fairer. Undefined: fewer than two groups are big enough.
    """
    return _difference(table, "accuracy")


def worst_group_accuracy(table: GroupTable) -> Disparity:
    """Smallest accuracy of a group.

    Range: [0, 1], higher is better. Undefined: fewer than two groups are big enough.
    Reference: Sagawa et al. 2020 (1911.08731).
    """
    found = _difference(table, "accuracy")
    if found.lowest is None:
        return found
    lowest = table.rates("accuracy")[found.lowest]
    return Disparity(lowest, found.lowest, found.highest, found.excluded)


def _difference(table: GroupTable, name: RateName) -> Disparity:
    return _compared(table, name, "difference")


def _compared(table: GroupTable, name: RateName, how: Literal["difference", "ratio"]) -> Disparity:
    """Compare the extreme groups by one rate, leaving out those without it."""
    rates = table.rates(name)
    excluded = tuple(group for group, rate in rates.items() if math.isnan(rate))
    defined = {group: rate for group, rate in rates.items() if group not in excluded}
    if len(defined) < 2:
        reason = f"fewer than two groups have a defined {name.replace('_', ' ')}"
        return Disparity(math.nan, excluded=excluded, reason=reason)
    lowest, highest = min(defined, key=defined.__getitem__), max(defined, key=defined.__getitem__)
    if how == "difference":
        return Disparity(defined[highest] - defined[lowest], lowest, highest, excluded)
    if defined[highest] == 0:
        return Disparity(math.nan, excluded=excluded, reason=f"every {name} is zero")
    return Disparity(defined[lowest] / defined[highest], lowest, highest, excluded)


def _rate_frame(
    truth: npt.NDArray[np.int64], decision: npt.NDArray[np.int64], codes: npt.NDArray[np.int64]
) -> Any:
    """All rates by group code, a MetricFrame's table."""
    from fairlearn.metrics import (
        MetricFrame,
        false_negative_rate,
        false_positive_rate,
        selection_rate,
        true_positive_rate,
    )

    metrics = {
        "selection_rate": selection_rate,
        "true_positive_rate": true_positive_rate,
        "false_positive_rate": false_positive_rate,
        "false_negative_rate": false_negative_rate,
        "accuracy": lambda y_true, y_pred: float(np.mean(np.asarray(y_true) == y_pred)),
    }
    frame = MetricFrame(metrics=metrics, y_true=truth, y_pred=decision, sensitive_features=codes)
    return frame.by_group


def _counted_rates(
    truth: npt.NDArray[np.int64], decision: npt.NDArray[np.int64], codes: npt.NDArray[np.int64]
) -> dict[str, npt.NDArray[np.float64]]:
    """The same rates from counts, for whoever asks hundreds of times; NaN where there are none."""
    cells = np.bincount(4 * codes + 2 * truth + decision).astype(float)
    cells = np.pad(cells, (0, -len(cells) % 4)).reshape(-1, 2, 2)
    with np.errstate(invalid="ignore"):
        of_truth = cells[:, :, 1] / cells.sum(axis=2)
        n = cells.sum(axis=(1, 2))
        return {
            "selection_rate": cells[:, :, 1].sum(axis=1) / n,
            "true_positive_rate": of_truth[:, 1],
            "false_positive_rate": of_truth[:, 0],
            "false_negative_rate": 1 - of_truth[:, 1],
            "accuracy": (cells[:, 0, 0] + cells[:, 1, 1]) / n,
        }


def _gated(
    group: str, point: dict[str, float], n: int, n_positive: int, gates: Sequence[int]
) -> GroupRates:
    """Put NaN and a reason in place of rates that too few samples define."""
    min_group_size, min_positives, min_negatives = (max(1, gate) for gate in gates)
    n_negative, reasons, hidden = n - n_positive, [], set[str]()
    if n < min_group_size:
        reasons.append(f"fewer than {min_group_size} samples")
        hidden.update(point)
    if n_positive < min_positives:
        reasons.append(f"fewer than {min_positives} positives")
        hidden.update(("true_positive_rate", "false_negative_rate"))
    if n_negative < min_negatives:
        reasons.append(f"fewer than {min_negatives} negatives")
        hidden.add("false_positive_rate")
    shown = {name: math.nan if name in hidden else value for name, value in point.items()}
    reason = "; ".join(reasons) or None
    return GroupRates(
        group, **shown, n=n, n_positive=n_positive, n_negative=n_negative, reason=reason
    )


def _binary(values: npt.ArrayLike, name: str) -> npt.NDArray[np.int64]:
    array = np.asarray(values)
    if not np.isin(array, (0, 1)).all():
        raise ValueError(f"{name} must hold booleans, 0 or 1")
    return array.astype(np.int64)
