"""Values alone: for whoever resamples whole tables and needs no interval of each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

WHY_NONE = "only the value was asked for"

_only_values: ContextVar[bool] = ContextVar("only_values", default=False)


@contextmanager
def only_values() -> Iterator[None]:
    """Inside, nothing is resampled or permuted: values come without intervals and nulls.

    A metric computed a thousand times on resampled tables would otherwise draw a thousand
    bootstraps of its own each time, and throw them away.
    """
    token = _only_values.set(True)
    try:
        yield
    finally:
        _only_values.reset(token)


def asks_only_values() -> bool:
    """Whether the caller is inside ``only_values``."""
    return _only_values.get()
