"""A comparison of runs that hide something: made of what was recorded, told as they are shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from evalsuite.compare.records import Comparison
from evalsuite.redaction import RedactedRun, Redactor
from evalsuite.store import Run


def as_recorded(runs: Sequence[Run]) -> list[Run]:
    """The runs to compute with: hidden spans would change what a metric reads of a text."""
    return [run.recorded if isinstance(run, RedactedRun) else run for run in runs]


def hidden(comparison: Comparison, runs: Sequence[Run]) -> Comparison:
    """The comparison with slices, reasons and notes as the runs show them."""
    hiding = [run for run in runs if isinstance(run, RedactedRun)]
    if not hiding:
        return comparison

    def text_of(label: str) -> Callable[[str], str]:
        redactors = [
            Redactor(run.secrets, any(r.label == label for r in run.private_results))
            for run in hiding
        ]

        def text(told: str) -> str:
            for redactor in redactors:
                told = redactor.text(told)
            return told

        return text

    labels = {d.label for d in comparison.differences} | {t.label for t in comparison.ties}
    labels |= {note.label for note in comparison.notes}
    by_label = {label: text_of(label) for label in labels}
    differences = tuple(
        replace(
            d,
            slice=by_label[d.label](d.slice),
            reason=None if d.reason is None else by_label[d.label](d.reason),
        )
        for d in comparison.differences
    )
    ties = tuple(replace(t, slice=by_label[t.label](t.slice)) for t in comparison.ties)
    notes = tuple(replace(n, text=by_label[n.label](n.text)) for n in comparison.notes)
    return replace(comparison, differences=differences, ties=ties, notes=notes)
