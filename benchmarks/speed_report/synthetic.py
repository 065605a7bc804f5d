"""A run directory as large as a careful user's: every number drawn from a seed, nothing measured.

The store writes it as a run would, and a real probe's metrics make its estimates, so that what a
report reads, compares and draws is what it has of any run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from evalsuite.factories import make_probe
from evalsuite.metric import Table, estimate_all
from evalsuite.registry import installed
from evalsuite.store import JobResult, Run, SampleRow, Store

FAMILIES = ("task", "fairness", "privacy", "explainability", "robustness", "representation")
GROUPS = ("north", "south", "east", "west")
ONSETS, VOWELS = ("b", "d", "f", "g", "l", "m", "pr", "st", "cl"), "aeiou"
SYLLABLES = [onset + vowel for onset in ONSETS for vowel in VOWELS]
PROBE = "text/minimal-pairs"


def synthetic_run(path: Path, n_models: int, n_probes: int, n_samples: int) -> Run:
    """The run of that many models, probes, and samples of each probe, written through the store."""
    models = [f"hf:synthetic/model-{place}" for place in range(n_models)]
    labels = [f"{FAMILIES[place % 6]}/synthetic-{place}" for place in range(n_probes)]
    store = Store(path)
    store.write_plan(
        {
            "suite_name": "synthetic",
            "suite_text": "version: 1\n",
            "command": "evalsuite run synthetic.yaml",
            "seed": 0,
            "models": [{"name": model, "kind": "causal language model"} for model in models],
            "sources": [],
        }
    )
    for place, label in enumerate(labels):
        questions = list(_questions(np.random.default_rng([0, place]), n_samples))
        for number, model in enumerate(models):
            rng = np.random.default_rng([1, place, number])
            right = rng.random(n_samples) < 0.5 + 0.4 * rng.random()
            rows = [_row(i, q, bool(right[i]), rng) for i, q in enumerate(questions)]
            job = f"model-{number}--{label.replace('/', '-')}"
            store.write_samples(job, rows)
            store.write_result(_result(job, model, label, rows, is_sliced=place % 2 == 1))
    store.write_manifest({"versions": {"python": "3"}, "complete": True})
    store.close()
    return Run.open(path)


def _result(
    job: str, model: str, label: str, rows: Sequence[SampleRow], is_sliced: bool
) -> JobResult:
    options = {"by": "group" if is_sliced else ""}
    probe = make_probe(PROBE, options, installed())
    table = Table.from_records([row.record for row in rows])
    found = estimate_all(probe.metrics, table, lambda name: np.random.default_rng(0))
    return JobResult(
        job,
        model,
        PROBE,
        label.split("/")[0],
        "synthetic",
        "finished",
        label=label,
        options=options,
        card=asdict(probe.card),
        n_samples=len(rows),
        estimates=tuple(found),
    )


def _questions(rng: np.random.Generator, n_samples: int) -> Iterator[str]:
    """Sentences of twelve made-up words, as hard to compress as words are."""
    for _ in range(n_samples):
        words = ["".join(rng.choice(SYLLABLES, rng.integers(1, 4))) for _ in range(12)]
        yield " ".join(words) + "?"


def _row(place: int, question: str, is_right: bool, rng: np.random.Generator) -> SampleRow:
    total, log_odds = np.round([rng.normal(-8, 2), rng.exponential(2)], 4).tolist()
    asked = {
        "asked": "LogLikelihood",
        "parts": [{"text": question}],
        "detail": {"continuation": " A"},
        "answer": {"total": total, "n_tokens": 1},
    }
    record = {
        "correct": float(is_right),
        "log_odds": log_odds if is_right else -log_odds,
        "group": GROUPS[place % 4],
    }
    return SampleRow(str(place), f"{place:064x}", "ok", record=record, exchange=(asked,))
