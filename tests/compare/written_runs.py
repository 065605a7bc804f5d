"""Runs with records of one's choice, written as a run writes them, and a probe that reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from evalsuite import Estimate, GroupGap, Mean, Proportion, Ratio, Table
from evalsuite.metric import estimate_all
from evalsuite.statistics import generator
from evalsuite.store import JobResult, Run, SampleRow, Store

RECORD = Mapping[str, float | str] | None


@dataclass(frozen=True)
class Median:
    """A metric that nobody can tell how to sum."""

    column: str = "score"
    name: str = "median"
    primary: bool = True

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        del rng
        values = table.numbers(self.column)
        return [
            Estimate(
                self.name, float(np.median(values)), *np.quantile(values, [0.4, 0.6]),
                n=table.n, direction="higher is better", is_primary=self.primary,
            )
        ]  # fmt: skip


ACCURACY = Proportion("correct", name="accuracy", direction="higher is better", primary=True)
SCORE = Mean("score", name="score", by="kind", direction="higher is better", primary=True)
WORDS = Ratio("wrong", "words", name="WER", direction="lower is better", primary=True)
GAP = GroupGap("score", "kind", name="gap", primary=True)


@dataclass(frozen=True)
class Written:
    """A job to be written: who answered what, None for a sample without an answer."""

    model: str
    records: Sequence[RECORD]
    hashes: Sequence[str] = ()
    label: str = "probe"
    status: str = "finished"
    options: Mapping[str, object] = field(default_factory=dict)


def write_run(
    path: Path, *jobs: Written, metrics: Sequence[object] = (ACCURACY,), seed: int = 0
) -> Run:
    """A run directory; without hashes the n-th sample of every run is the same."""
    store = Store(path)
    models = dict.fromkeys(job.model for job in jobs)
    store.write_plan(
        {
            "suite_name": "written",
            "suite_text": "version: 1",
            "parameters": {},
            "seed": seed,
            "models": [{"name": name, "kind": "k", "controls": {}} for name in models],
            "sources": [],
            "jobs": [
                {"id": f"{job.model}--{job.label}", "label": job.label, "metrics": []}
                for job in jobs
            ],
        }
    )
    for job in jobs:
        _write_job(store, job, metrics)
    store.write_manifest({"complete": True})
    store.close()
    return Run.open(path)


def _write_job(store: Store, job: Written, metrics: Sequence[object]) -> None:
    hashes = list(job.hashes) or [f"sample {n}" for n in range(len(job.records))]
    rows = [
        SampleRow(str(n), content, "failed" if record is None else "ok", "", record or {})
        for n, (content, record) in enumerate(zip(hashes, job.records, strict=True))
    ]
    answered = [record for record in job.records if record is not None]
    n_failed = len(rows) - len(answered)
    table = Table.from_records(answered, n_failed)
    estimates = estimate_all(list(metrics), table, lambda name: generator(0, job.label, name))
    identifier = f"{job.model}--{job.label}"
    store.write_samples(identifier, rows)
    store.write_result(
        JobResult(
            identifier,
            job.model,
            "test/written",
            "task",
            "source",
            job.status,
            label=job.label,
            n_samples=len(rows),
            n_failed=n_failed,
            estimates=tuple(estimates),
            options=job.options,
        )
    )


def use_metrics(monkeypatch: pytest.MonkeyPatch, *metrics: object) -> None:
    """Let the probe of written runs have these metrics."""
    monkeypatch.setattr(
        "evalsuite.compare.recomputed.make_probe",
        lambda name, options, registry: SimpleNamespace(metrics=metrics),
    )


def right(hits: Sequence[int]) -> list[dict[str, float]]:
    """Records of yes/no answers."""
    return [{"correct": float(hit)} for hit in hits]


def scored(rng: np.random.Generator, n: int, shift: float = 0.0) -> list[dict[str, float | str]]:
    """Records with everything that the metrics above read; odd samples are of kind ``b``."""
    easy = np.random.default_rng(99).normal(size=n)
    score = easy + rng.normal(size=n) * 0.5 + shift
    return [
        {
            "score": float(score[i]),
            "correct": float(score[i] > 0),
            "kind": "ab"[i % 2],
            "speaker": f"s{i // 4}",
            "wrong": float(rng.binomial(8, 0.2)),
            "words": 8.0,
        }
        for i in range(n)
    ]
