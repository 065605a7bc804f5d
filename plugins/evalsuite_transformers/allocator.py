"""Memory that a layer frees on a CPU, kept for the next layer.

By default the C library gives large blocks back to the system when they are freed, and asks
for them again a moment later: each page of each state is then zeroed anew. A wav2vec 2.0 with 12
layers spent a fifth of its processor time on that.
"""

from __future__ import annotations

import ctypes
from functools import cache

# Freed memory that a process keeps at most; larger blocks are given back as before.
KEPT_BYTES = 2**30
# The numbers of these settings in the C library's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3


@cache
def keep_freed_memory() -> bool:
    """Keep up to ``KEPT_BYTES`` of freed memory; whether this C library can (glibc)."""
    try:
        set_option = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library, or none
        return False
    options = (_MMAP_THRESHOLD, _TRIM_THRESHOLD)
    done = [set_option(option, KEPT_BYTES) for option in options]
    return all(done)
