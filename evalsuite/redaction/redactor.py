"""What hides spans of texts: declared secrets, found again in any spelling, and personal data."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any

from evalsuite.personal_data import PatternDetector
from evalsuite.store import JobResult, SampleRow

HIDDEN_SECRET = "[hidden secret]"
# Fewer letters at the end of a text are the beginning of many words.
_LEAST_BEGUN = 4
# A PIN has four digits; smaller numbers are counts.
_LEAST_TELLING = 1000
_WORD = re.compile(r"\w+")
# Every form has one of these, and most texts have none.
_MAY_HOLD = re.compile(r"[\d@]|::")
_Span = tuple[int, int, str]
_PATTERNS = PatternDetector()


@dataclass(frozen=True)
class Secrets:
    """Texts to find again, whatever their case, spacing and punctuation; linear in a text.

    Found as whole words; the ``own`` ones of a sample are also found inside of words.
    """

    texts: frozenset[str]

    @cached_property
    def _by_first_word(self) -> Mapping[str, tuple[tuple[str, ...], ...]]:
        found: dict[str, set[tuple[str, ...]]] = {}
        for text in self.texts:
            words = tuple(word.casefold() for word in _WORD.findall(text))
            if words:
                found.setdefault(words[0], set()).add(words)
        return {first: tuple(sorted(some, key=len)) for first, some in found.items()}

    def spans(self, text: str) -> Iterator[_Span]:
        """Where a secret stands, word by word."""
        if not self.texts or self._by_first_word.keys().isdisjoint(_WORD.findall(text.casefold())):
            return
        places = [(m.start(), m.end(), m[0].casefold()) for m in _WORD.finditer(text)]
        for start, (begin, _, first) in enumerate(places):
            for words in self._by_first_word.get(first, ()):
                said = places[start : start + len(words)]
                if tuple(word for _, _, word in said) == words:
                    yield begin, said[-1][1], HIDDEN_SECRET


@dataclass(frozen=True)
class Redactor:
    """Hides spans of texts.

    Attributes:
        secrets: All secrets of a run.
        with_patterns: Whether personal data are hidden too.
        own: The secrets of one sample, found as parts of words too.
    """

    secrets: Secrets = field(default_factory=lambda: Secrets(frozenset()))
    with_patterns: bool = False
    own: tuple[str, ...] = ()

    def text(self, text: str) -> str:
        """The text with ``[hidden KIND]`` in the place of every span; others may not be told."""
        spans = self._merged(text)
        if not spans:
            return text
        pieces, place = [], 0
        for start, end, shown in spans:
            pieces += [text[place:start], shown]
            place = end
        return "".join((*pieces, text[place:]))

    def value(self, value: Any) -> Any:
        """A JSON-able value, its texts hidden all the way down, keys and JSON in texts included."""
        if value is None or isinstance(value, float):  # most of a table of tokens
            return value
        if isinstance(value, str):
            return self._json(value) if value[:1] in ("[", "{") else self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(name)): self.value(item) for name, item in value.items()}
        if isinstance(value, list | tuple):
            pieces = self._pieces(value) if _are_texts(value) else map(self.value, value)
            return type(value)(pieces)
        if isinstance(value, int) and abs(value) >= _LEAST_TELLING:
            return value if self.text(str(value)) == str(value) else HIDDEN_SECRET
        return value

    def _json(self, text: str) -> str:
        """A text that holds JSON: what is escaped in it would not be found."""
        try:
            document = json.loads(text)
        except ValueError:
            return self.text(text)
        hidden = self.value(document)
        return text if hidden == document else json.dumps(hidden, ensure_ascii=False)

    def _pieces(self, pieces: Sequence[str]) -> list[str]:
        """Tokens or words: a span that only their sequence spells is hidden too."""
        shown = list(pieces)
        for between in ("", " "):
            joined = between.join(pieces)
            spans, place = self._merged(joined), 0
            for index, piece in enumerate(pieces):
                end = place + len(piece)
                kinds = [kind for start, stop, kind in spans if start < end and place < stop]
                shown[index] = kinds[0] if kinds and piece else shown[index]
                place = end + len(between)
        return shown

    def _merged(self, text: str) -> list[_Span]:
        """All spans; those that overlap become one, called after the first."""
        merged: list[_Span] = []
        for start, end, kind in sorted(self._spans(text)):
            if merged and start < merged[-1][1]:
                begin, last, first = merged.pop()
                start, end, kind = begin, max(end, last), first
            merged.append((start, end, kind))
        return merged

    def _spans(self, text: str) -> Iterator[_Span]:
        yield from self.secrets.spans(text)
        for own in self.own:
            if own.strip():
                pattern = re.compile(re.escape(own.strip()), re.IGNORECASE)
                yield from ((m.start(), m.end(), HIDDEN_SECRET) for m in pattern.finditer(text))
                yield from _begun(text, own.strip())
        if self.with_patterns:
            yield from _personal(text)

    def row(self, row: SampleRow) -> SampleRow:
        """A sample as it may be shown; what was secret of it is no longer told."""
        if not (self.with_patterns or self.secrets.texts or row.secrets):
            return row
        redactor = replace(self, own=row.secrets)
        return replace(
            row,
            id=redactor.text(row.id),
            reason=redactor.text(row.reason),
            record=redactor.value(dict(row.record)),
            exchange=redactor.value(tuple(row.exchange)),
            secrets=(),
        )

    def result(self, result: JobResult) -> JobResult:
        """A job's result, its reasons, slices and options hidden where they tell."""
        estimates = tuple(
            replace(
                e,
                slice=self.text(e.slice),
                reason=None if e.reason is None else self.text(e.reason),
                extra={k: self.text(v) if isinstance(v, str) else v for k, v in e.extra.items()},
            )
            for e in result.estimates
        )
        return replace(
            result,
            reason=self.text(result.reason),
            failures={self.text(kind): n for kind, n in result.failures.items()},
            options=self.value(dict(result.options)),
            estimates=estimates,
        )


def _begun(text: str, secret: str) -> Iterator[_Span]:
    """The first half of a secret or more, where a text was cut in the middle of it."""
    ending = text[-len(secret) :].casefold()
    for length in range(len(secret) - 1, max(_LEAST_BEGUN, len(secret) // 2) - 1, -1):
        if ending.endswith(secret[:length].casefold()):
            yield len(text) - length, len(text), HIDDEN_SECRET
            return


@lru_cache(maxsize=4096)
def _personal(text: str) -> tuple[_Span, ...]:
    """Personal data; a prompt that several models read is searched once."""
    if not _MAY_HOLD.search(text):
        return ()
    return tuple((f.start, f.end, f"[hidden {f.kind}]") for f in _PATTERNS.find(text))


def _are_texts(value: Sequence[Any]) -> bool:
    return bool(value) and all(isinstance(item, str) for item in value)
