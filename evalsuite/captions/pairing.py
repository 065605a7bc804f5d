"""Pairing samples with what belongs to other samples: what one gets without looking."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence


def partners(keys: Sequence[str], contents: Sequence[str]) -> list[int]:
    """For each sample the index of one with another key; every sample is a partner once.

    Samples are put in the order of their keys' hashes and each is paired with the one that stands
    as many places further as the most frequent key occurs: so the pairing is a permutation, never
    pairs equal keys, and does not depend on the order of samples. Empty where there is no such
    pairing, because one key makes up more than half.

    Args:
        keys: What must differ, e.g. the references.
        contents: What else tells samples apart, e.g. the captions.
    """
    largest = max(Counter(keys).values(), default=0)
    if 2 * largest > len(keys) or not keys:
        return []
    order = sorted(range(len(keys)), key=lambda i: (_hash(keys[i]), contents[i]))
    found = [0] * len(keys)
    for place, index in enumerate(order):
        found[index] = order[(place + largest) % len(keys)]
    return found


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
