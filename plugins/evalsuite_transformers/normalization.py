"""The rules that transcripts are compared under, by the names that options use.

English rules are the normaliser of Whisper's authors (Radford et al. 2022, appendix C) as
transformers has it: lower case; whatever stands in brackets or parentheses is dropped, which also
hides words that were said; so are hmm, mm, mhm, uh, um; contractions and titles are written out;
numbers in words become digits, with ordinals, decades, money, percent and "double oh seven";
British spellings become American; punctuation and diacritics are dropped.

``english`` differs from that normaliser in two ways: its spellings are our own, and a lone dot, as
the normaliser leaves it of "..." at the end of a text, is no word. ``english-whisper`` is exactly
that normaliser.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, TypeAlias

from evalsuite import DataError, UsageError
from evalsuite.transcripts import BASIC, CHINESE, NONE, Rule
from evalsuite_transformers.spelling import american_spellings

PlainRuleName: TypeAlias = Literal["none", "basic", "english", "chinese"]  # that need no file
RuleName: TypeAlias = PlainRuleName | Literal["english-whisper"]
_BRACKETS = "Text in brackets or parentheses is dropped, which hides words if any were said there."


def rule_named(name: RuleName, normalizer_path: str = "") -> Rule:
    """The rule of a name.

    Args:
        name: Of the rule.
        normalizer_path: The spellings of ``english-whisper``: the file ``normalizer.json`` that
            comes with a Whisper checkpoint.

    Raises:
        UsageError: ``english-whisper`` without a path, or another rule with one.
        DataError: The file is missing or holds no spellings.
    """
    if (name == "english-whisper") != bool(normalizer_path):
        raise UsageError(
            "`normalization: english-whisper` and `normalizer_path:` go together: the path is that "
            "of the file normalizer.json of a Whisper checkpoint. Without one, take "
            "`normalization: english`, which has spellings of its own."
        )
    if name == "english-whisper":
        return _whisper_rule(normalizer_path)
    return (
        _english_rule() if name == "english" else {r.name: r for r in (NONE, BASIC, CHINESE)}[name]
    )


def rules_beside(rule: Rule, language: str | None) -> tuple[Rule, ...]:
    """All rules that make sense beside one, itself included, the plainest first.

    ``none`` and ``basic`` always do, ``english`` where the language is said to be English, and
    ``chinese`` where it is Chinese.
    """
    spoken = (language or "").lower().replace("_", "-").partition("-")[0]
    found = {made.name: made for made in (NONE, BASIC)}
    if spoken in ("en", "eng", "english"):
        found["english"] = _english_rule()
    if spoken in ("zh", "cmn", "chinese"):
        found["chinese"] = CHINESE
    return tuple({**found, rule.name: rule}.values())


@cache
def _english_rule() -> Rule:
    """Our own spellings, and no lone dots."""
    exact = _rule_of("english", "v1", american_spellings())

    def without_dots(text: str) -> str:
        return " ".join(word for word in exact(text).split() if word.strip("."))

    return replace(exact, function=without_dots)


@cache
def _whisper_rule(path: str) -> Rule:
    """The spellings of a checkpoint, which the version names by their hash."""
    spellings = _spellings(Path(path).expanduser())
    mark = sha256(json.dumps(spellings, sort_keys=True).encode()).hexdigest()[:8]
    return _rule_of("english-whisper", mark, spellings)


def _rule_of(name: str, mark: str, spellings: Mapping[str, str]) -> Rule:
    from transformers.models.whisper.english_normalizer import EnglishTextNormalizer

    normalizer: Any = EnglishTextNormalizer(spellings)

    def written(text: str) -> str:
        return " ".join(normalizer(text).split())

    return Rule(name, f"{mark}, transformers {version('transformers')}", written, _BRACKETS)


def _spellings(path: Path) -> dict[str, str]:
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise DataError(f"{path} is not JSON: {error}.") from error
    if not isinstance(found, dict) or not all(isinstance(word, str) for word in found.values()):
        raise DataError(
            f"{path} is no mapping from British to American spellings, as the file normalizer.json "
            "of a Whisper checkpoint is."
        )
    return found
