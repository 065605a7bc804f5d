"""Extraction of what was said of pictures and in clips: does a model go on word by word?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from evalsuite import Audio, Card, Image, RequestFailed, Role, Sample, Text
from evalsuite.content import Content
from evalsuite.derived import blank
from evalsuite_privacy.membership.conditions import shown_before
from evalsuite_privacy.memorisation.extraction import Extraction, Shown, written_after
from evalsuite_privacy.memorisation.extraction_metrics import BLANK, column_of
from evalsuite_privacy.memorisation.overlap import MEASURES, Cut, measured

CARD = Card(
    measures="How often the model, shown a picture or played a clip and the beginning of its "
    "caption or transcript, writes the next words as they stand there; beyond a reference model, "
    "and beyond what it writes when the picture is blank or the clip silent.",
    does_not_measure="What other prompts, sampling or many attempts would bring out, and "
    "paraphrase. Transcribers that take no words to go on with (Whisper) are asked by "
    "privacy/audio-canary-exposure and privacy/audio-membership-inference instead.",
    reference="Carlini et al. 2022, Quantifying memorization (2202.07646); Ippolito et al. 2022 "
    "(2210.17546)",
    critique="A good model says what is in a picture, and a transcriber what is in a clip, "
    "without having seen it: only a reference model, or members beside others, tells memory from "
    "skill. The share beyond a blank tells what the medium adds to the words, not what was "
    "remembered.",
)


@dataclass(frozen=True)
class MediaExtraction(Extraction):
    """Base: the words begin the answer, after the medium and what is asked about it.

    Args:
        prompt: Field of what is said after the medium; a sample may lack it.
    """

    prefix_words: tuple[int, ...] = (2, 5)
    suffix_words: int = 5
    prompt: str = "prompt"

    card: ClassVar[Card] = CARD
    medium: ClassVar[str] = "image"

    def prompt_of(self, found: Cut, sample: Sample) -> Content:
        """The medium, what is asked, and the answer as far as the prefix goes."""
        return self._prompt_with(sample[self.medium], found, sample)

    def further(self, found: Cut | None, sample: Sample) -> Any:
        """What the model writes without the medium; a model that then refuses writes nothing."""
        columns = {f"{BLANK}{column_of(name, self.longest)}": name for name in MEASURES}
        nothing = dict.fromkeys(columns)
        if found is None:
            return nothing
        prompt = self._prompt_with(blank(sample[self.medium]), found, sample)
        try:
            generation = yield from written_after(Shown(found, prompt))
        except RequestFailed:
            return nothing
        values = measured(generation.text, found.words)
        return {column: values[name] or 0.0 for column, name in columns.items()}

    def _prompt_with(self, part: Image | Audio, found: Cut, sample: Sample) -> Content:
        _, *said = shown_before(sample, self.medium, self.prompt)
        ends_open = bool(said) and not str(sample[self.prompt])[-1:].isspace()
        begun = Text(f" {found.prefix}" if ends_open else found.prefix)
        return (part, *said, Role("assistant"), begun)


@dataclass(frozen=True)
class ImageExtraction(MediaExtraction):
    """Of captions of pictures."""

    name: ClassVar[str] = "privacy/image-extraction"
    media: ClassVar[Any] = ("image",)
    fields: ClassVar[Any] = ("image", "text")
    blank_medium: ClassVar[str] = "a blank image"


@dataclass(frozen=True)
class AudioExtraction(MediaExtraction):
    """Of transcripts and captions of clips."""

    name: ClassVar[str] = "privacy/audio-extraction"
    media: ClassVar[Any] = ("audio",)
    fields: ClassVar[Any] = ("audio", "text")
    blank_medium: ClassVar[str] = "a silent clip"
    medium: ClassVar[str] = "audio"
