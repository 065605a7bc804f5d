"""How the numbers of a page were made, and what they cannot say: generated from the estimates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evalsuite.report.comparisons import Compared
from evalsuite.report.verdicts import shown
from evalsuite.report.wording import number
from evalsuite.store import JobResult


@dataclass(frozen=True)
class Methods:
    """The statistics behind a page.

    Attributes:
        intervals: How intervals were made, over which unit, and for which metrics.
        limits: What a reader must not conclude, in whole sentences.
        families: Which tests were adjusted together, in whole sentences.
        exclusions: What was not compared, or not alike, with its reason.
        tests: Tests and intervals of differences, over which unit, and of which metrics.
        components: Where the spread over runs with several seeds comes from, model by model.
    """

    intervals: tuple[tuple[str, str, str], ...]
    limits: tuple[str, ...]
    families: tuple[str, ...]
    exclusions: tuple[str, ...]
    tests: tuple[tuple[str, str, str, str], ...]
    components: tuple[tuple[str, ...], ...]


def methods(results: Sequence[JobResult], compared: Compared) -> Methods:
    """What was used in these results, and its limits."""
    used: dict[tuple[str, str], dict[str, None]] = {}
    for estimate in (e for r in results for e in r.estimates if e.method):
        used.setdefault((estimate.method, estimate.unit), {})[estimate.metric] = None
    intervals = tuple(
        (method, unit, ", ".join(metrics)) for (method, unit), metrics in sorted(used.items())
    )
    return Methods(
        intervals,
        tuple(_limits(results)),
        tuple(_families(compared)),
        tuple(dict.fromkeys(_exclusions(compared))),
        _tests(compared),
        tuple(_components(compared)),
    )


def _limits(results: Sequence[JobResult]) -> list[str]:
    tested = [e for r in results for e in shown(r) if e.verdict.endswith("null") and e.null]
    said = [
        "In charts a full dot is an estimate whose interval excludes its null; the band is the "
        "null with the margin that does not matter; n is the number of answers.",
        "An interval says how far the number would move with other samples of the same kind. It "
        "says nothing about other data, other prompts, or another run of training.",
        f"Every interval stands for itself: {len(tested)} primary estimates are held against "
        f"their null at 95 % without a correction for their number, so that about "
        f"{0.05 * len(tested):.1f} would differ by chance if there were nothing to find anywhere.",
        "Two models whose intervals overlap may still differ: their answers to the same samples "
        "are paired, which a comparison of two intervals does not use.",
        "An estimate that is compatible with its null is no proof that there is nothing; the "
        "width of its interval says how much could have been missed.",
    ]
    failed = sum(result.n_failed for result in results)
    if failed:
        said.append(
            f"{failed:,} samples without an answer count in no estimate, neither as right nor as "
            "wrong; each panel says of which model they are."
        )
    if any(result.status == "partial" for result in results):
        said.append("Partial probes saw the first samples of their data only, not a random draw.")
    return said


def _families(compared: Compared) -> Iterator[str]:
    for comparison in compared.comparisons:
        yield (
            f"{', '.join(s.model for s in comparison.candidates)} against "
            f"{comparison.baseline.model}: p-values are adjusted after Holm over "
            f"{comparison.family.n_tests} tests ({comparison.family.declared}), held against "
            f"α = {comparison.alpha:g}; resampled ones rest on {comparison.resamples:,} resamples "
            f"with seed {comparison.seed}."
        )
    if compared.letters:
        yield (
            "Tie letters are of all pairs of models on one metric, adjusted after Holm among "
            "themselves: models that share a letter were not told apart."
        )


def _exclusions(compared: Compared) -> Iterator[str]:
    for comparison in compared.comparisons:
        for note in comparison.notes:
            yield f"{note.label}, {note.subject.model}: {note.kind}: {note.text}"


def _tests(compared: Compared) -> tuple[tuple[str, str, str, str], ...]:
    used: dict[tuple[str, str, str], dict[str, None]] = {}
    for difference in (d for c in compared.comparisons for d in c.primary if d.method):
        key = (difference.test, difference.method, difference.unit)
        used.setdefault(key, {})[difference.metric] = None
    return tuple((*key, ", ".join(metrics)) for key, metrics in sorted(used.items()))


def _components(compared: Compared) -> Iterator[tuple[str, ...]]:
    for found in (found for c in compared.comparisons for found in c.components):
        yield (
            found.model,
            f"{found.label}: {found.metric}",
            f"{len(found.seeds)}",
            f"{number(found.mean)} [{number(found.low)}, {number(found.high)}]",
            *(f"{v:.3g}" for v in (found.between_seeds, found.between_samples, found.residual)),
            found.reason or found.method,
        )
