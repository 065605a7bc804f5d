"""Every number of a model's answers that can be explained, by the medium and its target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
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
from evalsuite.options import build
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
    first_of,
    label_subject,
)
from evalsuite_explain.probes.text_places import AnswerInContext, FillingOfGap, LabelOfWord
from evalsuite_explain.targets import ContinuationScore, MatchScore


class _LabelOfCells:
    """Base, beside cells: the label that a classifier gives a picture or a clip."""

    asked: ClassVar[Any] = (Classify,)

    def subject(self, sample: Sample, context: Any) -> Finding:
        """Classify it."""
        del context
        cells: Any = self.divided(sample)  # type: ignore[attr-defined]
        found = yield Classify(sample[cells.medium])
        return label_subject(cells, found)


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

    def answered(
        self, features: Any, sample: Sample, shown: Content, after: Content = ()
    ) -> Finding:
        """Score the choices, if there are any: the best is explained, and was predicted.

        Args:
            features: Of the part of the prompt that is divided.
            sample: With ``choices``, or an ``answer``.
            shown: The whole prompt.
            after: What stands behind that part.
        """
        if sample.get("choices") is None:
            answer = self.delimiter + str(sample["answer"])
            return Subject(features, ContinuationScore(answer, after=after), None)
        choices, _ = choices_of(sample)
        replies = yield tuple(LogLikelihood(shown, self.delimiter + own) for own in choices)
        totals = [reply.total for reply in replies]
        best = choices[totals.index(max(totals))]
        each = {own: ContinuationScore(self.delimiter + own, after=after) for own in choices}
        return Subject(features, each[best], best, each=first_of(each, best))


class AnswerToText(_Answer):
    """An answer to a question, by the words of the prompt; options: ``prompt``, ``delimiter``."""

    media: ClassVar[Any] = ("text",)
    fields: ClassVar[Any] = ("question", "answer")

    def subject(self, sample: Sample, context: Any) -> Finding:
        """Score the choices, if there are any."""
        del context
        words = divided_text(self.filled(sample))
        return (yield from self.answered(words, sample, (Text(words.text),)))


class _AnswerAboutCells(_Answer):
    """Base, beside cells: an answer to a question about a picture or a clip."""

    def subject(self, sample: Sample, context: Any) -> Finding:
        """Score the choices, if there are any."""
        del context
        cells: Any = self.divided(sample)  # type: ignore[attr-defined]
        after = (Text(self.filled(sample)),)
        return (yield from self.answered(cells, sample, (sample[cells.medium], *after), after))


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
    ("text", "filling"): FillingOfGap,
    ("text", "word-label"): LabelOfWord,
    ("text", "span"): AnswerInContext,
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


@dataclass(frozen=True)
class SubjectChoice:
    """The options of a probe that explains whatever a model answers, beside those of its own kind.

    Args:
        medium: Which part of the input is divided: text, image or audio.
        target: What is explained. Of text: label, continuation (field ``continuation``, or the last
            word), answer; filling of a masked model (``text`` with a gap ``_``, and ``filling`` or
            ``choices``); word-label of a token classifier (``words``, perhaps ``place``); span of
            an extractive question answerer (``question``, ``context``). Of image and audio: label
            of a classifier; class or match (field ``text``) of a dual encoder; answer (fields
            ``question``, ``answer``, perhaps ``choices``) of a generative model; of audio also
            transcript.
        subject: Its own options: ``grid`` of pictures; ``moments``, ``bands``, ``fill`` of clips;
            ``classes``, ``templates`` of a class; ``prompt``, ``delimiter`` of an answer; ``gap``
            of a filling; ``outside`` of a word's label.
    """

    medium: str = "text"
    target: str = "label"
    subject: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a subject that there is not, or options that it does not have."""
        getattr(super(), "__post_init__", lambda: None)()
        self.finder  # noqa: B018  (builds it, which refuses its options)

    @cached_property
    def finder(self) -> Any:
        """Finds a sample's subject, by ``finder.subject(sample, context)``."""
        kind = subject_of(self.medium, self.target)
        return build(kind, self.subject, f"The subject of medium {self.medium}, {self.target},")

    @property
    def asked(self) -> tuple[type[Any], ...]:
        """What finding the subject, and its target, take."""
        asked: tuple[type[Any], ...] = self.finder.asked
        return asked

    @property
    def media(self) -> Any:
        """What the subject shows or plays."""
        return getattr(self.finder, "media", ())

    @property
    def fields(self) -> Any:
        """What the subject reads of a sample."""
        return self.finder.fields

    def prepare(self, samples: Sequence[Sample]) -> Any:
        """Ask what the subject needs once: the vectors of described classes."""
        if not hasattr(self.finder, "prepare"):
            return None
        return (yield from self.finder.prepare(samples))
