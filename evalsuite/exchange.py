"""What was asked of a model about one sample, and what it said, for the sample explorer."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

from evalsuite.content import Audio, Image, Part, Role, Text
from evalsuite.errors import MediaError
from evalsuite.request import Request
from evalsuite.response import Answer, Embedding, Failure, facts_of
from evalsuite.source import Sample

# A sample that was perturbed fifty times is not read fifty times.
MAX_SHOWN = 12
MAX_TEXT = 4000
# Nobody reads a number for each of a thousand tokens; responses.sqlite has them all.
MAX_NUMBERS, FIRST_NUMBERS = 40, 12
MEDIA_PER_JOB = 24


def shown(exchange: Sequence[tuple[Request, Answer]]) -> tuple[Mapping[str, Any], ...]:
    """The first requests and answers as JSON-able objects; a last entry counts the rest."""
    entries: list[Mapping[str, Any]] = [
        _entry(request, answer) for request, answer in exchange[:MAX_SHOWN]
    ]
    if len(exchange) > MAX_SHOWN:
        entries.append({"more": len(exchange) - MAX_SHOWN})
    return tuple(entries)


def _entry(request: Request, answer: Answer) -> Mapping[str, Any]:
    parts: list[dict[str, str]] = []
    detail: dict[str, Any] = {}
    for item in fields(request):
        value = getattr(request, item.name)
        pieces = value if isinstance(value, tuple) else (value,)
        if pieces and all(isinstance(piece, Text | Image | Audio | Role) for piece in pieces):
            parts += [_part(piece) for piece in pieces]
        else:
            detail[item.name] = value[:MAX_TEXT] if isinstance(value, str) else value
    return {
        "asked": type(request).__name__,
        "parts": parts,
        "detail": detail,
        "answer": _answer(answer),
    }


def _part(part: Part) -> dict[str, str]:
    if isinstance(part, Text):
        return {"text": part.text[:MAX_TEXT]}
    if isinstance(part, Role):
        return {"text": f"[{part.name}] "}
    try:
        return {"image" if isinstance(part, Image) else "audio": part.sha256}
    except MediaError as error:
        return {"unreadable": str(error)}


def _answer(answer: Answer) -> Mapping[str, Any]:
    if isinstance(answer, Failure):
        return {"failure": answer.kind, "message": answer.message[:MAX_TEXT]}
    if isinstance(answer, Embedding):
        return {"dimensions": len(answer.vector)}
    return {name: _few(value) for name, value in facts_of(answer).items()}


def _few(value: Any) -> Any:
    """A long column of numbers by its beginning."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        return value
    if len(value) <= MAX_NUMBERS:
        return tuple(value)
    return [*value[:FIRST_NUMBERS], f"and {len(value) - FIRST_NUMBERS} more"]


def shown_media(samples: Sequence[Sample], seed: int) -> Iterator[tuple[str, bytes]]:
    """The media of a seeded subset of samples: (sha256, encoded bytes).

    The subset depends on sample ids and the seed only, so every model's job keeps the same ones.
    """

    def order(sample: Sample) -> str:
        return hashlib.sha256(f"{seed}:{sample.id}".encode()).hexdigest()

    with_media = [
        s for s in samples if any(isinstance(v, Image | Audio) for v in s.fields.values())
    ]
    for sample in sorted(with_media, key=order)[:MEDIA_PER_JOB]:
        for value in sample.fields.values():
            if isinstance(value, Image | Audio):
                try:
                    yield value.sha256, value.encoded()
                except MediaError:
                    continue
