"""Whole suites on a GPU in float32 say of every control model what they say on the CPU."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from evalsuite.cli import run
from evalsuite.store import Run

pytestmark = [pytest.mark.gpu, pytest.mark.slow, pytest.mark.timeout(600)]

# Of each probe; a whole suite takes a CPU minutes.
N_SAMPLES = "16"
SUITES = ("quickstart", "fairness", "explainability", "modality", "calibration", "robustness")
# Sums in another order move a score's sixth digit. What follows from a near tie may flip with it:
# a word that is written, a rank, a step at which integrated gradients are exact enough.
TOLERANCE, MOST_FLIPPED = 2e-3, 0.02


def run_on(device: str, suite: str, folder: Path) -> Run:
    path = folder / device
    where = ["--device", device, "--dtype", "float32", "--limit", N_SAMPLES]
    # Of so few samples some probes say that they need more (3).
    assert run(["run", suite, *where, "-q", "-o", str(path)]) in (0, 3)
    return Run.open(path)


def values(found: Run) -> Iterator[tuple[str, object]]:
    """Every value of every record, with its name."""
    for result in found.results:
        for sample in found.samples(result.id):
            for column, value in sample.record.items():
                yield f"{result.label} on {result.model}: {column} of {sample.id}", value


def is_same(one: object, other: object) -> bool:
    if isinstance(one, str) and one.startswith("["):  # a map or a curve
        one, other = json.loads(one), json.loads(str(other))
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    if isinstance(one, float) and isinstance(other, float):
        both_undefined = math.isnan(one) and math.isnan(other)
        return both_undefined or math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return one == other


@pytest.mark.parametrize("suite", SUITES)
def test_a_gpu_says_what_the_cpu_says(suite, tmp_path):
    here, there = (run_on(device, suite, tmp_path) for device in ("cpu", "cuda"))
    pairs = list(zip(values(here), values(there), strict=True))
    assert all(one[0] == other[0] for one, other in pairs)
    flipped = [
        f"{n}: {one} or {other}" for (n, one), (_, other) in pairs if not is_same(one, other)
    ]
    assert len(flipped) <= MOST_FLIPPED * len(pairs), flipped[:20]
