"""Which samples a reader should see first: failed, refused, flagged, or answered differently."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any, NamedTuple

from evalsuite.probe import ANSWERS, FLAGS, REFUSALS, answer_of

# Columns that are drawn, not read.
PICTURES = ("word_scores", "map", "map_hz", "word_alignment", "curve", "insertion_curve")
# Between the name of such a column and the explainer whose picture it is, where there are several.
OF = " of "
_MARKING = frozenset((*REFUSALS, *FLAGS))


@dataclass(frozen=True)
class Marks:
    """What stands out about one sample, over all models.

    Attributes:
        failed: Some model could not answer; there is a reason instead.
        refused: Some model declined to answer, or answered nothing.
        differs: Models do not say the same.
        flagged: Any of the above but ``differs``, or its probe marks the record as a bad one.
    """

    failed: bool = False
    refused: bool = False
    differs: bool = False
    flagged: bool = False


KINDS = ("failed", "refused", "flagged", "differs")


class Outcome(NamedTuple):
    """What one model made of a sample, as far as marks are concerned; ``said`` is a digest."""

    failed: bool
    refused: bool
    flagged: bool
    said: bytes


def outcome(status: str, record: Mapping[str, Any]) -> Outcome:
    """The outcome of one sample by one model."""
    marked = [name for name in record.keys() & _MARKING if _is_true(record[name])]
    refused = any(name in REFUSALS for name in marked)
    flagged = status == "failed" or bool(marked)
    return Outcome(status == "failed", refused, flagged, _digest(_telling(status, record)))


def marks(outcomes: Sequence[Outcome]) -> Marks:
    """The marks of one sample, from what each model made of it."""
    return Marks(
        failed=any(found.failed for found in outcomes),
        refused=any(found.refused for found in outcomes),
        differs=len({found.said for found in outcomes}) > 1,
        flagged=any(found.flagged for found in outcomes),
    )


def is_picture(column: str) -> bool:
    """Whether a column is drawn: ``map``, and ``map of occlusion`` beside it."""
    return column.partition(OF)[0] in PICTURES


def headline(records: Sequence[Mapping[str, Any]]) -> str:
    """The column that says most in one line: the answer, else the first number of the record."""
    columns = next((record for record in records if record), {})
    numbers = [name for name, value in columns.items() if isinstance(value, float)]
    wanted = (*ANSWERS, "correct", *numbers, *columns)
    return next((n for n in wanted if n in columns and not is_picture(n)), "")


def _is_true(value: Any) -> bool:
    """Whether a column says so; a share of several answers counts from one half on."""
    return isinstance(value, int | float) and value >= 0.5


def _digest(telling: Any) -> bytes:
    if isinstance(telling, str | int | float):
        return _digest_of_scalar(telling)
    return sha256(json.dumps(telling, sort_keys=True).encode()).digest()


@lru_cache(maxsize=4096, typed=True)
def _digest_of_scalar(telling: str | float) -> bytes:
    """Answers are few and come again and again."""
    return sha256(json.dumps(telling).encode()).digest()


def _telling(status: str, record: Mapping[str, Any]) -> Any:
    """What two models must share to agree: the answer, else everything that is no measurement."""
    if status == "failed":
        return "failed"
    answer = answer_of(record)
    if answer is None:
        answer = record.get("correct")
    if answer is not None:
        return answer
    return {
        name: value
        for name, value in record.items()
        if not is_picture(name) and (not isinstance(value, float) or value in (0.0, 0.5, 1.0))
    }
