"""What is explained at a place of a text: a gap's filling, a word's label, an answer in context."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from evalsuite import (
    AnswerSpan,
    ClassifyWord,
    Failure,
    LabelTokens,
    MaskedTokenScores,
    RequestFailed,
    Sample,
    ScoreSpan,
    TokenLabels,
)
from evalsuite_explain.inputs.features import Joint, all_present
from evalsuite_explain.inputs.words import Kept, Words
from evalsuite_explain.probes.subjects import Finding, Subject, first_of, label_subject
from evalsuite_explain.text_places import FillingScore, SpanScore, WordLabelScore


@dataclass(frozen=True)
class FillingOfGap:
    """log P(filling) of a masked model, by the words around the gap.

    Samples have ``text`` with one gap, and the ``filling`` or ``choices`` of which the most
    probable one is explained.

    Args:
        gap: The mark that stands for the gap; exactly once.
    """

    gap: str = "_"

    media: ClassVar[Any] = ("text",)
    asked: ClassVar[Any] = (MaskedTokenScores,)
    fields: ClassVar[Any] = ("text",)

    def subject(self, sample: Sample, context: Any) -> Finding:
        """Score the choices, if there are any."""
        del context
        text, choices = str(sample["text"]), sample.get("choices")
        if text.count(self.gap) != 1:
            told = f"the text must hold the gap {self.gap!r} exactly once (subject: {{gap: ...}})"
            raise RequestFailed(Failure("no gap", told))
        before, after = text.split(self.gap)
        fillings = [str(one) for one in choices] if choices else [str(sample["filling"])]
        each = {filling: FillingScore(filling) for filling in fillings}
        sides = Words(before, beside="after"), Words(after, beside="before")
        shown = Joint(*sides).showing(all_present(len(sides[0]) + len(sides[1])))
        best = fillings[0]
        if len(each) > 1:
            asked = tuple(each[filling].requests(shown)[0] for filling in fillings)
            scores = [sum(reply.logprobs) for reply in (yield asked)]
            best = fillings[scores.index(max(scores))]
        around = around_place(before, Kept(best, is_gap=True), after)
        if not choices:
            return Subject(around, each[best], None)
        return Subject(around, each[best], best, each=first_of(each, best))


@dataclass(frozen=True)
class LabelOfWord:
    """The label that a token classifier gives a word, by the words of its sentence.

    Samples have ``words``, a list or a text; ``place`` is that of the word among them, from 0 on.
    Without it, the word is the one whose label is surest among those that are not ``outside``.

    Args:
        outside: The label of words that are nothing in particular.
    """

    outside: str = "O"

    media: ClassVar[Any] = ("text",)
    asked: ClassVar[Any] = (LabelTokens, ClassifyWord)
    fields: ClassVar[Any] = ("words",)

    def subject(self, sample: Sample, context: Any) -> Finding:
        """Label the sentence where no place is given, then the word."""
        del context
        given, place = sample["words"], sample.get("place")
        words = tuple(given.split() if isinstance(given, str) else map(str, given))
        if any(word.split() != [word] for word in words):
            told = "words must be a list of words, none of which holds white space or is empty"
            raise RequestFailed(Failure("bad words", told))
        if place is None:
            place = self._surest((yield LabelTokens(words)))
        if str(place) not in map(str, range(len(words))):
            told = f"place must be from 0 to {len(words) - 1} (got {place!r})"
            raise RequestFailed(Failure("bad place", told))
        place = int(place)
        found = yield ClassifyWord(words, place)
        before, word, after = words[:place], words[place], words[place + 1 :]
        sides = (" ".join((*before, "")), " ".join(("", *after)))
        return label_subject(around_place(sides[0], Words(word), sides[1]), found, WordLabelScore)

    def _surest(self, found: TokenLabels) -> int:
        named = [i for i, label in enumerate(found.labels) if label != self.outside]
        if not named:
            told = f"every word is labelled {self.outside}, and no place says which one to explain"
            raise RequestFailed(Failure("no labelled word", told))
        return max(named, key=lambda i: found.probabilities[i])


class AnswerInContext:
    """The score of the answer that an extractive question answerer finds, by the words around it.

    Words of the question, and those of the context but the answer, which stays where it is.
    """

    media: ClassVar[Any] = ("text",)
    asked: ClassVar[Any] = (AnswerSpan, ScoreSpan)
    fields: ClassVar[Any] = ("question", "context")

    def subject(self, sample: Sample, context: Any) -> Finding:
        """Find the answer."""
        del context
        question, text = str(sample["question"]), str(sample["context"])
        found = yield AnswerSpan(question, text)
        if not found.text:
            raise RequestFailed(Failure("no answer", "the model points at nothing in the context"))
        before, after = text[: found.start], text[found.end :]
        around = around_place(before, Kept(found.text), after, Words(question))
        return Subject(around, SpanScore(), found.text)


def around_place(before: str, place: Words | Kept, after: str, *further: Words) -> Joint:
    """The words of two texts around a place, and of further texts that stand before them.

    Raises:
        RequestFailed: There are fewer than two words to tell apart.
    """
    sides = Words(before, beside="after"), Words(after, beside="before")
    joint = Joint(*further, sides[0], place, sides[1])
    if len(joint) < 2:
        raise RequestFailed(Failure("too short", "a text of fewer than two words has no ranking"))
    return joint
