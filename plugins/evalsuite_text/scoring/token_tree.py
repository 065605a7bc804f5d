"""The tree of all token sequences of a batch: what they share is one branch.

Built from the sorted sequences and the lengths of their neighbours' common beginnings, in time
linear in the tokens. Nothing here knows of models or tensors.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from evalsuite_text.scoring.encoding import ScoredRow

Ids = npt.NDArray[np.uint32]


@dataclass(eq=False)
class Branch:
    """A stretch of tokens that some sequences have in common, and where they go on from there.

    Attributes:
        depth: Tokens from the root to the end of this branch.
        row: Index of one of the sequences that run through it.
        ends: Indices of the sequences that end here.
        children: The branches that start here.
        n_below: Distinct tokens in all branches below this one.
        earliest: The first position whose output any sequence through here needs.
    """

    depth: int
    row: int
    ends: list[int] = field(default_factory=list)
    children: list[Branch] = field(default_factory=list)
    n_below: int = 0
    earliest: int = 2**62

    def adopt(self, child: Branch) -> None:
        """Take a finished branch as a child."""
        self.children.append(child)
        self.n_below += child.depth - self.depth + child.n_below
        self.earliest = min(self.earliest, child.earliest)


@dataclass(frozen=True)
class TokenTree:
    """The tree over the tokens that rows make a model read, which is all but each row's last.

    Attributes:
        root: The empty beginning.
        ids: What each row reads, by its index.
    """

    root: Branch
    ids: Sequence[Ids]

    @property
    def n_tokens(self) -> int:
        """Distinct tokens: the least that a model has to read."""
        return self.root.n_below


def grow(rows: Sequence[ScoredRow]) -> TokenTree:
    """The tree of some rows."""
    ids = [np.asarray(row.ids[:-1], dtype=np.uint32) for row in rows]
    stack = [Branch(depth=0, row=0)]
    for index, shared in in_order(ids):
        _close_down_to(stack, shared)
        if stack[-1].depth < len(ids[index]):
            stack.append(Branch(depth=len(ids[index]), row=index))
        stack[-1].ends.append(index)
        stack[-1].earliest = min(stack[-1].earliest, rows[index].start - 1)
    _close_down_to(stack, 0)
    return TokenTree(stack[0], ids)


def in_order(ids: Sequence[Ids]) -> Iterator[tuple[int, int]]:
    """Each sequence's index in sorted order, with the tokens it shares with the one before."""
    # Big-endian bytes compare like the numbers, at the speed of memcmp.
    keys = [sequence.astype(">u4").tobytes() for sequence in ids]
    previous: Ids = np.empty(0, np.uint32)
    for index in sorted(range(len(ids)), key=keys.__getitem__):
        yield index, common(previous, ids[index])
        previous = ids[index]


def common(one: Ids, other: Ids) -> int:
    """How many tokens two sequences have in common at their beginning."""
    length = min(len(one), len(other))
    differs = one[:length] != other[:length]
    return int(differs.argmax()) if differs.any() else length


def _close_down_to(stack: list[Branch], depth: int) -> None:
    """Finish the deeper branches; where one is cut in two, a new branch ends at ``depth``."""
    while stack[-1].depth > depth:
        done = stack.pop()
        if stack[-1].depth < depth:
            stack.append(Branch(depth=depth, row=done.row))
        stack[-1].adopt(done)
