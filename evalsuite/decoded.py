"""Decoded pictures and waveforms that were used last: a clip is decoded once, not per reader."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Any

CACHE_BYTES = 256 * 2**20


class DecodedCache:
    """Least recently used first out, bounded by the bytes that the decoded media take."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._entries: OrderedDict[tuple[str, ...], tuple[Any, int]] = OrderedDict()
        self._size = 0
        self._lock = Lock()

    def get(self, key: tuple[str, ...], decode: Callable[[], tuple[Any, int]]) -> Any:
        """The decoded media, decoding them when they are not at hand; errors are not kept."""
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
                return self._entries[key][0]
        value, size = decode()
        with self._lock:
            if key not in self._entries and size <= self.limit:
                self._entries[key] = (value, size)
                self._size += size
            while self._size > self.limit:
                _, (_, freed) = self._entries.popitem(last=False)
                self._size -= freed
        return value


DECODED = DecodedCache(CACHE_BYTES)
