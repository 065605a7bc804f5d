"""What is computed together: a plan of forward passes over a token tree, by estimated cost.

Three ways to read what several sequences share, all exact:

- *plain rows*: read it again for each of them. Best for a few tokens.
- *a packed row*: read it once, the alternatives behind it side by side in one row, where an
  attention mask shows each token only the tokens it comes after. Best for a question with choices.
- *a kept prefix*: read it once, keep its keys and values, and let rows attend to them. Best for
  what many rows share (a few-shot preamble), or what is long.

Costs are in tokens: what one token's matrix products cost. Attention is counted by the pairs of
positions it looks at.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from evalsuite_text.scoring.token_tree import Branch, Ids, TokenTree

# A beginning shorter than this is not worth keeping keys and values of.
SHORTEST_PREFIX = 16

# Rows up to this length stand side by side rather than padded, one below the other.
SHORT_ROW = 128
# The part of a batch that may be padding.
MOST_PADDING = 0.05

Known = Callable[[Ids], int]
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class CostModel:
    """What things cost, in tokens.

    Attributes:
        pairs_per_token: Pairs of positions whose attention costs as much as one token.
        call_tokens: A forward pass of its own.
        copy_tokens: Copying one kept position for one row.
    """

    pairs_per_token: float
    call_tokens: float
    copy_tokens: float = 1 / 128

    def row(self, n_tokens: int, before: int) -> float:
        """Reading ``n_tokens`` in one row after ``before`` kept ones."""
        return n_tokens * (1 + (before + n_tokens) / self.pairs_per_token)

    def bin_size(self, before: int) -> int:
        """The row length that balances copying the prefix against attending to strangers."""
        return max(SHORT_ROW, int(math.sqrt(self.pairs_per_token * self.copy_tokens * before)))


@dataclass(frozen=True)
class Limits:
    """Of one forward pass: tokens with padding, and pairs of positions in attention masks."""

    n_tokens: int
    n_pairs: int


@dataclass(frozen=True, eq=False)
class Unit:
    """A part of the tree that is read in one row: all of ``branch``, from ``start`` on."""

    branch: Branch
    start: int

    @property
    def n_tokens(self) -> int:
        """Tokens of the row."""
        return self.branch.depth - self.start + self.branch.n_below


@dataclass(eq=False)
class Group:
    """Units that all follow one kept prefix: the first ``depth`` tokens of row ``row``."""

    row: int
    depth: int
    units: list[Unit] = field(default_factory=list)


def partition(tree: TokenTree, cost: CostModel, known: Known = lambda _: 0) -> list[Group]:
    """Cut a tree into groups of units; a group comes after the one that its prefix extends.

    ``known`` says how many tokens of a beginning have their keys and values at hand already.
    """
    groups = [Group(row=tree.root.row, depth=0)]
    todo = [(child, groups[0]) for child in reversed(tree.root.children)]
    if tree.root.ends:  # rows that read nothing before their first scored token cannot occur
        raise ValueError("a row without anything to read")
    while todo:
        branch, group = todo.pop()
        packed, split, prefixed, kept = _costs(branch, group.depth, tree, cost, known)
        if prefixed < min(packed, split):
            groups.append(Group(branch.row, kept))
            todo.append((branch, groups[-1]))
        elif packed <= split:
            group.units.append(Unit(branch, group.depth))
        else:
            alone = Branch(branch.depth, branch.row, branch.ends) if branch.ends else None
            group.units += [Unit(alone, group.depth)] if alone else []
            todo += [(child, group) for child in reversed(branch.children)]
    return [group for group in groups if group.units]


def _costs(
    branch: Branch, before: int, tree: TokenTree, cost: CostModel, known: Known
) -> tuple[float, float, float, int]:
    """Of one packed row, of a row for each child, and of a kept prefix with the better of both.

    The last is the prefix's length. One sequence alone keeps only what is at hand already.
    """
    packed = cost.row(branch.depth - before + branch.n_below, before)
    split = _split(branch, before, cost) if branch.children else math.inf
    kept = min(branch.depth, branch.earliest)
    if kept - before < SHORTEST_PREFIX:
        return packed, split, math.inf, before
    at_hand = max(before, known(tree.ids[branch.row][:kept]))
    kept = kept if branch.children else at_hand
    if kept - before < SHORTEST_PREFIX:
        return packed, split, math.inf, before
    unread = kept - at_hand
    path = unread * (1 + (at_hand + kept) / 2 / cost.pairs_per_token)
    after = min(
        cost.row(branch.depth - kept + branch.n_below, kept),
        _split(branch, kept, cost) if branch.children else math.inf,
    )
    calls = cost.call_tokens * (1 + (unread > 0))
    return packed, split, path + after + calls + cost.copy_tokens * kept, kept


def _split(branch: Branch, before: int, cost: CostModel) -> float:
    """A row, or several, for each child, and one for what ends here."""
    total = cost.row(branch.depth - before, before) if branch.ends else 0.0
    for child in branch.children:
        path = child.depth - before
        # A child with much below it will be cut further: its tokens are read in rows of the
        # length of its own path, not in one long one.
        length = min(path + child.n_below, 2 * path + 64)
        total += (path + child.n_below) * cost.row(length, before) / length
        total += cost.copy_tokens * before
    return total


def separately(tree: TokenTree) -> list[Group]:
    """Each distinct sequence in a row of its own."""
    group = Group(row=tree.root.row, depth=0)
    todo = [tree.root]
    while todo:
        branch = todo.pop()
        if branch.ends:
            group.units.append(Unit(Branch(branch.depth, branch.row, branch.ends), 0))
        todo += branch.children
    return [group]


@dataclass(frozen=True)
class PackedRow:
    """Tokens that are read side by side in one row.

    Attributes:
        ids: Token ids [length].
        positions: Each token's place in its own sequence [length].
        ends: Token k is seen by the tokens k .. ends[k] - 1 of this row [length].
        reads: For each sequence its index and where its tokens lie in this row, from its token
            number ``first`` on: (index, first, places).
    """

    ids: Numbers
    positions: Numbers
    ends: Numbers
    reads: tuple[tuple[int, int, Numbers], ...]

    @property
    def is_chain(self) -> bool:
        """Whether it is one sequence from its own beginning: ordinary causal attention."""
        length = len(self.ids)
        return self.positions[0] == 0 and bool((self.ends == length).all())


def lay_out(unit: Unit, tree: TokenTree) -> PackedRow:
    """Write a unit's branches one behind the other, each before its children."""
    pieces: list[tuple[Ids, int, int, int]] = []  # ids, first position, place, end of the branch
    reads: list[tuple[int, int, Numbers]] = []
    nothing: Numbers = np.empty(0, np.int64)
    todo = [(unit.branch, unit.start, nothing)]
    place = 0
    while todo:
        branch, start, path = todo.pop()
        length = branch.depth - start
        pieces.append((tree.ids[branch.row][start : branch.depth], start, place, branch.n_below))
        path = np.concatenate([path, np.arange(place, place + length)])
        reads += [(index, unit.start, path) for index in branch.ends]
        todo += [(child, branch.depth, path) for child in reversed(branch.children)]
        place += length
    return PackedRow(
        np.concatenate([ids.astype(np.int64) for ids, *_ in pieces]),
        np.concatenate([np.arange(start, start + len(ids)) for ids, start, _, _ in pieces]),
        np.concatenate([np.full(len(i), at + len(i) + below) for i, _, at, below in pieces]),
        tuple(reads),
    )


def side_by_side(rows: Sequence[PackedRow]) -> PackedRow:
    """Several rows as one; none sees the others."""
    offsets = np.cumsum([0, *(len(row.ids) for row in rows[:-1])])
    return PackedRow(
        np.concatenate([row.ids for row in rows]),
        np.concatenate([row.positions for row in rows]),
        np.concatenate([row.ends + offset for row, offset in zip(rows, offsets)]),
        tuple((i, n, at + offset) for row, offset in zip(rows, offsets) for i, n, at in row.reads),
    )


def filled(rows: Sequence[PackedRow], size: int) -> list[PackedRow]:
    """Put short rows side by side up to ``size`` tokens, longest first (first-fit decreasing)."""
    bins: list[list[PackedRow]] = []
    used: list[int] = []
    for row in sorted(rows, key=lambda row: -len(row.ids)):
        n_tokens = len(row.ids)
        # Only the last bins are looked at: the others are all but full.
        recent = range(max(0, len(bins) - 16), len(bins))
        fitting = next((i for i in recent if used[i] + n_tokens <= size), None)
        if fitting is None:
            bins.append([row])
            used.append(n_tokens)
        else:
            bins[fitting].append(row)
            used[fitting] += n_tokens
    return [side_by_side(members) if len(members) > 1 else members[0] for members in bins]


def batches(
    rows: Sequence[PackedRow], before: int, limits: Limits, cost: CostModel
) -> Iterator[list[PackedRow]]:
    """Rows of similar length together, each batch within the limits when padded.

    A batch ends where the padding of its shorter rows would cost more than another pass.
    """
    batch: list[PackedRow] = []
    padding = 0
    for row in sorted(rows, key=lambda row: -len(row.ids)):
        longest = len(batch[0].ids) if batch else len(row.ids)
        n_tokens = (len(batch) + 1) * longest
        padding += longest - len(row.ids)
        is_full = n_tokens > limits.n_tokens or n_tokens * (before + longest) > limits.n_pairs
        if batch and (is_full or padding > cost.call_tokens + MOST_PADDING * n_tokens):
            yield batch
            batch, padding = [], 0
        batch.append(row)
    if batch:
        yield batch
