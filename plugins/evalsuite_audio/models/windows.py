"""Where windows of a fixed length lie on something longer."""

from __future__ import annotations


def even_starts(length: int, window: int) -> list[int]:
    """First positions of the fewest windows that cover a length, evenly spread.

    The first begins at 0 and the last ends at the end; a length that fits one window has one.
    """
    n_windows = max(1, -(-length // window))
    last = max(0, length - window)
    return [round(last * i / max(1, n_windows - 1)) for i in range(n_windows)]
