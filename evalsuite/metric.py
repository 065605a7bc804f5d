"""From the records of one probe to estimates: a value, its interval, its null, and why not.

An Estimate is never a bare number. Undefined is NaN with a reason; a failed sample is counted and
never scored as an answer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

from evalsuite.errors import DataError, EvalsuiteError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Direction = Literal["higher is better", "lower is better", "closer to null is better", "neither"]
Verdict = Literal["differs from null", "compatible with null", "no null", "undefined"]


@dataclass(frozen=True)
class Null:
    """What the estimate would be if there were nothing to find.

    ``margin`` is the smallest departure that matters: an interval that comes within ``margin`` of
    the value is compatible with the null. ``side`` says which departures count: ``above``,
    ``below`` or ``both``. ``why`` is one clause for the report, e.g. "two choices, guessing".
    """

    value: float
    margin: float = 0.0
    side: Literal["both", "above", "below"] = "both"
    why: str = ""

    def is_excluded_by(self, low: float, high: float) -> bool:
        """Whether an interval lies wholly beyond the margin on a side that counts."""
        above = low > self.value + self.margin and self.side != "below"
        below = high < self.value - self.margin and self.side != "above"
        return above or below


@dataclass(frozen=True)
class Estimate:
    """One number of a report.

    Attributes:
        metric: Name of the metric, e.g. ``accuracy``.
        value: The point estimate; NaN when undefined, with ``reason``.
        low, high: Interval bounds at ``level``; NaN when there is none.
        method: How the interval was made, e.g. ``Clopper-Pearson``.
        unit: What was resampled or counted, e.g. ``sample``, ``speaker``.
        n: Answered samples (of this slice) that the value rests on.
        n_failed: Samples of the job without an answer.
        slice: Empty for the whole, otherwise e.g. ``group=B``; at an intersection of columns that
            have slices of their own ``sex x race=F x B``, which a report shows as a table.
        is_primary: Whether the scorecard shows it.
        extra: Further numbers, e.g. ``n_positive``; flat and JSON-able.
    """

    metric: str
    value: float
    low: float = math.nan
    high: float = math.nan
    level: float = 0.95
    method: str = ""
    unit: str = "sample"
    n: int = 0
    n_failed: int = 0
    slice: str = ""
    direction: Direction = "neither"
    null: Null | None = None
    reason: str | None = None
    is_primary: bool = False
    extra: Mapping[str, float | int | str | None] = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict:
        """What the interval says about the null."""
        if math.isnan(self.value):
            return "undefined"
        if self.null is None or math.isnan(self.low) or math.isnan(self.high):
            return "no null"
        excluded = self.null.is_excluded_by(self.low, self.high)
        return "differs from null" if excluded else "compatible with null"


@dataclass(frozen=True)
class Table:
    """The records of the answered samples of one job, column by column.

    ``columns`` maps a name to an array with one entry per answered sample (float, bool or object).
    """

    columns: Mapping[str, npt.NDArray[Any]]
    n: int
    n_failed: int = 0

    @classmethod
    def from_records(cls, records: Sequence[Mapping[str, Any]], n_failed: int = 0) -> Table:
        """Turn records into columns; a value absent from a record is None."""
        import numpy as np

        names = dict.fromkeys(name for record in records for name in record)
        columns = {}
        for name in names:
            values = [record.get(name) for record in records]
            is_number = all(isinstance(v, int | float | np.number | np.bool_) for v in values)
            column = np.empty(len(values), dtype=object)
            column[:] = values
            columns[name] = column.astype(float) if is_number else column
        return cls(columns, len(records), n_failed)

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """A column by name; raises DataError naming the ones there are."""
        if name not in self.columns:
            if self.n == 0:
                import numpy as np

                return np.empty(0)
            raise DataError(
                f"No column {name!r} among the records; they have {', '.join(self.columns)}."
            )
        return self.columns[name]

    def numbers(self, name: str) -> npt.NDArray[np.float64]:
        """A column as floats; None becomes NaN."""
        import numpy as np

        column = self[name]
        if column.dtype.kind in "fb":
            return column.astype(float)
        return np.array([math.nan if value is None else float(value) for value in column])

    def where(self, mask: npt.NDArray[np.bool_]) -> Table:
        """The rows where a mask holds; the failed count stays with the whole."""
        columns = {name: column[mask] for name, column in self.columns.items()}
        return Table(columns, int(mask.sum()), 0)


@dataclass(frozen=True, eq=False)
class Summed:
    """How an estimate follows from sums over the samples, which is how two are compared fast.

    Attributes:
        metric, slice: Which estimate.
        columns: What each row of the table adds, (n, k); zeros for a row that does not count.
        score: Sums (draws, k) to values (draws,); NaN where undefined.
        names: What the columns are where tables may have different ones; two estimates can be
            compared when they agree.
        is_mean: Whether the columns are a value and a one for each row that has it, and the score
            their ratio: a comparison may then look at each sample's own difference.
    """

    metric: str
    slice: str
    columns: npt.NDArray[np.float64]
    score: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]
    names: tuple[str, ...] = ()
    is_mean: bool = False

    @property
    def value(self) -> float:
        """The estimate itself; NaN where undefined."""
        return float(self.score(self.columns.sum(axis=0, keepdims=True))[0])


@dataclass(frozen=True, eq=False)
class Counted:
    """How estimates follow from how often each sample occurs, as an area under a curve does.

    Attributes:
        keys: Metric and slice of each estimate.
        columns: What each row of the table gives, (n, k).
        score: Columns (n, k) and how often each row occurs (draws, n) to values (draws,
            estimates); NaN where undefined.
    """

    keys: tuple[tuple[str, str], ...]
    columns: npt.NDArray[np.float64]
    score: Callable[[npt.NDArray[np.float64], npt.NDArray[np.float64]], npt.NDArray[np.float64]]

    @property
    def values(self) -> npt.NDArray[np.float64]:
        """The estimates themselves, (estimates,)."""
        import numpy as np

        once = np.ones((1, len(self.columns)))
        return np.asarray(self.score(self.columns, once)[0], dtype=float)


class Metric(Protocol):
    """Records in, estimates out; a frozen dataclass with a ``name``.

    A metric whose estimates follow from sums may also have ``summed(table)``, which yields a
    Summed for each; one whose estimates follow from how often each row occurs may have
    ``counted(table)``, which returns a Counted of them, or None where none is defined. Any other
    is compared by computing it anew on resampled tables. Rows that must be drawn together are
    named by a field ``clusters`` or ``drawn_by``, a column of the records.
    """

    @property
    def name(self) -> str:
        """What the report calls it."""
        ...

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """The estimate of the whole first, then those of slices; uses no randomness but ``rng``."""
        ...


def undefined(metric: str, reason: str, **facts: Any) -> Estimate:
    """An estimate that says why there is no number."""
    return Estimate(metric=metric, value=math.nan, reason=reason, **facts)


def estimate_all(
    metrics: Sequence[Metric], table: Table, rng_for: Callable[[str], np.random.Generator]
) -> list[Estimate]:
    """Every metric of one job, each with a random stream of its own.

    Without an answered sample every metric is undefined and says so, whatever it would compute of
    nothing; a metric that raises costs its own estimate only.

    Args:
        metrics: What to compute.
        table: The records.
        rng_for: Maps a metric's name to its generator.
    """
    found: list[Estimate] = []
    for metric in metrics:
        is_primary = bool(getattr(metric, "primary", False))
        try:
            made: Sequence[Estimate] = (
                metric.estimate(table, rng_for(metric.name))
                if table.n
                else [undefined(metric.name, "no sample was answered", is_primary=is_primary)]
            )
        except EvalsuiteError as error:
            made = [undefined(metric.name, str(error), is_primary=is_primary)]
        except Exception as error:  # noqa: BLE001  a stranger's metric may fail in any way
            reason = f"computing it raised {type(error).__name__}: {error}"
            made = [undefined(metric.name, reason, is_primary=is_primary)]
        found += [replace(estimate, n_failed=table.n_failed) for estimate in made]
    return found
