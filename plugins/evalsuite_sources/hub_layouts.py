"""Benchmarks as the hub's datasets lay them out, turned into the fields of our own readers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from evalsuite_sources.questions import arc_fields, squad_fields, truthful_fields

Layout = Callable[[Mapping[str, Any]], dict[str, Any]]


def squad(row: Mapping[str, Any]) -> dict[str, Any]:
    """Answers are parallel lists of texts and starts (squad, xquad, cmrc2018)."""
    told = row["answers"]
    pairs = list(zip(told["text"], told["answer_start"], strict=True))
    return squad_fields(row["question"], row["context"], row.get("title") or "", pairs)


def truthfulqa(row: Mapping[str, Any]) -> dict[str, Any]:
    """Answers are lists (truthful_qa, configuration generation)."""
    right, wrong = row["correct_answers"], row["incorrect_answers"]
    return truthful_fields(row["question"], row["category"], row["best_answer"], right, wrong)


LAYOUTS: Mapping[str, Layout] = {"arc": arc_fields, "squad": squad, "truthfulqa": truthfulqa}
