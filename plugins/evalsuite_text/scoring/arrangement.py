"""Which requests to answer together: those that share, then those of like length.

Sorted, rows that share a beginning are neighbours. Neighbours that share a good part of it are a
family and stay together, so that what they share is read once; families come longest first, so
that a batch has rows of like length and memory runs out early or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np

from evalsuite_text.scoring.encoding import ScoredRow
from evalsuite_text.scoring.token_tree import in_order

# Neighbours are of one family when they share so many tokens, or this part of the shorter one.
SHARED_TOKENS, SHARED_PART = 32, 0.25
# More requests than this are not lost at once, however small they are.
MAX_REQUESTS = 4096

Member = tuple[int, int]  # index of the request, tokens that it shares with the one before


def arranged(requests: Sequence[Sequence[ScoredRow]], budget: int) -> Iterator[list[int]]:
    """Indices of requests, batch by batch; each reads about ``budget`` distinct tokens.

    Args:
        requests: The rows of each request: one, or the windows of a document; none for a request
            that cannot be scored.
        budget: Tokens of a batch; a family is cut where little is shared, if at all.
    """
    batch = [index for index, rows in enumerate(requests) if not rows]
    used = 0
    for index, shared in chain.from_iterable(_families(requests)):
        n_tokens = sum(len(row.ids) - 1 for row in requests[index])
        is_fresh = 2 * shared < n_tokens
        is_full = used + n_tokens - shared > budget or len(batch) >= MAX_REQUESTS
        if batch and is_full and (is_fresh or used > 2 * budget):
            yield batch
            batch, used, shared = [], 0, 0
        batch.append(index)
        used += n_tokens - shared
    if batch:
        yield batch


def by_likeness(prompts: Sequence[tuple[int, ...]]) -> list[int]:
    """Indices of prompts: those that share a beginning together, the longest first among them."""
    rows = [[ScoredRow((*ids, 0), len(ids), 0)] for ids in prompts]
    return [
        index
        for family in _families(rows)
        for index, _ in sorted(family, key=lambda member: -len(prompts[member[0]]))
    ]


def _families(requests: Sequence[Sequence[ScoredRow]]) -> list[list[Member]]:
    """Requests in sorted order, cut into families, the one with the longest row first."""
    scorable = [index for index, rows in enumerate(requests) if rows]
    firsts = [np.asarray(requests[index][0].ids[:-1], dtype=np.uint32) for index in scorable]
    families: list[list[Member]] = []
    length = 0
    for position, shared in in_order(firsts):
        shorter = min(length, len(firsts[position]))
        length = len(firsts[position])
        if not families or shared < min(SHARED_TOKENS, SHARED_PART * shorter):
            families.append([])
            shared = 0
        families[-1].append((scorable[position], shared))
    longest = [max(len(row.ids) for i, _ in family for row in requests[i]) for family in families]
    return [families[i] for i in sorted(range(len(families)), key=lambda i: -longest[i])]
