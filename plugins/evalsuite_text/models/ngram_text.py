"""A text as the tokens of an n-gram model, and tokens as a text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from evalsuite_text.models.kneser_ney import BOUNDARY, UNKNOWN

# A line break with the white space around it, the mark of an unknown word, a word, another sign.
_WORDS = re.compile(r"(?P<line>\s*\n\s*)|<unk>|\w+(?:['’]\w+)*|[^\w\s]")
_CHARACTERS = re.compile(r"(?P<line>\s*\n\s*)|.", re.DOTALL)
_NO_SPACE_BEFORE = frozenset(".,;:!?)]}%…”’")
_NO_SPACE_AFTER = frozenset("([{“‘")


@dataclass(frozen=True)
class Token:
    """One token: its id, its spelling, and the characters that it covers."""

    id: int
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Vocabulary:
    """How a text is cut into tokens, and the tokens that have an id of their own.

    Line breaks are tokens (the end of one line and the start of the next); with ``word`` tokens
    other white space is not, with ``character`` tokens every character is one.
    """

    unit: Literal["word", "character"]
    lower_case: bool
    ids: Mapping[str, int]
    spellings: tuple[str, ...]

    def __len__(self) -> int:
        """Tokens with an id, the line's end and the unknown one included."""
        return len(self.spellings)

    def tokens(self, text: str) -> list[Token]:
        """The tokens of a text; a line break at its very start is none."""
        found = []
        for match in _pattern(self.unit).finditer(text):
            if match["line"] is not None:
                if match.start():
                    found.append(Token(BOUNDARY, "\n", *match.span()))
                continue
            word = _cased(match[0], self.lower_case)
            found.append(Token(self.ids.get(word, UNKNOWN), match[0], *match.span()))
        return found

    def after(self, prompt: str, ids: Sequence[int]) -> str:
        """Tokens as the text that goes on after a prompt."""
        words = [self.spellings[i] for i in ids]
        if self.unit == "character":
            return "".join(words)
        text = prompt[-1:]
        for word in words:
            glued = not text or text[-1].isspace() or text[-1] in _NO_SPACE_AFTER
            text += word if glued or word in _NO_SPACE_BEFORE else f" {word}"
        return text[len(prompt[-1:]) :]


def learn_vocabulary(
    text: str, unit: Literal["word", "character"], *, lower_case: bool, minimum_count: int
) -> Vocabulary:
    """The tokens that a text has often enough, most frequent first."""
    counts = Counter(
        _cased(match[0], lower_case)
        for match in _pattern(unit).finditer(text)
        if match["line"] is None and match[0] != "<unk>"
    )
    frequent: Iterable[str] = (
        word
        for word, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        if count >= minimum_count
    )
    spellings = ("\n", "<unk>", *frequent)
    ids = {word: i for i, word in enumerate(spellings) if i > UNKNOWN}
    return Vocabulary(unit, lower_case, ids, spellings)


def _pattern(unit: str) -> re.Pattern[str]:
    return _WORDS if unit == "word" else _CHARACTERS


def _cased(word: str, lower_case: bool) -> str:
    return word.lower() if lower_case else word
