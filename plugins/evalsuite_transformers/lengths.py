"""Texts of like length in one pass, so that little of it is padding."""

from __future__ import annotations

from collections.abc import Iterator

import torch

# Tokens of one pass: beyond this a CPU's caches are left, and an accelerator gains nothing.
CPU_TOKENS, ACCELERATOR_TOKENS = 2_048, 65_536


def distinct(ids: torch.Tensor) -> tuple[list[int], list[int]]:
    """Rows that differ.

    What is computed twice may differ in its last digit, and two labels of which a model knows no
    word would not tie.

    Args:
        ids: Token ids [rows, length], on the CPU.

    Returns:
        The index of the first of each row that there is, and for every row the place of its like
        among these.
    """
    _, which = ids.unique(dim=0, return_inverse=True)
    firsts: dict[int, int] = {}
    for row, kind in enumerate(which.tolist()):
        firsts.setdefault(kind, row)
    places = {kind: place for place, kind in enumerate(firsts)}
    return list(firsts.values()), [places[kind] for kind in which.tolist()]


def batches_by_length(lengths: torch.Tensor, device: torch.device) -> Iterator[torch.Tensor]:
    """Indices of rows of like length, within a bounded number of tokens; longest first."""
    budget = CPU_TOKENS if device.type == "cpu" else ACCELERATOR_TOKENS
    order = lengths.argsort(descending=True, stable=True)
    begin = 0
    while begin < len(order):
        size = max(1, budget // max(1, int(lengths[order[begin]])))
        yield order[begin : begin + size]
        begin += size
