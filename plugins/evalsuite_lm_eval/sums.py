"""The harness's aggregations that are functions of sums, for comparing two models fast."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from lm_eval.api import metrics as harness

from evalsuite import Summed
from evalsuite.summing import of_sums, ratio_columns

Floats = npt.NDArray[np.float64]


def summed_of(
    name: str, items: Sequence[Any], aggregation: Callable[..., Any], slice_name: str = ""
) -> Summed | None:
    """How an aggregation follows from sums over documents, None for a document without a value.

    None for an aggregation that does not.
    """
    try:
        if aggregation in (harness.mean, harness.nanmean):
            columns = ratio_columns(_numbers(items))
            return Summed(name, slice_name, columns, of_sums, is_mean=True)
        if aggregation is harness.perplexity:
            return Summed(name, slice_name, ratio_columns(-_numbers(items)), _perplexity)
        if aggregation in (harness.weighted_perplexity, harness.bits_per_byte):
            pairs = [(math.nan, math.nan) if item is None else item for item in items]
            totals = np.array(pairs, dtype=float).reshape(-1, 2)
            score = _bits if aggregation is harness.bits_per_byte else _perplexity
            return Summed(name, slice_name, ratio_columns(-totals[:, 0], totals[:, 1]), score)
    except (TypeError, ValueError):  # values of another shape than the aggregation takes
        return None
    return None


def _numbers(items: Sequence[Any]) -> Floats:
    return np.array([math.nan if item is None else float(item) for item in items])


def _perplexity(totals: Floats) -> Floats:
    with np.errstate(over="ignore"):
        return np.asarray(np.exp(of_sums(totals)), dtype=float)


def _bits(totals: Floats) -> Floats:
    return np.asarray(of_sums(totals) / math.log(2), dtype=float)
