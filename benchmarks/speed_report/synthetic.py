"""A run directory as large as a careful user's: every number drawn from a seed, nothing measured.

The store writes it as a run would, so that what a report reads is what it reads of any run.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from evalsuite.metric import Estimate, Null
from evalsuite.statistics import wilson
from evalsuite.store import JobResult, Run, SampleRow, Store

FAMILIES = ("task", "fairness", "privacy", "explainability", "robustness", "representation")
GROUPS = ("north", "south", "east", "west")
ONSETS, VOWELS = ("b", "d", "f", "g", "l", "m", "pr", "st", "cl"), "aeiou"
SYLLABLES = [onset + vowel for onset in ONSETS for vowel in VOWELS]
CARD = {
    "measures": "How often the answer is the one that the source gives.",
    "does_not_measure": "Anything else.",
    "critique": "It is synthetic.",
    "reference": "Wilson 1927, Probable inference, JASA 22",
}


def synthetic_run(path: Path, n_models: int, n_probes: int, n_samples: int) -> Run:
    """The run of that many models, probes, and samples of each probe, written through the store."""
    models = [f"hf:synthetic/model-{place}" for place in range(n_models)]
    probes = [f"{FAMILIES[place % 6]}/synthetic-{place}" for place in range(n_probes)]
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
    for place, probe in enumerate(probes):
        questions = list(_questions(np.random.default_rng([0, place]), n_samples))
        for number, model in enumerate(models):
            rng = np.random.default_rng([1, place, number])
            right = rng.random(n_samples) < 0.5 + 0.4 * rng.random()
            job = f"model-{number}--{probe.replace('/', '-')}"
            rows = [_row(i, q, bool(right[i]), rng) for i, q in enumerate(questions)]
            store.write_samples(job, rows)
            family = probe.split("/")[0]
            store.write_result(
                JobResult(
                    job,
                    model,
                    probe,
                    family,
                    "synthetic",
                    "finished",
                    label=probe,
                    card=CARD,
                    n_samples=n_samples,
                    estimates=tuple(_estimates(right)),
                )
            )
    store.write_manifest({"versions": {"python": "3"}, "complete": True})
    store.close()
    return Run.open(path)


def _questions(rng: np.random.Generator, n_samples: int) -> Iterator[str]:
    """Sentences of twelve made-up words, as hard to compress as words are."""
    for _ in range(n_samples):
        words = ["".join(rng.choice(SYLLABLES, rng.integers(1, 4))) for _ in range(12)]
        yield " ".join(words) + "?"


def _row(place: int, question: str, is_right: bool, rng: np.random.Generator) -> SampleRow:
    scores = np.round(rng.normal(-8, 2, 4), 4).tolist()
    asked = {
        "asked": "LogLikelihood",
        "parts": [{"text": question}],
        "detail": {"continuation": " A"},
        "answer": {"total": scores[0], "n_tokens": 1},
    }
    record = {
        "predicted": "ABCD"[place % 4 if is_right else (place + 1) % 4],
        "correct": float(is_right),
        "margin": scores[1],
        "group": GROUPS[place % 4],
    }
    return SampleRow(str(place), f"{place:064x}", "ok", record=record, exchange=(asked,))


def _estimates(right: np.ndarray) -> Iterator[Estimate]:
    """Accuracy of the whole and of four groups, and a second metric."""
    for slice_, part in (("", right), *((f"group={g}", right[i::4]) for i, g in enumerate(GROUPS))):
        found = wilson(int(part.sum()), part.size)
        yield Estimate(
            "accuracy", float(part.mean()), found.low, found.high, method="Wilson", n=part.size,
            slice=slice_, direction="higher is better", null=Null(0.25, 0.02, why="four choices"),
            is_primary=not slice_,
        )  # fmt: skip
    yield Estimate("answered", 1.0, n=right.size, direction="higher is better")
