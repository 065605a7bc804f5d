"""Every number of a model's answers that can be explained, by the medium and its target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from evalsuite import (
    Classify,
    EmbedAudio,
    EmbedImage,
    EmbedText,
    LogLikelihood,
    Sample,
    SimilarityScale,
    Text,
    UsageError,
)
from evalsuite.answers import choices_of
from evalsuite.content import Content
from evalsuite_explain.probes.subjects import (
    ClassOfClip,
    ClassOfImage,
    ClipCells,
    ContinuationOfText,
    Finding,
    LabelOfText,
    PictureCells,
    Subject,
    TranscriptOfClip,
    divided_text,
)
from evalsuite_explain.targets import ContinuationScore, LabelScore, MatchScore, log_odds_of


class _LabelOfCells:
    """Base, beside cells: the label that a classifier gives a picture or a clip."""

    asked: ClassVar[Any] = (Classify,)

    def subject(self, sample: Sample, context: Any) -> Finding:
        """Classify it."""
        del context
        cells: Any = self.divided(sample)  # type: ignore[attr-defined]
        found = yield Classify(sample[cells.medium])
        return Subject(cells, LabelScore(found.label), found.label, log_odds_of(found))


class LabelOfImage(_LabelOfCells, PictureCells):
    """A classifier's label of a picture; option: ``grid``."""

    media: ClassVar[Any] = ("image",)
    fields: ClassVar[Any] = ("image",)


class LabelOfClip(_LabelOfCells, ClipCells):
    """A classifier's label of a clip; options: ``moments``, ``bands``, ``fill``."""

    media: ClassVar[Any] = ("audio",)
    fields: ClassVar[Any] = ("audio",)


class _MatchOfCells:
    """Base, beside cells: the similarity of a picture or a clip to the sample's ``text``."""

    def subject(self, sample: Sample, context: Any) -> Finding:
        """Nothing is asked yet."""
        del context
        cells: Any = self.divided(sample)  # type: ignore[attr-defined]
        return Subject(cells, MatchScore((Text(str(sample["text"])),)), None)
        yield  # makes this a generator


class MatchOfImage(_MatchOfCells, PictureCells):
    """A dual encoder's similarity of a picture and a text; option: ``grid``."""

    asked: ClassVar[Any] = (EmbedImage, EmbedText, SimilarityScale)
    fields: ClassVar[Any] = ("image", "text")


class MatchOfClip(_MatchOfCells, ClipCells):
    """A dual encoder's similarity of a clip and a text; options: ``moments``, ``bands``, ``fill``.

    Cells hold their frequency's mean level when they are taken away.
    """

    asked: ClassVar[Any] = (EmbedAudio, EmbedText, SimilarityScale)
    fields: ClassVar[Any] = ("audio", "text")


@dataclass(frozen=True)
class _Answer:
    """Base: log P(answer | prompt), of the best of ``choices`` or, without any, of ``answer``.

    Args:
        prompt: Around the question, for ``{question}``.
        delimiter: What stands before an answer.
    """

    prompt: str = "{question}\nAnswer:"
    delimiter: str = " "

    asked: ClassVar[Any] = (LogLikelihood,)

    def filled(self, sample: Sample) -> str:
        """The prompt with the sample's question."""
        return self.prompt.replace("{question}", str(sample["question"]))

    def chosen(self, sample: Sample, shown: Content) -> Any:
        """Returns the answer that is explained, and what was predicted: nothing without choices."""
        if sample.get("choices") is None:
            return self.delimiter + str(sample["answer"]), None
        choices, _ = choices_of(sample)
        replies = yield tuple(LogLikelihood(shown, self.delimiter + own) for own in choices)
        totals = [reply.total for reply in replies]
        best = choices[totals.index(max(totals))]
        return self.delimiter + best, best


class AnswerToText(_Answer):
    """An answer to a question, by the words of the prompt; options: ``prompt``, ``delimiter``."""

    media: ClassVar[Any] = ("text",)
    fields: ClassVar[Any] = ("question", "answer")

    def subject(self, sample: Sample, context: Any) -> Finding:
        """Score the choices, if there are any."""
        del context
        words = divided_text(self.filled(sample))
        answer, predicted = yield from self.chosen(sample, (Text(words.text),))
        return Subject(words, ContinuationScore(answer), predicted)


class _AnswerAboutCells(_Answer):
    """Base, beside cells: an answer to a question about a picture or a clip."""

    def subject(self, sample: Sample, context: Any) -> Finding:
        """Score the choices, if there are any."""
        del context
        cells: Any = self.divided(sample)  # type: ignore[attr-defined]
        after = (Text(self.filled(sample)),)
        shown = (sample[cells.medium], *after)
        answer, predicted = yield from self.chosen(sample, shown)
        return Subject(cells, ContinuationScore(answer, after=after), predicted)


@dataclass(frozen=True)
class AnswerAboutImage(_AnswerAboutCells, PictureCells):
    """An answer about a picture; options: ``grid``, ``prompt``, ``delimiter``."""

    media: ClassVar[Any] = ("image",)
    fields: ClassVar[Any] = ("image", "question", "answer")


@dataclass(frozen=True)
class AnswerAboutClip(_AnswerAboutCells, ClipCells):
    """An answer about a clip; options: those of cells, ``prompt``, ``delimiter``."""

    media: ClassVar[Any] = ("audio",)
    fields: ClassVar[Any] = ("audio", "question", "answer")


SUBJECTS: dict[tuple[str, str], type[Any]] = {
    ("text", "label"): LabelOfText,
    ("text", "continuation"): ContinuationOfText,
    ("text", "answer"): AnswerToText,
    ("image", "label"): LabelOfImage,
    ("image", "class"): ClassOfImage,
    ("image", "match"): MatchOfImage,
    ("image", "answer"): AnswerAboutImage,
    ("audio", "label"): LabelOfClip,
    ("audio", "class"): ClassOfClip,
    ("audio", "match"): MatchOfClip,
    ("audio", "answer"): AnswerAboutClip,
    ("audio", "transcript"): TranscriptOfClip,
}


def subject_of(medium: str, target: str) -> type[Any]:
    """The subject of a medium and a target; raises UsageError naming those that there are."""
    if (medium, target) in SUBJECTS:
        return SUBJECTS[medium, target]
    targets = sorted({own for of, own in SUBJECTS if of == medium})
    if targets:
        raise UsageError(
            f"target must be one of {', '.join(targets)} for medium {medium} (got {target!r})."
        )
    media = dict.fromkeys(of for of, _ in SUBJECTS)
    raise UsageError(f"medium must be one of {', '.join(media)} (got {medium!r}).")
