"""Where samples come from: a source yields rows, each with an id and named fields."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from evalsuite.content import Audio, Image, Text, sha256_of
from evalsuite.errors import DataError


def _encode_field(value: Any) -> Any:
    if isinstance(value, Image | Audio | Text):
        return {"#": value.digest}
    if isinstance(value, Mapping):
        return {str(key): _encode_field(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_encode_field(item) for item in value]
    return value


@dataclass(frozen=True)
class Sample:
    """One row of a data set.

    Fields hold strings, numbers, booleans, None, lists of these, and Image or Audio parts. A
    sample that could not be read carries ``broken``, the reason, and no fields; it becomes a
    failed record, never a dropped row.
    """

    id: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    broken: str | None = None

    def __getitem__(self, name: str) -> Any:
        """A field by name; raises DataError naming the fields there are."""
        try:
            return self.fields[name]
        except KeyError:
            raise DataError(
                f"Sample {self.id!r} has no field {name!r}; its fields are "
                f"{', '.join(sorted(self.fields)) or '(none)'}. Map one with `fields: "
                f"{{{name}: <column>}}` under the source in the suite file."
            ) from None

    def get(self, name: str, default: Any = None) -> Any:
        """A field by name, or a default."""
        return self.fields.get(name, default)

    @cached_property
    def content_hash(self) -> str:
        """Sha256 over every field, media by their bytes; pairs samples between runs."""
        body = {key: _encode_field(value) for key, value in self.fields.items()}
        return sha256_of(json.dumps(body, sort_keys=True, default=str).encode())


class Source(Protocol):
    """A data set that can be read again and again in the same order.

    Built by the registry from a factory with the suite's options as keyword arguments. Reading is
    lazy: ``rows`` opens files one after another and decodes no media.
    """

    def rows(self) -> Iterator[Sample]:
        """Every sample, in a stable order; unreadable ones as broken samples."""
        ...

    def check(self) -> None:
        """Raise DataError when a file or column is missing; reads as little as possible."""
        ...

    def count(self) -> int | None:
        """How many rows there are, where that is cheap to know."""
        ...

    def fingerprint(self) -> str:
        """Sha256 over the files that the rows come from."""
        ...
