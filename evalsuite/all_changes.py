"""What all changes of a probe's data do together, sample by sample: worst case, mean, consistency.

A probe that is asked again on harder data has one job for each change. From their records, and
those of the clean job, a further job is made that asks no model: its records and metrics are
stored, compared and gated like those of any other.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias

from evalsuite.metric import Metric, Null
from evalsuite.probe import REFUSALS, Asking, Card, Probe, Record, answer_of
from evalsuite.source import Sample
from evalsuite.summaries import GroupRatioGap, Mean, Proportion, Ratio

# A loss below two points, or two per cent, is not worth a finding.
FREE = Null(0.0, margin=0.02, side="above", why="the change costs nothing")
Better: TypeAlias = Literal["higher is better", "lower is better"]
_BETTER: Mapping[str, Better] = {
    "higher is better": "higher is better",
    "lower is better": "lower is better",
}


@dataclass(frozen=True)
class Figure:
    """A primary metric that averages one column, or divides the sums of two.

    Attributes:
        name: Of the metric.
        columns: The column, or numerator and denominator.
        direction: Which way is better.
        is_share: Whether it is a share of samples, as accuracy is.
    """

    name: str
    columns: tuple[str, ...]
    direction: Better
    is_share: bool = False

    @property
    def sign(self) -> float:
        """1 where higher is better, -1 where lower is."""
        return 1.0 if self.direction == "higher is better" else -1.0

    def of(self, record: Record) -> tuple[float, float] | None:
        """Value and weight of one sample; None where it has none, or a weight of zero."""
        found = [record.get(column) for column in self.columns]
        numbers = [float(v) for v in found if isinstance(v, int | float) and math.isfinite(v)]
        if len(numbers) < len(found):
            return None
        value, weight = (*numbers, 1.0)[:2]
        return (value, weight) if weight else None


def figures_of(metrics: Sequence[Metric]) -> tuple[Figure, ...]:
    """The primary metrics of which one can say what a change costs."""
    found = []
    for metric in metrics:
        names = [getattr(metric, name, None) for name in ("column", "numerator", "denominator")]
        columns = tuple(name for name in names if isinstance(name, str))
        better: Better | None = _BETTER.get(getattr(metric, "direction", ""))
        if columns and better is not None and getattr(metric, "primary", False):
            found.append(Figure(metric.name, columns, better, isinstance(metric, Proportion)))
    return tuple(found)


def groups_of(metrics: Sequence[Metric]) -> tuple[str, ...]:
    """The columns by which the metrics tell groups of samples apart."""
    named = [getattr(metric, name, None) for metric in metrics for name in ("by", "group")]
    return tuple(dict.fromkeys(name for name in named if isinstance(name, str)))


def clusters_of(metrics: Sequence[Metric]) -> str:
    """The column of the resampling unit of the first primary metric that has one; else empty."""
    named = [getattr(m, "clusters", None) for m in metrics if getattr(m, "primary", False)]
    return next((name for name in named if isinstance(name, str)), "")


@dataclass(frozen=True)
class Change:
    """One change of the data.

    Attributes:
        name: The variant, where its dial stands, and what else was chosen.
        kind: The same without the dial; the settings of one kind are averaged first.
        keeps_answers: Whether the right answers are the same as before.
    """

    name: str
    kind: str
    keeps_answers: bool = True


@dataclass(frozen=True)
class AllChanges(Probe):
    """One record of each sample over all changes; made of other jobs, and asked of no model.

    Args:
        figures: What is measured.
        changes: The changes that are looked at.
        clusters: Column of the resampling unit.
        groups: Columns whose values tell groups apart.
    """

    figures: tuple[Figure, ...] = ()
    changes: tuple[Change, ...] = ()
    clusters: str = ""
    groups: tuple[str, ...] = ()

    name: ClassVar[str] = "robustness/all-changes"
    family: ClassVar[Any] = "robustness"
    card: ClassVar[Card] = Card(
        measures="The same probe on all changes of its data: each sample's worst outcome, clean "
        "data included; the mean over kinds of change, each the mean over its settings, and what "
        "is lost of the clean value; and how often the answer stays the same under every change "
        "that leaves the right one as it was.",
        does_not_measure="Changes that are not in the suite. Those that take away what a question "
        "is about (blank, exchanged or absent media) are left out; they have figures of their own.",
        reference="Worst case: Liang et al. 2023, HELM, arXiv:2211.09110. Performance drop rate: "
        "Zhu et al. 2023, arXiv:2306.04528. Mean corruption error, here not divided by a "
        "reference model's: Hendrycks and Dietterich 2019, arXiv:1903.12261. Right answers that "
        "change with the input: Gardner et al. 2020, arXiv:2004.02709.",
        critique="A model that is always wrong loses nothing, and one that always says the same is "
        "consistent: read these beside the clean value. More changes make the worst case worse.",
    )

    def ask(self, sample: Sample, context: Any) -> Asking:
        """Nothing can be asked."""
        raise TypeError(f"{self.name} is made of other jobs; list `variants` under a probe instead")
        yield

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """Of each figure the worst case, the mean and what is lost; how consistent answers are."""
        same = Proportion(
            "same_answer",
            name="consistency",
            by=self.groups[0] if self.groups else None,
            clusters=self.clusters or None,
            direction="higher is better",
        )
        of_figures = (metric for figure in self.figures for metric in self._of(figure))
        return (*of_figures, same)

    def _of(self, figure: Figure) -> Iterator[Metric]:
        value, weight = figure.columns[0], f"weight_{figure.columns[0]}"
        told: dict[str, Any] = {
            "by": self.groups[0] if self.groups else None,
            "clusters": self.clusters or None,
            "direction": figure.direction,
        }
        worst = f"{figure.name} in the worst case"
        yield Ratio(f"worst_{value}", weight, name=worst, primary=True, **told)
        yield Ratio(f"mean_{value}", weight, name=f"{figure.name} over changes", **told)
        if figure.is_share and figure.sign > 0:
            lower: Any = {**told, "direction": "lower is better"}
            yield Mean(f"error_{value}", name="mean corruption error", **lower)
        lost: Any = {**told, "direction": "lower is better", "null": FREE}
        # A rate of errors may well be 0 before, and has no relative rise then.
        is_relative = figure.sign > 0
        name = f"{figure.name} lost over changes"
        yield Ratio(f"lost_{value}", weight, name=name, primary=not is_relative, **lost)
        columns = DropColumns(f"lost_{value}", f"clean_{value}")
        yield from drop_metrics(
            figure, columns, self.groups, self.clusters, " over changes", primary=is_relative
        )

    def record(self, clean: Record, changed: Sequence[Record]) -> dict[str, Any]:
        """The record of one sample, from its clean record and one for each change, in their order.

        A weight that differs under a change counts as the clean one's would: rates are kept.
        """
        found: dict[str, Any] = {}
        for figure in self.figures:
            found |= self._figure(figure, clean, changed)
        kept = [r for r, change in zip(changed, self.changes, strict=True) if change.keeps_answers]
        named = (*self.groups, *([self.clusters] if self.clusters else []))
        carried = {name: clean[name] for name in named if clean.get(name) is not None}
        return {**found, "same_answer": same_answer(clean, kept), **carried}

    def _figure(
        self, figure: Figure, clean: Record, changed: Sequence[Record]
    ) -> dict[str, float | str]:
        before = figure.of(clean)
        rates = [rate_of(figure, record) for record in changed]
        if before is None or any(rate is None for rate in rates):
            return {}
        value, weight = before
        own = [float(rate) for rate in rates if rate is not None]
        every = [value / weight, *own]
        pick = min if figure.sign > 0 else max
        place = every.index(pick(every))
        mean, name = self._mean_over_kinds(own), figure.columns[0]
        return {
            f"clean_{name}": value,
            f"worst_{name}": every[place] * weight,
            f"mean_{name}": mean * weight,
            f"lost_{name}": figure.sign * (value - mean * weight),
            f"error_{name}": 1 - mean,
            f"weight_{name}": weight,
            "worst_under": ("clean data", *(change.name for change in self.changes))[place],
        }

    def _mean_over_kinds(self, rates: Sequence[float]) -> float:
        kinds: dict[str, list[float]] = {}
        for change, rate in zip(self.changes, rates, strict=True):
            kinds.setdefault(change.kind, []).append(rate)
        means = [math.fsum(own) / len(own) for own in kinds.values()]
        return math.fsum(means) / len(means)


@dataclass(frozen=True)
class DropColumns:
    """Where records have what was lost, and the clean value."""

    lost: str = "lost"
    clean: str = "clean"


def drop_metrics(
    figure: Figure,
    columns: DropColumns,
    groups: Sequence[str],
    clusters: str,
    told: str = "",
    primary: bool = False,
) -> Iterator[Metric]:
    """What is lost relative to the clean value: as a whole, by group, and how far groups differ.

    Where higher is better the performance drop rate, 1 - changed / clean; else the relative rise,
    changed / clean - 1. Range (-inf, inf), 0 where nothing is lost, 1 where an accuracy falls to
    0. Undefined where the clean values sum to 0. Reference: Zhu et al. 2023, arXiv:2306.04528.
    """
    name = f"{figure.name} {'relative drop' if figure.sign > 0 else 'relative rise'}{told}"
    lost, clean = columns.lost, columns.clean
    shared: dict[str, Any] = {"clusters": clusters or None, "direction": "lower is better"}
    yield Ratio(lost, clean, name=name, null=FREE, primary=primary, **shared)
    for place, group in enumerate(groups):
        named = f"{name} by {group} gap" if place else f"{name} gap"
        yield GroupRatioGap(lost, clean, group, name=named, higher_is_worse=True, **shared)


def rate_of(figure: Figure, record: Record) -> float | None:
    """Value over weight of one sample; None where it has none."""
    found = figure.of(record)
    return None if found is None else found[0] / found[1]


def same_answer(clean: Record, changed: Sequence[Record]) -> float | None:
    """Whether every answer is the clean one; None where there was none, or a refusal, to keep."""
    answer = answer_of(clean)
    if not changed or not says_something(clean):
        return None
    return float(all(answer_of(record) == answer for record in changed))


def says_something(record: Mapping[str, Any]) -> bool:
    """Whether there is an answer that is neither empty nor a refusal."""
    answer = answer_of(record)
    is_empty = answer is None or (isinstance(answer, str) and not answer.strip())
    return not is_empty and not any(_is_true(record.get(name)) for name in REFUSALS)


def _is_true(value: Any) -> bool:
    return isinstance(value, int | float) and value >= 0.5
