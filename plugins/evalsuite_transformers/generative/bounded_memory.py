"""What was made before, up to so many bytes; the least recently used goes first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class BoundedMemory(Generic[Key, Value]):
    """A mapping whose values take at most ``limit_bytes``; larger ones are not kept at all."""

    def __init__(self, limit_bytes: int) -> None:
        """Start empty."""
        self.limit_bytes = limit_bytes
        self.n_bytes = 0
        self._entries: OrderedDict[Key, tuple[Value, int]] = OrderedDict()

    def get(self, key: Key) -> Value | None:
        """A value that is still there."""
        if key not in self._entries:
            return None
        self._entries.move_to_end(key)
        return self._entries[key][0]

    def put(self, key: Key, value: Value, n_bytes: int) -> None:
        """Keep a value, and forget others where there is no room."""
        if key in self._entries or n_bytes > self.limit_bytes:
            return
        self._entries[key] = (value, n_bytes)
        self.n_bytes += n_bytes
        while self.n_bytes > self.limit_bytes:
            _, (_, freed) = self._entries.popitem(last=False)
            self.n_bytes -= freed

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self.n_bytes = 0
