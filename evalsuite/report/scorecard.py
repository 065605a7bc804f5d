"""The tables of models by probes: one for each group of models that share a probe."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from evalsuite.metric import Estimate
from evalsuite.report.verdicts import SIGNS, meaning, shown
from evalsuite.report.wording import ARROWS, interval, null, number
from evalsuite.store import JobResult

FAMILIES = ("task", "fairness", "privacy", "explainability", "robustness", "representation")

# Wider than this a table of models by probes would need a scroll bar.
MAX_COLUMNS = 7


@dataclass(frozen=True)
class Cell:
    """One estimate of one model; ``why`` says what is missing where there is none.

    ``letters`` are its tie groups: models of a column that share one were not told apart.
    """

    value: str = ""
    interval: str = ""
    mark: str = ""
    verdict: str = ""
    why: str = ""
    is_bad: bool = False
    letters: str = ""
    n: str = ""
    raw: float = math.nan

    @property
    def order(self) -> str:
        """What the column is sorted by."""
        return "n/a" if math.isnan(self.raw) else f"{self.raw:.9g}"


@dataclass(frozen=True)
class Column:
    """One metric of one probe, with a cell for each model of its block.

    ``n`` is the number of answers, where it is the same in all cells.
    """

    family: str
    label: str
    metric: str
    direction: str
    null: str
    cells: tuple[Cell, ...]
    n: str = ""


@dataclass(frozen=True)
class Block:
    """Models that share probes, and what was measured of them.

    Attributes:
        models: Their names.
        columns: What was measured, family by family.
        has_models_as_rows: Whether models are rows and probes columns, or the other way round,
            which is easier to read for few models and many probes.
    """

    models: tuple[str, ...]
    columns: tuple[Column, ...]
    has_models_as_rows: bool

    @property
    def families(self) -> list[tuple[str, list[Column]]]:
        """The columns in runs of one family."""
        return [(name, list(part)) for name, part in groupby(self.columns, lambda c: c.family)]


def families(results: Sequence[JobResult]) -> list[str]:
    """The families that occur: the known ones in their order, then those of plugins."""
    found = dict.fromkeys(result.family for result in results)
    return [f for f in FAMILIES if f in found] + sorted(f for f in found if f not in FAMILIES)


# By label, metric and model.
Letters = Mapping[tuple[str, str, str], str]


def blocks(results: Sequence[JobResult], letters: Letters | None = None) -> list[Block]:
    """The scorecard; models that share no probe stand in tables of their own."""
    asked = [r for r in results if r.status != "not applicable"]
    made = []
    for models in connected(asked):
        columns = _columns([r for r in results if r.model in models], models, letters or {})
        is_wide = len(columns) > MAX_COLUMNS
        if is_wide and len(models) > MAX_COLUMNS:
            parts = [columns[i : i + MAX_COLUMNS] for i in range(0, len(columns), MAX_COLUMNS)]
            made += [Block(models, tuple(part), True) for part in parts]
        else:
            made.append(Block(models, tuple(columns), not is_wide))
    return made


def connected(results: Sequence[JobResult]) -> list[tuple[str, ...]]:
    """Models in groups that share probes, so that no table is mostly empty."""
    groups: list[tuple[set[str], set[str]]] = []
    for model in dict.fromkeys(result.model for result in results):
        labels = {result.label for result in results if result.model == model}
        joined = [group for group in groups if group[1] & labels]
        for group in joined[1:]:
            groups.remove(group)
        first = joined[0] if joined else (set[str](), set[str]())
        if not joined:
            groups.append(first)
        for group in joined[1:]:
            first[0].update(group[0])
            first[1].update(group[1])
        first[0].add(model)
        first[1].update(labels)
    order = list(dict.fromkeys(result.model for result in results))
    return [tuple(name for name in order if name in models) for models, _ in groups]


def _columns(results: Sequence[JobResult], models: Sequence[str], letters: Letters) -> list[Column]:
    asked = [r for r in results if r.status != "not applicable"]
    return [
        _column(family, label, metric, results, models, letters)
        for family in families(asked)
        for label in dict.fromkeys(r.label for r in asked if r.family == family)
        for metric in _metrics(label, asked)
    ]


def _metrics(label: str, results: Sequence[JobResult]) -> list[str]:
    names = dict.fromkeys(e.metric for r in results if r.label == label for e in shown(r))
    return list(names) or [""]


def _column(
    family: str,
    label: str,
    metric: str,
    results: Sequence[JobResult],
    models: Sequence[str],
    letters: Letters,
) -> Column:
    here = {r.model: r for r in results if r.label == label and r.family == family}
    found = [e for r in here.values() for e in shown(r) if e.metric == metric]
    cells = [
        replace(_cell(here.get(model), metric), letters=letters.get((label, metric, model), ""))
        for model in models
    ]
    counts = {cell.n for cell in cells if cell.n}
    shared = counts.pop() if len(counts) == 1 else ""
    return Column(
        family,
        label,
        metric,
        ARROWS[found[0].direction] if found else "",
        _nulls(found),
        tuple(replace(cell, n="") if shared else cell for cell in cells),
        shared,
    )


def _nulls(estimates: Sequence[Estimate]) -> str:
    """The null of a column; its range where it is each model's own, as permuted gaps are."""
    texts = {null(e): e.null for e in estimates if e.null is not None}
    if len(texts) < 2:
        return "".join(texts)
    values = [number(v) for v in sorted(n.value for n in texts.values())]
    return f"{values[0]} to {values[-1]} ± margin"


def _cell(result: JobResult | None, metric: str) -> Cell:
    if result is None:
        return Cell()
    estimate = next((e for e in shown(result) if e.metric == metric), None)
    if estimate is None or result.status == "not applicable":
        why = result.reason or result.status
        return Cell(value="n/a", why=f"{result.status}: {why}" if why != result.status else why)
    found = meaning(result.family, estimate)
    mark, verdict = SIGNS[found]
    return Cell(
        number(estimate.value),
        interval(estimate),
        mark,
        verdict,
        estimate.reason or "",
        found == "bad",
        n=f"{estimate.n:,}" if estimate.n else "",
        raw=estimate.value,
    )
