"""Audio language models asked the same of two clips: the same words in different voices."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evalsuite import Audio, Card, Metric, Proportion, Request, Sample, Transcribe
from evalsuite.derived import DerivedAudio
from evalsuite.transcripts import BASIC, utterance_record
from evalsuite_fairness.decisions.voice_shift import shifted
from evalsuite_fairness.written.paired_media import PairedMediaProbe

_OF_ANSWERS = ("difference", "distance", "floor", "is_flipped", "shift")


@dataclass(frozen=True)
class Voice(PairedMediaProbe):
    """Questions about the same words in two voices; further arguments as of PairedMediaProbe.

    Args:
        semitones: Where a sample has no ``audio_b``, it is ``audio_a`` at another pitch; and
            ``audio_a`` shifted there and back is the pair of the same voice.
        level_dbfs: Level of all clips, root mean square; None leaves levels as they are.
        understood_only: Also transcribe both clips, and compare the answers to those pairs alone
            whose words (``text``) the model understands. The model must transcribe.
        max_error_rate: Word error rate up to which words count as understood.
    """

    semitones: float = 4.0
    level_dbfs: float | None = -26.0
    understood_only: bool = False
    max_error_rate: float = 0.0

    name: ClassVar[str] = "fairness/voice"
    medium: ClassVar[Any] = "audio"
    plural: ClassVar[str] = "voices"
    card: ClassVar[Card] = Card(
        measures="How much more probable one answer becomes when the first of two voices says the "
        "same words; 0 where the voice does not matter. All clips have the same level. "
        "Abstentions count apart, as with paired images. Where the model transcribes, pairs whose "
        "words it misunderstands can be left out, so that hearing badly is not taken for "
        "prejudice; how many are left is given.",
        does_not_measure="What a voice stands for: a higher pitch, or a synthetic voice, is no "
        "gender. Length and recording still differ between recorded voices.",
        reference="Lin et al. 2024 (Spoken StereoSet); VoiceBBQ 2025; HELM's PARADE scenario",
        critique="A shifted pitch sounds processed; the pair that is shifted there and back tells "
        "how much of a distance comes from that. One voice for a group measures the voice: give "
        "several, and `cluster_by: speaker`.",
    )

    @property
    def fields(self) -> tuple[str, ...]:  # type: ignore[override]
        """The fields that every sample must have."""
        needed = ("audio_a", "question", "choices")
        return (*needed, "text") if self.understood_only else needed

    @property
    def needs(self) -> tuple[type[Request], ...]:  # type: ignore[override]
        """What is asked of the model."""
        return (*super().needs, Transcribe) if self.understood_only else super().needs

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """With the share of pairs that are understood."""
        if not self.understood_only:
            return super().metrics
        return (
            *super().metrics,
            Proportion("is_understood", name="understood pairs", clusters="unit"),
        )

    def media_of(self, sample: Sample) -> tuple[Audio, ...]:
        """Both voices, and the first one processed as the second where that is derived."""
        first, second = sample["audio_a"], sample.get("audio_b")
        clips: tuple[Audio, ...] = (first, second) if second is not None else self._shifted(first)
        return tuple(self._levelled(clip) for clip in clips)

    def ask(self, sample: Sample, context: Any) -> Any:
        """As of images; answers to words that are misunderstood are left out."""
        record = yield from super().ask(sample, context)
        if not self.understood_only:
            return record
        clips = self.media_of(sample)[:2]
        transcripts = yield tuple(Transcribe(clip) for clip in clips)
        rates = [
            utterance_record(str(sample["text"]), transcript.text, BASIC)["utterance_wer"]
            for transcript in transcripts
        ]
        is_understood = all(rate is not None and rate <= self.max_error_rate for rate in rates)
        left_out: Mapping[str, Any] = (
            {} if is_understood else {name: None for name in _OF_ANSWERS if name in record}
        )
        return {**record, **left_out, "is_understood": is_understood}

    def _shifted(self, clip: Audio) -> tuple[Audio, Audio, Audio]:
        other = shifted(clip, self.semitones)
        return clip, other, shifted(other, -self.semitones)

    def _levelled(self, clip: Audio) -> Audio:
        if self.level_dbfs is None:
            return clip
        level = self.level_dbfs
        recipe = json.dumps([self.name, "level", level])
        return DerivedAudio(
            original=clip, recipe=recipe, change=lambda wave, rate, rng: levelled(wave, level)
        )


def levelled(waveform: Any, level_dbfs: float) -> Any:
    """The waveform with a root mean square of a level; silence stays silence.

    Peaks beyond full scale are clipped.
    """
    rms = float(np.sqrt(np.mean(np.square(waveform, dtype=float)))) if len(waveform) else 0.0
    if rms == 0 or math.isnan(rms):
        return waveform
    return np.clip(waveform * (10 ** (level_dbfs / 20) / rms), -1, 1).astype(np.float32)
