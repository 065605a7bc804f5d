"""Objects that a caption mentions, and which of them are not in the image (CHAIR)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from evalsuite import DataError
from evalsuite.captions import Words, caption_words

_IRREGULAR = {
    "children": "child",
    "feet": "foot",
    "geese": "goose",
    "men": "man",
    "mice": "mouse",
    "people": "person",
    "teeth": "tooth",
    "women": "woman",
}
_ENDINGS = (("s", ""), ("es", ""), ("ies", "y"), ("ves", "f"), ("ves", "fe"))


def _forms(word: str) -> Iterator[str]:
    """A word and what it could be the plural of."""
    yield word
    if word in _IRREGULAR:
        yield _IRREGULAR[word]
    for ending, singular in _ENDINGS:
        if word.endswith(ending):
            yield word.removesuffix(ending) + singular


@dataclass(frozen=True)
class ObjectWords:
    """A vocabulary of objects: the phrases that mean each.

    Attributes:
        names: For each phrase, as words, the name of its object.
    """

    names: Mapping[Words, str]

    @classmethod
    def from_lines(cls, lines: Iterable[str]) -> ObjectWords:
        """Read lines such as ``person, man, woman``: the first names the object.

        Raises:
            DataError: A phrase stands for two objects.
        """
        names: dict[Words, str] = {}
        for line in lines:
            phrases = [words for part in line.split(",") if (words := caption_words(part))]
            for phrase in phrases:
                name = " ".join(phrases[0])
                if names.setdefault(phrase, name) != name:
                    raise DataError(
                        f"The object word {' '.join(phrase)!r} stands for both {names[phrase]!r} "
                        f"and {name!r}; keep it in one line of the object words only."
                    )
        return cls(names)

    def mentioned(self, words: Words) -> list[str]:
        """The objects that a caption names, once for each mention, in order.

        The longest phrase wins, so that "hot dog" is no dog; the last word may be in the plural.
        """
        longest = max(map(len, self.names), default=0)
        found: list[str] = []
        place = 0
        while place < len(words):
            for size in range(min(longest, len(words) - place), 0, -1):
                name = self._name_of(words[place : place + size])
                if name is not None:
                    found.append(name)
                    place += size
                    break
            else:
                place += 1
        return found

    def _name_of(self, phrase: Words) -> str | None:
        for last in _forms(phrase[-1]):
            name = self.names.get((*phrase[:-1], last))
            if name is not None:
                return name
        return None


@dataclass(frozen=True)
class Hallucinations:
    """What CHAIR counts in one caption.

    Attributes:
        n_mentioned: Mentions of objects of the vocabulary.
        n_hallucinated: Mentions of objects that are not in the image.
        n_present: Objects in the image.
        n_recalled: Objects in the image that are mentioned.
        invented: Names of the objects that are not there.
    """

    n_mentioned: int
    n_hallucinated: int
    n_present: int
    n_recalled: int
    invented: tuple[str, ...]


def hallucinations(
    caption: Words, references: Sequence[Words], present: Sequence[str], vocabulary: ObjectWords
) -> Hallucinations:
    """Compare the objects of a caption with those in the image.

    In the image are the objects of ``present`` and those that a reference caption names. CHAIRi is
    the sum of ``n_hallucinated`` over that of ``n_mentioned``, CHAIRs the share of captions with
    at least one; both in [0, 1], lower is better. The special rules of the paper's program for
    toys and trains are left to the vocabulary. Reference: Rohrbach et al. 2018, EMNLP.
    """
    there = {name for item in present for name in vocabulary.mentioned(caption_words(item))}
    there |= {name for words in references for name in vocabulary.mentioned(words)}
    named = vocabulary.mentioned(caption)
    invented = [name for name in named if name not in there]
    return Hallucinations(
        len(named), len(invented), len(there), len(there & set(named)), tuple(sorted(set(invented)))
    )
