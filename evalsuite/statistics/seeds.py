"""Streams of random numbers that depend on their name and on nothing else."""

from __future__ import annotations

import hashlib

import numpy as np


def generator(run_seed: int, *names: str) -> np.random.Generator:
    """A generator whose stream is fixed by the run's seed and by who asks for it.

    A metric that derives its stream by name draws the same numbers whether or not other metrics
    run, and in whatever order. Names are hashed with sha256, since Python's own hash of a string
    changes from process to process; each is hashed apart, so ("ab", "c") is not ("a", "bc").

    Args:
        run_seed: Seed of the whole run, a non-negative integer.
        *names: Who asks, from the general to the particular, e.g. probe, metric, purpose.
    """
    words: list[int] = []
    for name in names:
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
        words.extend(int(word) for word in np.frombuffer(digest[:16], dtype="<u4"))
    return np.random.default_rng(np.random.SeedSequence(run_seed, spawn_key=tuple(words)))
