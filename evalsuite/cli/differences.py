"""A comparison as a terminal table: values, differences, and verdicts in words."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.console import Console
from rich.text import Text

from evalsuite.compare import Comparison, Difference, DifferenceVerdict, Subject, VarianceComponents
from evalsuite.report.wording import ARROWS, number, visible

# A sign and words for each, so that nothing hangs on a colour.
SIGNS: dict[DifferenceVerdict, str] = {
    "better": "+",
    "worse": "-",
    "differs": "≠",
    "not distinguishable": "=",
    "undefined": "?",
}


def print_comparison(console: Console, comparison: Comparison, *, show_all: bool = False) -> None:
    """Every metric with its subjects below it, then an account in sentences."""
    shown = comparison.differences if show_all else comparison.primary
    width = max(len(name_of(subject, comparison)) for subject in comparison.subjects)
    for _, found in groupby(shown, key=lambda d: (d.label, d.metric, d.slice)):
        _print_metric(console, list(found), comparison, max(width, 20))
    for part in comparison.components:
        console.print(Text(components_sentence(part)), soft_wrap=True)
    for note in comparison.notes:
        who = name_of(note.subject, comparison)
        console.print(Text(visible(f"{note.kind}: {note.label}, {who}: {note.text}")))
    for sentence in account(comparison):
        console.print(Text(sentence), soft_wrap=True)


def _print_metric(
    console: Console, found: Sequence[Difference], comparison: Comparison, width: int
) -> None:
    first = found[0]
    arrow = ARROWS[first.direction]
    where = f" [{first.slice}]" if first.slice else ""
    title = f"{first.label}: {first.metric}{where} {arrow}".rstrip()
    console.print(Text(visible(title), style="bold"))
    letters = _letters(first, first.baseline, comparison)
    name = visible(name_of(first.baseline, comparison))
    line = f"  {name:<{width}}  {number(first.baseline_value):>7}  {'baseline':<76} {letters}"
    console.print(Text(line.rstrip()), soft_wrap=True)
    for difference in found:
        console.print(Text(_line(difference, comparison, width)), soft_wrap=True)


def _line(difference: Difference, comparison: Comparison, width: int) -> str:
    """Candidate, value, difference with interval, adjusted p, effect, verdict and tie letters."""
    name = visible(name_of(difference.candidate, comparison))
    p_value = difference.p_holm if difference.is_in_family else difference.p_value
    letters = _letters(difference, difference.candidate, comparison)
    line = (
        f"  {name:<{width}}  {number(difference.candidate_value):>7}  {_signed(difference):<25} "
        f"{_p_text(p_value):<8} {_effect(difference):<10} {_verdict(difference):<30} {letters}"
    )
    return line.rstrip()


def _signed(difference: Difference) -> str:
    """``+0.120 [+0.031, +0.214]``."""
    if math.isnan(difference.value):
        return ""
    value, low, high = (
        ("+" if n >= 0 else "") + number(n) if not math.isnan(n) else "n/a"
        for n in (difference.value, difference.low, difference.high)
    )
    return value if "n/a" in (low, high) else f"{value} [{low}, {high}]"


def _p_text(p_value: float) -> str:
    if math.isnan(p_value):
        return ""
    return "p <.001" if p_value < 0.001 else f"p {p_value:.3f}"


def _effect(difference: Difference) -> str:
    if math.isnan(difference.effect_size):
        return ""
    sign = "d_z" if "d_z" in difference.effect_name else "OR"
    return f"{sign} {difference.effect_size:.2f}"


def _verdict(difference: Difference) -> str:
    """The sign and the words; where nothing was found, what would have been."""
    verdict = difference.verdict
    said = f"{SIGNS[verdict]} {verdict}"
    if verdict == "undefined":
        return f"{said}: {visible(difference.reason or 'no p-value')}"
    if verdict == "not distinguishable" and not math.isnan(difference.minimum_detectable):
        return f"{said} (±{number(difference.minimum_detectable)})"
    return said


def _letters(difference: Difference, subject: Subject, comparison: Comparison) -> str:
    if difference.slice:
        return ""
    return comparison.letters(difference.label, difference.metric, subject)


def name_of(subject: Subject, comparison: Comparison) -> str:
    """The model, with its run where more than one run is compared."""
    has_runs = len({one.run for one in comparison.subjects}) > 1
    return str(subject) if has_runs else subject.model


def account(comparison: Comparison) -> Iterator[str]:
    """What was found, one sentence for each candidate, and how it was tested."""
    for candidate in comparison.candidates:
        counts = comparison.tally(candidate)
        if counts:
            said = ", ".join(f"{counts[v]} {v}" for v in SIGNS if counts[v])
            metrics = "metric" if counts.total() == 1 else "metrics"
            name = visible(name_of(candidate, comparison))
            yield f"{name}: of {counts.total()} primary {metrics} {said}."
    yield (
        f"Tests at {comparison.alpha:g}, p adjusted after Holm over {comparison.family.n_tests} "
        f"({comparison.family.declared}); intervals at {comparison.level:.0%}, not adjusted. "
        "After = stands what would have been found with 80 % power. Models that share a letter "
        "are not told apart on that metric, whose pairs are a family of their own."
    )


def components_sentence(part: VarianceComponents) -> str:
    """Where the spread over seeds comes from."""
    if part.reason:
        return f"{visible(part.label)}: {part.metric}, over seeds: {part.reason}."
    sd = [math.sqrt(v) for v in (part.between_seeds, part.between_samples, part.residual)]
    return (
        f"{visible(part.label)}: {part.metric} of {visible(part.model)} over {len(part.seeds)} "
        f"seeds is {number(part.mean)} [{number(part.low)}, {number(part.high)}]; standard "
        f"deviation {number(sd[0])} between seeds, {number(sd[1])} between samples, "
        f"{number(sd[2])} within."
    )
