"""The table of all models by all probes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evalsuite.report.verdicts import CONCERNS, shown
from evalsuite.report.wording import ARROWS, MARKS, interval, null, number
from evalsuite.store import JobResult

FAMILIES = ("task", "fairness", "privacy", "explainability", "robustness", "representation")


@dataclass(frozen=True)
class Cell:
    """One estimate of one model; ``why`` says what is missing where there is none."""

    value: str
    interval: str
    mark: str
    verdict: str
    why: str


@dataclass(frozen=True)
class Row:
    """One probe and metric."""

    label: str
    metric: str
    direction: str
    null: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Block:
    """One family's rows, for the models that have any of them."""

    family: str
    models: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def is_concern(self) -> bool:
        """Whether to differ from the null is bad news here."""
        return self.family in CONCERNS


def blocks(results: Sequence[JobResult]) -> list[Block]:
    """The scorecard, family by family; a model without any cell in a family is left out of it."""
    found = []
    for family in FAMILIES:
        part = [r for r in results if r.family == family and r.status != "not applicable"]
        if not part:
            continue
        for labels in _connected(part):
            chosen = [result for result in part if result.label in labels]
            models = tuple(dict.fromkeys(result.model for result in chosen))
            rows = [
                _row(label, metric, chosen, models)
                for label in labels
                for metric in _metrics(label, chosen)
            ]
            found.append(Block(family, models, tuple(rows)))
    return found


def _connected(results: Sequence[JobResult]) -> list[list[str]]:
    """Probes in groups that share models, so that no table is mostly empty."""
    groups: list[tuple[list[str], set[str]]] = []
    for label in dict.fromkeys(result.label for result in results):
        models = {result.model for result in results if result.label == label}
        joined = [group for group in groups if group[1] & models]
        labels = [name for group in joined for name in group[0]]
        for group in joined:
            groups.remove(group)
            models |= group[1]
        groups.append(([*labels, label], models))
    return [labels for labels, _ in groups]


def _metrics(label: str, results: Sequence[JobResult]) -> list[str]:
    names = dict.fromkeys(e.metric for r in results if r.label == label for e in shown(r))
    return list(names) or [""]


def _row(label: str, metric: str, results: Sequence[JobResult], models: tuple[str, ...]) -> Row:
    cells, direction, nulls = [], "", set()
    for model in models:
        result = next((r for r in results if r.label == label and r.model == model), None)
        estimates = [e for e in shown(result) if e.metric == metric] if result else []
        if result is None or not estimates:
            why = "" if result is None else (result.reason or result.status)
            cells.append(Cell("", "", "", "", why))
            continue
        estimate = estimates[0]
        direction = ARROWS[estimate.direction]
        nulls.add(null(estimate))
        mark, verdict = MARKS[estimate.verdict]
        cells.append(
            Cell(number(estimate.value), interval(estimate), mark, verdict, estimate.reason or "")
        )
    return Row(label, metric, direction, ", ".join(sorted(filter(None, nulls))), tuple(cells))
