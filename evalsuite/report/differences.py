"""The paired differences of one probe: a forest plot for each metric, and one table."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any

from evalsuite.compare import Difference
from evalsuite.metric import Estimate, Null
from evalsuite.report.comparisons import SIGNS
from evalsuite.report.forest import Forest
from evalsuite.report.section import Cell, Table
from evalsuite.report.wording import number, visible

COLUMNS = ("Model", "Metric", "Difference", "p, after Holm", "Effect size", "Pairs", "Verdict")
_SMALLEST_P = 0.001
NO_BREAK = "\N{NO-BREAK SPACE}"


def difference_plots(label: str, differences: Sequence[Difference]) -> list[tuple[str, Forest]]:
    """Captions and plots: a line at 0, dots full where the test tells the two models apart."""
    made = []
    for metric in dict.fromkeys(d.metric for d in differences):
        here = [d for d in differences if d.metric == metric]
        if all(d.value != d.value for d in here):
            continue
        rows = [(str(visible(d.candidate.model)), _estimate(d)) for d in here]
        distinct = [d.verdict in ("better", "worse", "differs") for d in here]
        baselines = ", ".join(dict.fromkeys(str(visible(d.baseline.model)) for d in here))
        caption = f"{metric}, difference to {baselines}"
        title = f"{label}: {caption}"
        made.append((caption, Forest(str(visible(title)), rows, distinct=distinct)))
    return made


def _estimate(difference: Difference) -> Estimate:
    return Estimate(
        difference.metric,
        difference.value,
        difference.low,
        difference.high,
        level=difference.level,
        null=Null(0.0),
        n=difference.n,
    )


def difference_table(label: str, differences: Sequence[Difference]) -> Table | None:
    """The same in numbers, with adjusted p-values, effect sizes and what could have been missed."""
    baselines = list(dict.fromkeys(d.baseline.model for d in differences))
    rows = [_row(difference, len(baselines) > 1) for difference in differences]
    empty = {place for place, cells in enumerate(zip(*rows, strict=True)) if not any(cells)}
    caption = f"Paired differences to {', '.join(baselines)} in {label}"
    table = Table(caption, _without(COLUMNS, empty), tuple(_without(row, empty) for row in rows))
    return table if rows else None


def _without(cells: tuple[Any, ...], places: Container[int]) -> tuple[Any, ...]:
    return tuple(cell for place, cell in enumerate(cells) if place not in places)


def _row(difference: Difference, with_baseline: bool) -> tuple[str | Cell, ...]:
    d = difference
    within = f"[{number(d.low)}, {number(d.high)}]" if d.low == d.low else ""
    power = f"finds a true difference of {number(d.minimum_detectable)} in 4 of 5 cases"
    return (
        d.candidate.model,
        Cell(d.metric, f"against {d.baseline.model}") if with_baseline else d.metric,
        Cell(_signed(d.value), within.replace(" ", NO_BREAK)),
        Cell(p_value(d.p_holm), d.test),
        Cell(_signed(d.effect_size), d.effect_name) if d.effect_name else "",
        Cell(f"{d.n:,}", power if d.minimum_detectable == d.minimum_detectable else ""),
        Cell(f"{SIGNS[d.verdict]} {d.verdict}", d.reason or ""),
    )


def p_value(value: float) -> str:
    """A p-value, never as nought: ``< 0.001`` below that."""
    return f"< {_SMALLEST_P}" if value < _SMALLEST_P else number(value)


def _signed(value: float) -> str:
    return f"+{number(value)}" if value > 0 else number(value)
