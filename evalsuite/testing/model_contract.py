"""The promises that every model makes."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

from evalsuite.model import Model, answer_batch
from evalsuite.request import Request
from evalsuite.response import Answer, Embedding

TOLERANCE = 1e-4


def check_model(model: Model, requests: Sequence[Request], tolerance: float = TOLERANCE) -> None:
    """Check a model against the contract on a few requests of any kinds it answers.

    Checked: it says what it answers; costs are positive; every answer is the same alone, in a
    batch, and in a batch in reverse order, up to ``tolerance`` for numbers.

    Raises:
        AssertionError: With one sentence, for the first promise that is broken.
    """
    assert model.info.name, "it has no name"
    assert model.fingerprint, "it has no fingerprint"
    for request in requests:
        assert request.method in model.info.methods, f"it does not list {request.method!r}"
        assert model.cost(request) >= 1, f"the cost of a {request.method} request is below 1"
    by_kind = groupby(sorted(requests, key=lambda r: r.method), key=lambda r: r.method)
    for method, group in by_kind:
        batch = list(group)
        alone = [answer_batch(model, [request])[0] for request in batch]
        together = answer_batch(model, batch)
        reverse = list(reversed(answer_batch(model, batch[::-1])))
        for one, other, third in zip(alone, together, reverse, strict=True):
            assert same_answer(one, other, tolerance), (
                f"{method}: the batch changes an answer: {one} alone, {other} in a batch"
            )
            assert same_answer(other, third, tolerance), (
                f"{method}: the order in a batch changes an answer: {other} or {third}"
            )


def same_answer(one: Answer, other: Answer, tolerance: float) -> bool:
    """Whether two answers agree, numbers up to an absolute and relative tolerance."""
    if isinstance(one, Embedding) and isinstance(other, Embedding):
        return bool(abs(one.vector - other.vector).max() <= tolerance)
    return type(one) is type(other) and _close(asdict(one), asdict(other), tolerance)


def _close(one: Any, other: Any, tolerance: float) -> bool:
    if isinstance(one, dict):
        return all(_close(one[key], other[key], tolerance) for key in one)
    if isinstance(one, tuple | array):
        return len(one) == len(other) and all(
            _close(a, b, tolerance) for a, b in zip(one, other, strict=True)
        )
    if isinstance(one, float):
        return math.isclose(one, other, rel_tol=tolerance, abs_tol=tolerance)
    return bool(one == other)
