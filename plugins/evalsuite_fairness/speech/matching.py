"""Strata of utterances that may be compared: alike in text, length, or whatever else is named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from evalsuite.sliced import is_given

N_BINS = 5


def strata_of(
    rows: Sequence[Mapping[str, Any]], covariates: Sequence[str], n_bins: int = N_BINS
) -> list[str | None]:
    """A stratum for each row; None for a row that lacks one of the covariates.

    Covariates whose values are all numbers are coarsened into ``n_bins`` bins between their own
    quantiles; all others must be equal.
    """
    columns = [_coarsened([row.get(name) for row in rows], n_bins) for name in covariates]
    found: list[str | None] = []
    for cells in zip(*columns, strict=True):
        found.append(None if None in cells else " · ".join(map(str, cells)))
    return found


def _coarsened(values: Sequence[Any], n_bins: int) -> list[str | None]:
    given = [value for value in values if is_given(value) and value != ""]
    if not all(isinstance(v, int | float) and not isinstance(v, bool) for v in given):
        return [str(value) if is_given(value) and value != "" else None for value in values]
    if not given:
        return [None] * len(values)
    edges = np.quantile(np.array(given, dtype=float), np.linspace(0, 1, n_bins + 1)[1:-1])
    return [
        f"bin {int(np.searchsorted(edges, value, side='right'))}" if is_given(value) else None
        for value in values
    ]
