"""Measurements of all runs of a site, sorted by what was measured: a probe on certain data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from evalsuite.compare.measured import MEASURED
from evalsuite.exports.files import file_name
from evalsuite.metric import Estimate
from evalsuite.report.scorecard import families
from evalsuite.report.verdicts import shown
from evalsuite.store import JobResult, Run

# Nobody knows when a run without a date was made; it comes before all others.
UNDATED = "undated"


@dataclass(frozen=True)
class Measurement:
    """One job of one run: what a model got under a measure.

    Attributes:
        run: The run as the site keeps it, named by its id.
        result: The job.
        report: Where its report stands, below the site's folder.
    """

    run: Run
    result: JobResult
    report: str

    @property
    def date(self) -> str:
        """When the run was planned, to be sorted by."""
        return date_of(self.run)

    @property
    def day(self) -> str:
        """The date without the time of day."""
        return day(self.date)

    @property
    def weights(self) -> str:
        """Fingerprint of the model's weights and configuration, as far as it is known."""
        facts = self.run.manifest.get("models", {}).get(self.result.model, {})
        return str((facts or {}).get("fingerprint") or "")[:10]

    def estimate(self, metric: str) -> Estimate | None:
        """Its primary estimate of a metric."""
        return next((e for e in shown(self.result) if e.metric == metric), None)


@dataclass(frozen=True)
class Measure:
    """A probe with its options on certain data: what makes figures of two runs comparable.

    Attributes:
        key: Probe, data, options and limit, as one text.
        measurements: Of all models and runs, the oldest first.
    """

    key: str
    measurements: tuple[Measurement, ...]

    @property
    def newest(self) -> JobResult:
        """The job that says what the measure is called and what it measures."""
        return self.measurements[-1].result

    @property
    def slug(self) -> str:
        """Its name in addresses: the same as long as the measure is."""
        return slug(self.newest.label, self.key)

    @cached_property
    def metrics(self) -> tuple[str, ...]:
        """Names of the primary metrics."""
        found = (e.metric for m in self.measurements for e in shown(m.result))
        return tuple(dict.fromkeys(found))

    @property
    def latest(self) -> tuple[Measurement, ...]:
        """The newest measurement of each model that has figures, else its newest one."""
        by_figures = sorted(self.measurements, key=lambda m: m.result.status in MEASURED)
        return tuple({m.result.model: m for m in by_figures}.values())

    @property
    def data(self) -> str:
        """What it was measured on, with the beginning of the data's fingerprint."""
        source = _source_of(self.measurements[-1].run, self.newest)
        fingerprint = str(source.get("fingerprint") or "")[:10]
        return f"{self.newest.source} {fingerprint}".strip()


def measures(runs: Sequence[tuple[Run, str]]) -> list[Measure]:
    """All measures of these runs, each with where its report stands; by family and label.

    Of two runs of one date, as of one that was scored again, the later in the list is the newer.

    Data made harder are no measure of their own: their losses stand in the reports.
    """
    ordered = sorted(runs, key=lambda pair: date_of(pair[0]))
    found: dict[str, list[Measurement]] = {}
    for run, report in ordered:
        for result in run.results:
            if result.status != "not applicable" and not result.variant:
                found.setdefault(_key(run, result), []).append(Measurement(run, result, report))
    made = [Measure(key, tuple(measured)) for key, measured in found.items()]
    ranks = {family: rank for rank, family in enumerate(families([m.newest for m in made]))}
    return sorted(made, key=lambda m: (ranks[m.newest.family], m.newest.label, m.key))


def date_of(run: Run) -> str:
    """When a run was planned, or began."""
    return str(run.plan.get("created") or run.manifest.get("started") or UNDATED)


def day(date: str) -> str:
    """The date without the time of day."""
    return date.partition("T")[0]


def slug(text: str, key: str) -> str:
    """A name for a file or address: readable, of harmless characters, and of this key alone."""
    digest = hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:10]
    return f"{file_name(text)[:60]}-{digest}"


def _key(run: Run, result: JobResult) -> str:
    jobs: Iterator[Mapping[str, Any]] = (
        j for j in run.plan.get("jobs", ()) if j.get("id") == result.id
    )
    job = next(jobs, {})
    fingerprint = _source_of(run, result).get("fingerprint") or result.source
    facts = [result.probe, fingerprint, result.options, job.get("limit"), job.get("metrics", ())]
    return json.dumps(facts, sort_keys=True, default=str)


def _source_of(run: Run, result: JobResult) -> Mapping[str, Any]:
    sources = (s for s in run.plan.get("sources", ()) if s.get("name") == result.source)
    return next(sources, {})
