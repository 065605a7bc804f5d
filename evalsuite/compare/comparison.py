"""Every candidate against the baseline, probe by probe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from evalsuite.compare.independent import from_intervals
from evalsuite.compare.measured import MEASURED, Measured, estimates_of, measured
from evalsuite.compare.records import Comparison, Difference, Note, TestFamily
from evalsuite.compare.verdicts import verdict_of
from evalsuite.statistics import benjamini_hochberg, holm
from evalsuite.store import Run

DECLARED = "every primary metric of every candidate against the baseline"


def compare(
    runs: Sequence[Run],
    *,
    baseline: str | None = None,
    models: Sequence[str] | None = None,
    allow_different_data: bool = False,
    level: float = 0.95,
    alpha: float = 0.05,
    resamples: int = 10_000,
    seed: int = 0,
) -> Comparison:
    """Compare every model of these runs with the baseline, sample by sample.

    Args:
        runs: Run directories, opened; the baseline's first.
        baseline: ``MODEL``, ``RUN`` or ``MODEL (RUN)``; the first model of the first run without.
        models: Only these, by name.
        allow_different_data: Pair what two runs have in common where they saw different data.
        level: Nominal coverage of the intervals.
        alpha: Of the tests, two-sided.
        resamples: Of each bootstrap and permutation of sums.
        seed: Of every resample; the same seed gives the same comparison.

    Raises:
        NothingSelectedError: There are not two subjects, or nothing that both were measured on.
        UsageError: A name is nobody's; or data differ and ``allow_different_data`` is not set.
    """
    del allow_different_data
    everyone = measured(runs, baseline=baseline, models=models)
    notes: list[Note] = []
    found = [d for other in everyone[1:] for d in _differences(everyone[0], other, level, notes)]
    return Comparison(
        subjects=tuple(one.subject for one in everyone),
        baseline=everyone[0].subject,
        differences=tuple(_judged(found, alpha)),
        ties=(),
        components=(),
        notes=tuple(notes),
        level=level,
        alpha=alpha,
        family=TestFamily(DECLARED, sum(d.is_primary for d in found)),
        resamples=resamples,
        seed=seed,
    )


def _differences(
    baseline: Measured, candidate: Measured, level: float, notes: list[Note]
) -> Iterator[Difference]:
    for label, before in baseline.results.items():
        after = candidate.results.get(label)
        if after is None or before.status not in MEASURED or after.status not in MEASURED:
            text = "one of the two has no estimates"
            notes.append(Note("not compared", label, candidate.subject, text))
            continue
        theirs = estimates_of(after)
        for key, estimate in estimates_of(before).items():
            if key in theirs:
                yield from_intervals(
                    before, estimate, theirs[key], baseline.subject, candidate.subject
                )


def _judged(found: Sequence[Difference], alpha: float) -> Iterator[Difference]:
    """The differences with adjusted p-values and verdicts."""
    p_values = np.array([d.p_value if d.is_primary else np.nan for d in found], dtype=float)
    adjusted = zip(holm(p_values), benjamini_hochberg(p_values), strict=True)
    for difference, (p_holm, p_bh) in zip(found, adjusted, strict=True):
        judged = replace(difference, p_holm=float(p_holm), p_bh=float(p_bh))
        yield replace(judged, verdict=verdict_of(judged, alpha))
