"""What all changes of a probe's data do together, sample by sample: worst case, mean, consistency.

A probe that is asked again on harder data has one job for each change. From their records, and
those of the clean job, a further job is made that asks no model: its records and metrics are
stored, compared and gated like those of any other.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from evalsuite.figure import FREE, DropColumns, Figure, drop_metrics, rate_of
from evalsuite.metric import Metric
from evalsuite.probe import REFUSALS, Asking, Card, Probe, Record, answer_of
from evalsuite.source import Sample
from evalsuite.summaries import Mean, Proportion, Ratio


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
        worst: dict[str, Any] = {
            "name": f"{figure.name} in the worst case",
            "primary": True,
            **told,
        }
        if figure.is_share:
            yield Proportion(f"worst_{value}", **worst)
        else:
            yield Ratio(f"worst_{value}", weight, **worst)
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

        ``predicted`` is the answer under the worst change. A weight that differs under a change
        counts as the clean one's would: rates are kept.
        """
        found: dict[str, Any] = {}
        for figure in self.figures:
            found |= self._figure(figure, clean, changed)
        kept = [r for r, change in zip(changed, self.changes, strict=True) if change.keeps_answers]
        named = (*self.groups, *([self.clusters] if self.clusters else []))
        carried = {name: clean[name] for name in named if clean.get(name) is not None}
        by_name = dict(zip((change.name for change in self.changes), changed, strict=True))
        worst = by_name.get(str(found.get("worst_under")), clean)
        answers = {"predicted": answer_of(worst), "clean_answer": answer_of(clean)}
        said = {name: value for name, value in answers.items() if value is not None}
        return {**said, **found, "same_answer": same_answer(clean, kept), **carried}

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
