"""Answers on disk, keyed by model fingerprint and request digest: a write-ahead-logged SQLite file.

One transaction per batch. A failure is kept too, so that scoring again finds the same records, but
a resumed run asks it anew.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from evalsuite.errors import StoreError
from evalsuite.response import RESPONSES, Answer, Embedding, Failure, facts_of

_TABLE = """
CREATE TABLE IF NOT EXISTS responses (
    fingerprint TEXT NOT NULL,
    digest TEXT NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    vector BLOB,
    PRIMARY KEY (fingerprint, digest)
)
"""
# A page holds several long rows: the file is a quarter smaller than with SQLite's own 4,096, and
# written in a third of the time.
_PAGE_BYTES = 16_384
# SQLite's default limit on the number of ? in one statement is far above this.
_LOOKUP_CHUNK = 500
# Columns of at least so many numbers are kept as bytes, in a fifth of the time and of the room that
# they take as text.
_PACKED_FROM = 8


@dataclass(frozen=True)
class _Column:
    """How a column of an answer is kept: the types of numbers to try, and whether it has pairs."""

    typecodes: str
    is_pairs: bool = False


# By how an answer declares it. What models compute in float32 is exact in it.
_COLUMNS: dict[Any, _Column] = {
    "Sequence[float]": _Column("fd"),
    "tuple[float, ...]": _Column("fd"),
    "tuple[tuple[int, int], ...]": _Column("i", is_pairs=True),
}


def encode_answer(answer: Answer) -> tuple[str, str, bytes | None]:
    """An answer as (kind, JSON body, bytes of its vector or of its long columns of numbers)."""
    if isinstance(answer, Embedding):
        vector = np.ascontiguousarray(answer.vector, dtype=np.float32)
        return "Embedding", "{}", vector.tobytes()
    facts, columns = facts_of(answer), []
    for item in fields(answer):
        values = facts[item.name]
        if item.type in _COLUMNS and len(values) >= _PACKED_FROM:
            column = _packed(values, _COLUMNS[item.type])
            if column is not None:
                facts[item.name] = {"packed": column.typecode, "n": len(column)}
                columns.append(_little_endian(column).tobytes())
                continue
        if isinstance(values, array):
            facts[item.name] = values.tolist()
    return type(answer).__name__, json.dumps(facts), b"".join(columns) or None


def _packed(values: Sequence[Any], kind: _Column) -> array[Any] | None:
    """A column in the smallest type that holds its numbers exactly; None where none does."""
    if isinstance(values, array) and values.typecode == "f":
        return values
    flat = list(chain.from_iterable(values) if kind.is_pairs else values)
    for typecode in kind.typecodes:
        try:
            column = array(typecode, flat)
        except (TypeError, OverflowError):
            return None
        if typecode != "f" or column.tolist() == flat:
            return column
    return None


def _little_endian(column: array[Any]) -> array[Any]:
    """The column as it lies on disk, or back from there; the one that is given stays as it is."""
    if sys.byteorder == "big":
        column = column[:]
        column.byteswap()
    return column


def _tuples(value: object) -> object:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


def decode_answer(kind: str, body: str, vector: bytes | None) -> Answer:
    """The inverse of encode_answer; exact for floats."""
    if kind == "Embedding":
        return Embedding(np.frombuffer(vector or b"", dtype=np.float32))
    facts, rest = json.loads(body), vector or b""
    for item in fields(RESPONSES[kind]):
        value = facts.get(item.name)
        if isinstance(value, dict):
            n_bytes = value["n"] * array(value["packed"]).itemsize
            column = _little_endian(array(value["packed"], rest[:n_bytes]))
            facts[item.name] = _unpacked(column, item.type)
            rest = rest[n_bytes:]
    answer: Answer = RESPONSES[kind](**{name: _tuples(value) for name, value in facts.items()})
    return answer


def _unpacked(column: array[Any], declared: Any) -> Sequence[Any]:
    """A column in the form that its answer declares."""
    if _COLUMNS[declared].is_pairs:
        return tuple(zip(column[::2], column[1::2], strict=True))
    return column if declared == "Sequence[float]" else tuple(column)


class Responses:
    """One responses.sqlite."""

    def __init__(self, path: Path) -> None:
        """Open or create; raises StoreError when the file cannot be used."""
        self.path = path
        try:
            self._connection = sqlite3.connect(path, isolation_level=None, timeout=30)
            self._connection.execute(f"PRAGMA page_size={_PAGE_BYTES}")
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
            self._connection.execute(_TABLE)
        except sqlite3.Error as error:
            raise StoreError(f"{path} cannot be opened as a store of responses: {error}") from error

    def get_many(
        self, fingerprint: str, digests: Iterable[str], *, with_failures: bool
    ) -> dict[str, Answer]:
        """The known answers among some digests."""
        wanted = list(digests)
        found: dict[str, Answer] = {}
        for start in range(0, len(wanted), _LOOKUP_CHUNK):
            chunk = wanted[start : start + _LOOKUP_CHUNK]
            marks = ",".join("?" * len(chunk))
            rows = self._connection.execute(
                "SELECT digest, kind, body, vector FROM responses "
                f"WHERE fingerprint = ? AND digest IN ({marks})",
                (fingerprint, *chunk),
            )
            for digest, kind, body, vector in rows:
                answer = decode_answer(kind, body, vector)
                if with_failures or not isinstance(answer, Failure):
                    found[digest] = answer
        return found

    def put_many(self, fingerprint: str, answers: Mapping[str, Answer]) -> None:
        """Write one batch in one transaction; raises StoreError, e.g. when the disk is full."""
        rows: Sequence[tuple[object, ...]] = [
            (fingerprint, digest, *encode_answer(answer)) for digest, answer in answers.items()
        ]
        try:
            with self._connection:
                self._connection.execute("BEGIN IMMEDIATE")
                self._connection.executemany(
                    "INSERT OR REPLACE INTO responses VALUES (?, ?, ?, ?, ?)", rows
                )
        except sqlite3.Error as error:
            raise StoreError(
                f"{self.path} could not be written: {error}. Every batch before this one is safe; "
                "free some space or permit writing, then `evalsuite run --resume "
                f"{self.path.parent}`."
            ) from error

    def count(self) -> int:
        """How many answers there are."""
        (number,) = self._connection.execute("SELECT COUNT(*) FROM responses").fetchone()
        return int(number)

    def clear(self) -> None:
        """Forget everything."""
        self._connection.execute("DELETE FROM responses")
        self._connection.execute("VACUUM")

    def close(self) -> None:
        """Fold the write-ahead log into the file and close."""
        self._connection.close()
