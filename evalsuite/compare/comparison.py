"""Every candidate against the baseline, probe by probe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from evalsuite.compare.differences import Drawing, JobPair
from evalsuite.compare.measured import MEASURED, Measured, measured
from evalsuite.compare.pairing import Pairing, pair
from evalsuite.compare.recomputed import JobRecords, Key
from evalsuite.compare.records import (
    Comparison,
    Difference,
    Note,
    TestFamily,
    TieGroups,
    VarianceComponents,
)
from evalsuite.compare.seeds import components_of, seed_groups
from evalsuite.compare.ties import tie_groups
from evalsuite.compare.verdicts import verdict_of
from evalsuite.errors import NothingSelectedError, UsageError
from evalsuite.statistics import benjamini_hochberg, holm
from evalsuite.store import Run

DECLARED = "every primary metric of every candidate against its baseline"


def compare(
    runs: Sequence[Run],
    *,
    baseline: str | None = None,
    models: Sequence[str] | None = None,
    allow_different_data: bool = False,
    level: float = 0.95,
    alpha: float = 0.05,
    resamples: int = 10_000,
    refits: int = 400,
    seed: int = 0,
) -> Comparison:
    """Compare every model of these runs with the baseline, sample by sample.

    A probe that the baseline was not measured on, as a text model on images, is compared with the
    first model that was, unless ``baseline`` was named.

    Args:
        runs: Run directories, opened; the baseline's first.
        baseline: ``MODEL``, ``RUN`` or ``MODEL (RUN)``; the first model of the first run without.
        models: Only these, by name.
        allow_different_data: Pair what two runs have in common where they saw different data.
        level: Nominal coverage of the intervals.
        alpha: Of the tests, two-sided.
        resamples: Of each bootstrap and permutation of sums.
        refits: How often a metric that is no function of sums is computed anew.
        seed: Of every resample; the same seed gives the same comparison.

    Raises:
        NothingSelectedError: There are not two subjects, or nothing that both were measured on.
        UsageError: A name is nobody's; or data differ and ``allow_different_data`` is not set.
    """
    everyone = measured(runs, baseline=baseline, models=models)
    made = _Making(everyone, Drawing(level, alpha, resamples, refits, seed), baseline is not None)
    made.check_data(allow_different_data)
    found = list(made.differences())
    if not found:
        raise NothingSelectedError(
            "There is nothing to compare: no probe has estimates of two of "
            f"{', '.join(str(one.subject) for one in everyone)}. Run the same suite on each."
        )
    n_tests = sum(d.is_primary and not np.isnan(d.p_value) for d in found)
    return Comparison(
        subjects=tuple(one.subject for one in everyone),
        baseline=everyone[0].subject,
        differences=tuple(_judged(found, alpha)),
        ties=tuple(made.ties()),
        components=tuple(made.components()),
        notes=tuple(dict.fromkeys(made.notes)),
        level=level,
        alpha=alpha,
        family=TestFamily(DECLARED, n_tests),
        resamples=resamples,
        seed=seed,
    )


def _judged(found: Sequence[Difference], alpha: float) -> Iterator[Difference]:
    """The differences with adjusted p-values and verdicts."""
    p_values = np.array([d.p_value if d.is_primary else np.nan for d in found], dtype=float)
    adjusted = zip(holm(p_values), benjamini_hochberg(p_values), strict=True)
    for difference, (p_holm, p_bh) in zip(found, adjusted, strict=True):
        judged = replace(difference, p_holm=float(p_holm), p_bh=float(p_bh))
        yield replace(judged, verdict=verdict_of(judged, alpha))


class _Making:
    """The parts of one comparison; jobs are read and paired once."""

    def __init__(self, everyone: Sequence[Measured], drawing: Drawing, has_named: bool) -> None:
        self.everyone = everyone
        self.drawing = drawing
        self.notes: list[Note] = []
        self.labels = list(dict.fromkeys(label for one in everyone for label in one.results))
        self._has_named = has_named
        self._jobs = {
            (one.subject, label): JobRecords(one, label)
            for one in everyone
            for label, result in one.results.items()
            if result.status in MEASURED
        }
        self._pairings: dict[tuple[int, int], Pairing] = {}
        self._made: dict[tuple[int, int, Key], Difference] = {}

    def jobs_of(self, label: str) -> list[JobRecords]:
        """Everyone that has estimates under a label, its baseline first."""
        have = [self._jobs.get((one.subject, label)) for one in self.everyone]
        if have[0] is None and self._has_named:
            return []
        return [job for job in have if job is not None]

    def check_data(self, allowed: bool) -> None:
        """Refuse runs that saw different data, or note what their common part is."""
        differing = []
        for label in self.labels:
            self._note_missing(label)
            for first, second in _to_baseline(self.jobs_of(label)):
                pairing = self._pairing(first, second)
                if not pairing.is_of_the_same_data:
                    differing.append((first, second, pairing))
                self._note_pairs(first, second, pairing)
        if differing and not allowed:
            raise UsageError(_refusal(*differing[0], n_more=len(differing) - 1))

    def differences(self) -> Iterator[Difference]:
        """Of every estimate that a candidate shares with its baseline."""
        for label in self.labels:
            pairs = list(_to_baseline(self.jobs_of(label)))
            for key in pairs[0][0].estimates if pairs else ():
                for first, second in pairs:
                    if key in second.estimates:
                        yield self._difference(first, second, key)

    def ties(self) -> Iterator[TieGroups]:
        """Of every primary metric of the whole that two or more have."""
        for label in self.labels:
            jobs = self.jobs_of(label)
            primary = [k for job in jobs for k, e in job.estimates.items() if e.is_primary]
            for key in dict.fromkeys(primary):

                def of(a: JobRecords, b: JobRecords, key: Key = key) -> Difference:
                    return self._difference(a, b, key, needs_interval=False)

                made = tie_groups(label, key, jobs, of, self.drawing.alpha)
                if made is not None:
                    yield made

    def components(self) -> Iterator[VarianceComponents]:
        """Of every primary mean of a model that was run with several seeds."""
        for group in seed_groups(self.everyone):
            for label in group[0].results:
                jobs = [self._jobs.get((one.subject, label)) for one in group]
                have = [job for job in jobs if job is not None]
                for key, estimate in have[0].estimates.items() if len(have) > 1 else ():
                    if estimate.is_primary:
                        made = components_of(label, key, have, self.drawing.level)
                        if made is not None:
                            yield made

    def _difference(
        self, first: JobRecords, second: JobRecords, key: Key, *, needs_interval: bool = True
    ) -> Difference:
        known = (id(first), id(second), key)
        if known not in self._made:
            pairing = self._pairing(first, second)
            paired = JobPair(first, second, pairing, self.drawing, needs_interval)
            self._made[known] = paired.difference(key)
        return self._made[known]

    def _pairing(self, first: JobRecords, second: JobRecords) -> Pairing:
        known = (id(first), id(second))
        if known not in self._pairings:
            self._pairings[known] = pair(first.samples, second.samples)
        return self._pairings[known]

    def _note_missing(self, label: str) -> None:
        for one in self.everyone:
            result = one.results.get(label)
            is_elsewhere = any(label == job["label"] for job in one.run.plan.get("jobs", ()))
            if result is None and not is_elsewhere:
                text = "its run does not have this probe"
                self.notes.append(Note("not compared", label, one.subject, text))
            elif result is not None and result.status not in MEASURED:
                text = f"{result.status}: {result.reason}" if result.reason else result.status
                self.notes.append(Note("not compared", label, one.subject, text))

    def _note_pairs(self, first: JobRecords, second: JobRecords, pairing: Pairing) -> None:
        label, subject = second.result.label, second.subject
        if not pairing.is_of_the_same_data:
            text = (
                f"saw {pairing.n_second:,} samples where {first.subject} saw "
                f"{pairing.n_first:,}; the {pairing.n_common:,} that are the same are compared"
            )
            self.notes.append(Note("common part", label, subject, text))
        if pairing.n_failed_first or pairing.n_failed_second:
            text = (
                f"{len(pairing.first):,} of {pairing.n_common:,} samples were answered by both: "
                f"{first.subject} failed on {pairing.n_failed_first:,}, "
                f"this one on {pairing.n_failed_second:,}"
            )
            self.notes.append(Note("samples", label, subject, text))
        if dict(first.result.options) != dict(second.result.options):
            text = f"other options than {first.subject}: {_changed(first, second)}"
            self.notes.append(Note("settings", label, subject, text))


def _to_baseline(jobs: Sequence[JobRecords]) -> Iterator[tuple[JobRecords, JobRecords]]:
    for other in jobs[1:]:
        if other.result.probe == jobs[0].result.probe:
            yield jobs[0], other


def _changed(first: JobRecords, second: JobRecords) -> str:
    ours, theirs = second.result.options, first.result.options
    names = [n for n in {**theirs, **ours} if ours.get(n) != theirs.get(n)]
    return ", ".join(f"{n} {ours.get(n, '(unset)')} not {theirs.get(n, '(unset)')}" for n in names)


def _refusal(first: JobRecords, second: JobRecords, pairing: Pairing, n_more: int) -> str:
    more = f" The same holds for {n_more} more pairs of measurements." if n_more else ""
    return (
        f"{second.subject} and {first.subject} did not see the same data under "
        f"{first.result.label!r}: {pairing.n_second:,} and {pairing.n_first:,} samples, of which "
        f"{pairing.n_common:,} are the same.{more} A difference between models cannot be told from "
        "one between data. Run both on the same source, or compare the samples that they have in "
        "common with `--allow-different-data` (`allow_different_data=True`)."
    )
