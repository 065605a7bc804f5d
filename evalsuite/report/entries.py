"""One sample as the page keeps it: what was asked once, and what each model made of it."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from evalsuite.foreign_text import beginning
from evalsuite.report.choice import Candidate, Job, Key
from evalsuite.report.compared import COLUMN, shortened
from evalsuite.report.noteworthy import OF
from evalsuite.store import SampleRow

# What was asked is kept longer than what is told about it: a prompt is to be read exactly.
MAX_PROMPT = 4000
MAX_TEXT = 600
MAX_NAME = 200
MAX_EXCHANGES = 4
MAX_LIST = 12
MAX_COLUMNS = 80
# Of what one map or one row of word scores may take of the page.
MAX_PICTURE = 20_000


def samples_of(jobs: Sequence[Job], wanted: Mapping[Key, Candidate]) -> list[dict[str, Any]]:
    """The wanted samples of one probe, in the order in which they are wanted, by all models."""
    made = {key: _empty(key, candidate) for key, candidate in wanted.items()}
    for run, job in jobs:
        for row in run.samples(job.id, only=made):
            sample = made[row.id, row.content_hash]
            sample["models"][job.model] = _entry(row, sample["questions"])
    return list(made.values())


def _empty(key: Key, candidate: Candidate) -> dict[str, Any]:
    marks = candidate.marks
    return {
        "id": _short_id(key[0]),
        "place": candidate.place,
        "failed": marks.failed,
        "refused": marks.refused,
        "differs": marks.differs,
        "flagged": marks.flagged,
        "questions": [],
        "models": {},
    }


def _entry(row: SampleRow, questions: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "status": row.status,
        "reason": _short(row.reason),
        "record": _record(row.record),
        "exchange": [
            _exchange(entry, questions)
            for entry in row.exchange[:MAX_EXCHANGES]
            if "more" not in entry
        ],
        "more": _unshown(row.exchange),
    }


def _unshown(exchange: Sequence[Mapping[str, Any]]) -> int:
    """How many questions are not listed: those beyond the first, here or in the run already."""
    counted = sum(int(entry.get("more", 1)) for entry in exchange)
    return counted - sum("more" not in entry for entry in exchange[:MAX_EXCHANGES])


def _exchange(entry: Mapping[str, Any], questions: list[dict[str, Any]]) -> dict[str, Any]:
    """An answer and the place of its question among those that the sample's models share."""
    question = {
        "asked": str(entry.get("asked", ""))[:MAX_NAME],
        "parts": [_shortened(part, MAX_PROMPT) for part in entry.get("parts", ())],
        "detail": {k: v for k, v in _shortened(entry.get("detail", {}), MAX_PROMPT).items() if v},
    }
    if question not in questions:
        questions.append(question)
    answer = entry.get("answer", {})
    kept = {k: v for k, v in answer.items() if v is not None and not _is_long_or_empty(v)}
    return {"question": questions.index(question), "answer": _shortened(kept, MAX_TEXT)}


def _is_long_or_empty(value: Any) -> bool:
    return isinstance(value, list) and not 0 < len(value) <= MAX_LIST


def _shortened(facts: Mapping[str, Any], most: int) -> dict[str, Any]:
    """The first columns of a flat mapping, names and values no longer than the page bears."""
    kept = list(facts.items())[:MAX_COLUMNS]
    return {str(name)[:MAX_NAME]: _short(value, most) for name, value in kept}


def _record(record: Mapping[str, Any]) -> dict[str, Any]:
    """What the page keeps of a record: pictures whole or not at all, texts shortened."""
    pictures = {
        COLUMN: shortened(record),
        **{name: _checked(value, check) for name, value, check in _drawn(record)},
    }
    plain = {k: v for k, v in record.items() if k not in pictures and v is not None}
    return _shortened(plain, MAX_TEXT) | {k: v for k, v in pictures.items() if v is not None}


def _drawn(record: Mapping[str, Any]) -> Iterator[tuple[str, Any, Callable[[Any], bool]]]:
    """Columns that are drawn, with what they hold and must look like."""
    for column, value in record.items():
        check = _CHECKS.get(column.partition(OF)[0])
        if check is not None:
            yield column, value, check


def _checked(text: Any, is_legal: Any) -> str | None:
    """The JSON of a picture, or None for one that is too large or of another form."""
    if not isinstance(text, str) or len(text) > MAX_PICTURE:
        return None
    try:
        return text if is_legal(json.loads(text)) else None
    except ValueError:
        return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _are_numbers(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_is_number, value))


def _is_map(value: Any) -> bool:
    rows = isinstance(value, list) and bool(value) and all(map(_are_numbers, value))
    return rows and len({len(row) for row in value}) == 1


def _are_word_scores(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(pair, list) and len(pair) == 2 and _is_number(pair[1]) for pair in value
    )


def _is_curve(value: Any) -> bool:
    """Two or more rows of a share, the answer, and that in random order, or null; shares rise."""
    rows = isinstance(value, list) and all(
        isinstance(row, list)
        and len(row) == 3
        and all(map(_is_number, row[:2]))
        and (row[2] is None or _is_number(row[2]))
        for row in value
    )
    shares = [row[0] for row in value] if rows else []
    is_rising = all(a < b for a, b in pairwise(shares))
    return len(shares) > 1 and is_rising and shares[0] >= 0 and shares[-1] <= 1


_CHECKS = {
    "word_scores": _are_word_scores,
    "map": _is_map,
    "map_hz": _are_numbers,
    "curve": _is_curve,
    "insertion_curve": _is_curve,
}


def _short(value: Any, most: int = MAX_TEXT) -> Any:
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, str):
        return beginning(value, most)
    if isinstance(value, list | tuple):
        kept = [_short(item, most) for item in value[:MAX_LIST]]
        return [*kept, "…"] if len(value) > MAX_LIST else kept
    if isinstance(value, Mapping):
        return _shortened(value, most)
    return value


def _short_id(name: str) -> str:
    """An id of bearable length, still unlike all others."""
    if len(name) <= MAX_NAME:
        return name
    return f"{name[:MAX_NAME]}…{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()[:8]}"
