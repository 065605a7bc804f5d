"""Scores of texts against references, by short name; nothing heavy is imported before use.

A *record scorer* is a pure function ``(prediction: str, references: Sequence[str]) -> dict`` of
flat floats. An empty prediction gets the worst score; without references every score is NaN and
the entry ``reason`` says so. Corpus metrics, which are no means of records, live beside this and
are registered as ``text/...`` metrics.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Sequence
from typing import TypeAlias

from evalsuite import UsageError

Scores: TypeAlias = dict[str, float | str]
Scorer: TypeAlias = Callable[[str, Sequence[str]], Scores]

_ANSWERS = "evalsuite_text.metrics.answers"
_OVERLAP = "evalsuite_text.metrics.overlap"
_LANGUAGES = ("ar", "de", "el", "en", "es", "hi", "ja", "ro", "ru", "th", "tr", "vi", "zh")

SCORERS: dict[str, str] = {
    "exact-match": f"{_ANSWERS}:exact_match",
    "numeric": "evalsuite_text.metrics.numeric:numeric",
    "squad": f"{_ANSWERS}:squad",
    "squad-2": f"{_ANSWERS}:squad_2",
    "cmrc": f"{_ANSWERS}:cmrc",
    "xquad": f"{_ANSWERS}:xquad",
    **{f"xquad-{code}": f"{_ANSWERS}:xquad_{code}" for code in _LANGUAGES},
    "rouge": f"{_OVERLAP}:rouge",
    "rouge-unicode": f"{_OVERLAP}:rouge_unicode",
    "bleu-sentence": f"{_OVERLAP}:bleu_sentence",
    "bleu-sentence-zh": f"{_OVERLAP}:bleu_sentence_zh",
    "chrf-sentence": f"{_OVERLAP}:chrf_sentence",
    "code-execution": "evalsuite_text.tasks.code_execution:code_execution",
}


def load_scorer(name: str) -> Scorer:
    """The record scorer of a short name; raises UsageError with the names there are."""
    if name not in SCORERS:
        close = difflib.get_close_matches(name, SCORERS, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise UsageError(f"There is no scorer {name!r}; there are {', '.join(SCORERS)}.{hint}")
    module, _, attribute = SCORERS[name].partition(":")
    found: Scorer = getattr(importlib.import_module(module), attribute)
    return found


def without_references(*names: str) -> Scores:
    """NaN under every name, and the reason."""
    return {**dict.fromkeys(names, float("nan")), "reason": "the sample has no reference"}
