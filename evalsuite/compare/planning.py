"""How many samples the next study needs, from what a run observed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evalsuite.compare.comparison import compare
from evalsuite.compare.measured import MEASURED
from evalsuite.compare.records import Difference
from evalsuite.errors import NothingSelectedError
from evalsuite.metric import Estimate
from evalsuite.statistics import (
    Design,
    Interval,
    PairedMeans,
    PairedProportions,
    UnpairedMeans,
    UnpairedProportions,
    detectable_with,
    minimum_detectable,
    standard_error_of,
    units_for,
)
from evalsuite.store import JobResult, Run

# Tells models apart with the same samples, where only one was measured: half the variance shared.
CORRELATION = 0.5


@dataclass(frozen=True)
class Need:
    """What one metric of a run takes.

    Attributes:
        label, metric, unit: What is measured, and what n counts.
        basis: Where the variance comes from.
        n_now: Units of the run.
        detectable_now: The smallest difference found with these; NaN where even the largest is
            not.
        n_needed: Units to find the effect asked for; NaN where none are enough.
    """

    label: str
    metric: str
    unit: str
    basis: str
    n_now: int
    detectable_now: float
    n_needed: float


@dataclass(frozen=True)
class Asked:
    """What a study is to find, and how surely."""

    effect: float
    alpha: float = 0.05
    power: float = 0.8
    paired: bool = True
    correlation: float = CORRELATION


def needs(runs: Sequence[Run], asked: Asked) -> list[Need]:
    """The need of every primary metric, by observed pairs where two models were measured.

    Raises:
        NothingSelectedError: No primary metric has a variance.
    """
    observed = list(_of_pairs(runs, asked)) if asked.paired else []
    known = {(need.label, need.metric) for need in observed}
    alone = [n for n in _of_estimates(runs, asked) if (n.label, n.metric) not in known]
    found = observed + alone
    if not found:
        raise NothingSelectedError(
            "No primary metric of these runs has an interval, so there is no variance to plan "
            "with. Give it instead: `evalsuite power --sd .3` or `evalsuite power --rate .8`."
        )
    return found


def _of_pairs(runs: Sequence[Run], asked: Asked) -> Iterator[Need]:
    try:
        found = compare(runs, allow_different_data=True, resamples=2000, refits=200)
    except NothingSelectedError:  # one model, which has nobody to be paired with
        return
    seen = set()
    for difference in found.primary:
        key = (difference.label, difference.metric)
        design = _paired_design(difference)
        if design is not None and key not in seen:
            seen.add(key)
            unit, n_units = difference.unit, difference.n_units
            who = f"{difference.candidate.model} beside {difference.baseline.model}"
            yield _need(*key, unit, f"pairs of {who}", n_units, design, asked)


def _paired_design(difference: Difference) -> Design | None:
    """The design with the spread of the observed pairs; None where they do not differ at all."""
    alone = [difference.extra.get(f"only_{who}") for who in ("candidate", "baseline")]
    counts = [count for count in alone if isinstance(count, int)]
    if len(counts) == 2 and difference.n_units == difference.n:
        return PairedProportions(sum(counts) / difference.n) if sum(counts) else None
    error = difference.minimum_detectable / minimum_detectable(1.0)
    return PairedMeans(error * math.sqrt(difference.n_units)) if error > 0 else None


def _of_estimates(runs: Sequence[Run], asked: Asked) -> Iterator[Need]:
    seen = set()
    for run in runs:
        for job in run.results:
            for estimate in job.estimates if job.status in MEASURED else ():
                key = (job.label, estimate.metric)
                made = _of_one(job, estimate, asked) if estimate.is_primary else None
                if made is not None and key not in seen:
                    seen.add(key)
                    yield made


def _of_one(job: JobResult, estimate: Estimate, asked: Asked) -> Need | None:
    """From the interval of one model's estimate; its samples count as the units."""
    interval = Interval(estimate.low, estimate.high, estimate.level, estimate.method)
    error = standard_error_of(interval)
    if not error > 0 or estimate.n < 2:
        return None
    is_rate = estimate.method == "Clopper-Pearson" and 0 < estimate.value < 1
    sd = error * math.sqrt(estimate.n)
    design: Design = UnpairedMeans(sd)
    basis = f"{job.model} alone"
    if asked.paired:
        design = PairedMeans(sd * math.sqrt(2 * (1 - asked.correlation)))
        basis += f", another model taken to correlate by {asked.correlation:g}"
    elif is_rate:
        design = UnpairedProportions(estimate.value)
    return _need(job.label, estimate.metric, "sample", basis, estimate.n, design, asked)


def _need(
    label: str, metric: str, unit: str, basis: str, n_now: int, design: Design, asked: Asked
) -> Need:
    chance = {"alpha": asked.alpha, "power": asked.power}
    return Need(
        label=label,
        metric=metric,
        unit=unit,
        basis=basis,
        n_now=n_now,
        detectable_now=detectable_with(design, max(2, n_now), **chance),
        n_needed=units_for(design, asked.effect, **chance),
    )
