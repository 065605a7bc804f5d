"""How long resampling takes: 10,000 resamples of 10,000 samples, one core.

    python benchmarks/speed_statistics/run.py

Every row is one call of the public function, timed after one call to warm up; the best of three.
The last column is the plain way, a loop over resamples in numpy, timed on a hundredth of them.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import time
from collections.abc import Callable

import numpy as np

from evalsuite.statistics import (
    bootstrap_interval,
    paired_comparison,
    paired_totals_comparison,
    ratio_interval,
    sign_flip_null,
)
from evalsuite.summing import of_sums

SAMPLES, RESAMPLES = 10_000, 10_000
PLAIN_SHARE = 100
Rng = np.random.Generator


def seconds(call: Callable[[], object], repeats: int = 3) -> float:
    """The shortest of some calls, after one that is not counted."""
    call()
    found = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        found.append(time.perf_counter() - started)
    return min(found)


def plain_bootstrap(values: np.ndarray, rng: Rng, resamples: int) -> np.ndarray:
    """A mean of rows drawn one resample after another."""
    n = len(values)
    return np.array([values[rng.integers(0, n, n)].mean() for _ in range(resamples)])


def plain_flips(values: np.ndarray, rng: Rng, resamples: int) -> np.ndarray:
    """A mean of values whose signs are tossed one permutation after another."""
    signs = np.array([-1.0, 1.0])
    return np.array([(values * rng.choice(signs, len(values))).mean() for _ in range(resamples)])


def rows() -> list[tuple[str, Callable[[], object], Callable[[], object] | None]]:
    """What is timed: a name, our call, and the plain way on a hundredth of the resamples."""
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, SAMPLES))
    hits, other_hits = rng.random((2, SAMPLES)) < [[0.7], [0.72]]
    words = rng.poisson(9, SAMPLES) + 1
    wrong, other_wrong = (rng.binomial(words, share) for share in (0.2, 0.21))
    speakers = np.arange(SAMPLES) // 10
    told = {"rng": rng, "resamples": RESAMPLES}
    both = {**told, "permutations": RESAMPLES}
    few = RESAMPLES // PLAIN_SHARE
    return [
        (
            "bootstrap of a mean of scores",
            lambda: bootstrap_interval(first, **told),
            lambda: plain_bootstrap(first, rng, few),
        ),
        (
            "bootstrap of a mean of 0 and 1",
            lambda: bootstrap_interval(hits.astype(float), **told),
            lambda: plain_bootstrap(hits.astype(float), rng, few),
        ),
        (
            "bootstrap of a ratio of sums",
            lambda: ratio_interval(wrong, words, **told),
            None,
        ),
        (
            "bootstrap over 1,000 clusters",
            lambda: bootstrap_interval(first, clusters=speakers, **told),
            None,
        ),
        (
            "sign flips of paired scores",
            lambda: sign_flip_null(first - second, rng=rng, permutations=RESAMPLES),
            lambda: plain_flips(first - second, rng, few),
        ),
        (
            "paired scores: interval and p",
            lambda: paired_comparison(first, second, **both),
            None,
        ),
        (
            "paired 0 and 1: interval and p",
            lambda: paired_comparison(hits, other_hits, **both),
            None,
        ),
        (
            "paired ratios: interval and p",
            lambda: paired_totals_comparison(
                np.stack([wrong, words], axis=1),
                np.stack([other_wrong, words], axis=1),
                of_sums,
                **both,
            ),
            None,
        ),
    ]


def main() -> None:
    """Print the table."""
    print(f"{RESAMPLES:,} resamples of {SAMPLES:,} samples, one thread\n")
    print(f"{'':<34}{'evalsuite':>11}{'plain loop':>12}")
    for name, ours, plain in rows():
        taken = f"{seconds(ours):.2f} s"
        loop = f"{seconds(plain) * PLAIN_SHARE:.1f} s" if plain else ""
        print(f"{name:<34}{taken:>11}{loop:>12}")


if __name__ == "__main__":
    main()
