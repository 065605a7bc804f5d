"""Answers on disk, keyed by model fingerprint and request digest: a write-ahead-logged SQLite file.

One transaction per batch. A failure is kept too, so that scoring again finds the same records, but
a resumed run asks it anew.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

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
) WITHOUT ROWID
"""
# SQLite's default limit on the number of ? in one statement is far above this.
_LOOKUP_CHUNK = 500


def encode_answer(answer: Answer) -> tuple[str, str, bytes | None]:
    """An answer as (kind, JSON body, vector bytes)."""
    if isinstance(answer, Embedding):
        vector = np.ascontiguousarray(answer.vector, dtype=np.float32)
        return "Embedding", "{}", vector.tobytes()
    return type(answer).__name__, json.dumps(facts_of(answer)), None


def _tuples(value: object) -> object:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


def decode_answer(kind: str, body: str, vector: bytes | None) -> Answer:
    """The inverse of encode_answer; exact for floats."""
    if kind == "Embedding":
        return Embedding(np.frombuffer(vector or b"", dtype=np.float32))
    facts = {name: _tuples(value) for name, value in json.loads(body).items()}
    answer: Answer = RESPONSES[kind](**facts)
    return answer


class Responses:
    """One responses.sqlite."""

    def __init__(self, path: Path) -> None:
        """Open or create; raises StoreError when the file cannot be used."""
        self.path = path
        try:
            self._connection = sqlite3.connect(path, isolation_level=None, timeout=30)
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
