"""What measures of explanations are taken on: an input of any medium and the number explained.

A subject is found by asking the model about a sample; measures know nothing of its medium.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, TypeAlias

from evalsuite import (
    Classification,
    Classify,
    EmbedAudio,
    EmbedImage,
    EmbedText,
    Failure,
    LogLikelihood,
    Probe,
    RequestFailed,
    Sample,
    SimilarityScale,
    Transcribe,
)
from evalsuite.transcripts import BASIC
from evalsuite.zero_shot import embed, predict
from evalsuite_explain.explainers.game import Game
from evalsuite_explain.inputs.clip import FILLS, Clip
from evalsuite_explain.inputs.picture import Picture
from evalsuite_explain.inputs.words import Words, words_of
from evalsuite_explain.kept_words import KeptWords
from evalsuite_explain.probes.described import Described, DescribedClasses
from evalsuite_explain.targets import (
    ClassScore,
    ContinuationScore,
    LabelScore,
    Target,
    each_label,
    log_odds_of,
)


@dataclass(frozen=True)
class Subject:
    """A divided input and what is explained of it.

    Attributes:
        features: The divided input.
        target: The number whose drops are measured.
        predicted: What the model answered.
        decision: The number that explainers explain where it is another one of the same answers:
            log-odds stay open where a probability near 1 hardly moves.
        each: By name, a number for each answer that could have been given, by itself, the one that
            was given first; empty where there is one answer only.
    """

    features: Any
    target: Target
    predicted: str | None
    decision: Target | None = None
    each: Mapping[str, Target] = field(default_factory=dict)

    @property
    def game(self) -> Game:
        """The features' game."""
        return Game(self.features, self.target)

    @property
    def explained(self) -> Target:
        """What explainers explain."""
        return self.decision or self.target


Finding: TypeAlias = Generator[Any, Any, Subject]


class LabelOfText:
    """The label that a classifier gives a text, by words."""

    media: ClassVar[Any] = ("text",)
    asked: ClassVar[Any] = (Classify,)
    fields: ClassVar[Any] = ("text",)

    def subject(self, sample: Sample, context: Any) -> Finding:
        """Classify it."""
        del context
        words = divided_text(str(sample["text"]))
        found = yield Classify(words.text)
        return label_subject(words, found)


class ContinuationOfText:
    """log P(continuation | text) of a language model, by words of the text.

    Without a field ``continuation``, the last word of the text is taken for it; marks behind it are
    left out.
    """

    media: ClassVar[Any] = ("text",)
    asked: ClassVar[Any] = (LogLikelihood,)
    fields: ClassVar[Any] = ("text",)

    def subject(self, sample: Sample, context: Any) -> Finding:
        """Nothing is asked yet."""
        del context
        text, continuation = str(sample["text"]), sample.get("continuation")
        if continuation is None:
            text, continuation = before_last_word(text)
        return Subject(divided_text(text), ContinuationScore(str(continuation)), None)
        yield  # makes this a generator


@dataclass(frozen=True)
class PictureCells:
    """A picture as ``grid`` x ``grid`` cells."""

    grid: int = 4

    medium: ClassVar[str] = "image"

    def divided(self, sample: Sample) -> Picture:
        """A grid of cells."""
        return Picture(sample["image"], self.grid)


@dataclass(frozen=True)
class ClipCells:
    """A clip as cells of ``moments`` and ``bands`` of mel height.

    A cell that is taken away holds its frequency's mean level, as a hole of silence is itself a
    sound (``fill: silence`` makes one).
    """

    moments: int = 4
    bands: int = 3
    fill: str = FILLS[1]

    medium: ClassVar[str] = "audio"

    def divided(self, sample: Sample) -> Clip:
        """Cells of time and frequency."""
        return Clip(sample["audio"], self.moments, self.bands, self.fill)  # type: ignore[arg-type]


@dataclass(frozen=True)
class _ClassSubject(DescribedClasses):
    """Base, beside cells: the closest of several descriptions."""

    @property
    def fields(self) -> tuple[str, ...]:  # type: ignore[override]
        """The input, and its label where no option names the classes."""
        is_named = self.classes or self.classes_path or self.prompts or self.prompts_path
        return (self.medium,) if is_named else (self.medium, "label")

    def divided(self, sample: Sample) -> Any:
        """The input as cells."""
        raise TypeError(f"{type(self).__name__} does not divide its input")

    def subject(self, sample: Sample, context: Described) -> Finding:
        """Embed it, and take the closest class."""
        classes = context.classes
        whole = yield embed(sample[self.medium])
        found = predict(whole.vector, classes.vectors, classes.similarity, 0)
        others = list(context.prompts)
        target = ClassScore(classes, found.index, others.pop(found.index))
        decision = replace(target, against=tuple(others), scale="log_odds")
        each = [ClassScore(classes, i, own, scale="logit") for i, own in enumerate(context.prompts)]
        named = first_of(dict(zip(classes.names, each, strict=True)), classes.names[found.index])
        return Subject(self.divided(sample), target, next(iter(named)), decision, named)


@dataclass(frozen=True)
class ClassOfImage(PictureCells, _ClassSubject):
    """The class that a dual encoder puts a picture in; ``grid`` is its cells on a side."""

    medium: ClassVar[str] = "image"
    asked: ClassVar[Any] = (EmbedImage, EmbedText, SimilarityScale)


@dataclass(frozen=True)
class ClassOfClip(ClipCells, _ClassSubject):
    """The class that a dual encoder puts a clip in, by ``moments`` and ``bands``; see ClipCells."""

    templates: tuple[str, ...] = ("this is a sound of {}",)

    medium: ClassVar[str] = "audio"
    asked: ClassVar[Any] = (EmbedAudio, EmbedText, SimilarityScale)


@dataclass(frozen=True)
class TranscriptOfClip(ClipCells, Probe):
    """The words that a transcriber hears in a clip, by cells; see ClipCells."""

    moments: int = 8
    bands: int = 1

    media: ClassVar[Any] = ("audio",)
    asked: ClassVar[Any] = (Transcribe,)
    fields: ClassVar[Any] = ("audio",)

    def subject(self, sample: Sample, context: Any) -> Finding:
        """Transcribe it; nothing heard is a failure."""
        del context
        found = yield Transcribe(sample["audio"])
        if not BASIC(found.text).strip():
            raise RequestFailed(Failure("empty transcript", "no word was recognised in the clip"))
        return Subject(self.divided(sample), KeptWords(found.text), found.text)


def first_of(each: Mapping[str, Target], name: str) -> dict[str, Target]:
    """The targets of all answers, that of the one that was given first."""
    return {name: each[name], **each}


def label_subject(
    features: Any, found: Classification, score: type[LabelScore] = LabelScore
) -> Subject:
    """The label that a classifier found, by the features of what it classified."""
    target, decision = score(found.label), log_odds_of(found, score)
    return Subject(features, target, found.label, decision, each_label(found, score))


def before_last_word(text: str) -> tuple[str, str]:
    """What stands before the last word with a letter or digit, and that word with its space."""
    spoken = [span for word, span in words_of(text) if any(map(str.isalnum, word))]
    begin, end = spoken[-1] if spoken else (len(text), len(text))
    before = text[:begin].rstrip()
    return before, text[len(before) : end]


def divided_text(text: str) -> Words:
    """A text's words; raises RequestFailed where there are fewer than two to tell apart."""
    words = Words(text)
    if len(words) < 2:
        raise RequestFailed(Failure("too short", "a text of fewer than two words has no ranking"))
    return words
