"""How encoders of sound and speech are given clips: whole, in windows, alone or padded.

A clip that is longer than a model hears at once is heard in evenly spread windows that cover it
(of 10.24 s for an Audio Spectrogram Transformer, 30 s for Whisper, up to a minute for the others,
whose work grows with the square of the length); nothing is cut.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from evalsuite import ModelError
from evalsuite_audio.models.padding import ALONE, PADDED, can_pad
from evalsuite_audio.models.whisper_features import WhisperFeatures
from evalsuite_audio.models.windows import even_starts

Waveform = npt.NDArray[np.float32]

SPECTROGRAM_TRANSFORMER, WHISPER = "audio-spectrogram-transformer", "whisper"
# They always hear the same length, filled up with silence.
FIXED = frozenset({SPECTROGRAM_TRANSFORMER, WHISPER})
# It normalises its spectrogram over the clip and is heard alone.
SPECTROGRAM = "wav2vec2-bert"
FAMILIES = FIXED | PADDED | ALONE | {SPECTROGRAM}
# What families without a length of their own hear at once.
LONGEST_S = 60
# Audio of one pass.
PASS_S = 480
# Samples that a frame stands for, at 16 kHz.
SAMPLES_PER_FRAME = 320


class Hearing:
    """What one checkpoint makes of waveforms.

    Attributes:
        sample_rate_hz: The rate it hears.
        longest: Samples that it hears at once.
        can_share: Whether clips of several lengths share a pass.
    """

    def __init__(self, config: Any, extractor: Any, *, is_pooled_alone: bool = False) -> None:
        """Look at the family; ``is_pooled_alone`` keeps one that could be padded from it."""
        self.config, self.extractor = config, extractor
        self.family = str(config.model_type)
        self.sample_rate_hz = int(extractor.sampling_rate)
        self.is_fixed = self.family in FIXED
        self.is_padded = not is_pooled_alone and can_pad(config, extractor)
        self.can_share = self.is_fixed or self.is_padded
        self.features = WhisperFeatures(extractor) if self.family == WHISPER else None
        self.longest = self._longest()

    def _longest(self) -> int:
        rate = self.sample_rate_hz
        if self.family == WHISPER:
            return int(self.extractor.n_samples)
        if self.family == SPECTROGRAM_TRANSFORMER:  # windows of 25 ms every 10 ms
            return _window(rate) + (int(self.extractor.max_length) - 1) * _hop(rate)
        return LONGEST_S * rate

    @property
    def batches(self) -> str:
        """How clips are put together, in words."""
        if self.is_fixed:
            return "all of one length"
        return "padded, with a mask" if self.is_padded else "one clip at a time"

    def n_frames(self, n_samples: int) -> int:
        """Frames that a clip of its own comes to; 0 or less where it is too short for any."""
        if self.family == WHISPER:
            return -(-n_samples // (2 * int(self.extractor.hop_length)))
        if self.family in (SPECTROGRAM_TRANSFORMER, SPECTROGRAM):
            rows = 1 + (n_samples - _window(self.sample_rate_hz)) // _hop(self.sample_rate_hz)
            return int(rows) // int(getattr(self.extractor, "stride", 1))
        for kernel, stride in zip(self.config.conv_kernel, self.config.conv_stride, strict=True):
            n_samples = (n_samples - kernel) // stride + 1
        return n_samples

    def pieces(self, waveform: Waveform) -> list[Waveform]:
        """The whole clip, or the windows that cover it."""
        window = self.longest
        if not self.is_fixed:  # then windows need not overlap
            window = -(-len(waveform) // -(-len(waveform) // self.longest))
        starts = even_starts(len(waveform), window)
        return [waveform[start : start + window] for start in starts]

    def passes(self, pieces: Sequence[Waveform]) -> Iterator[list[int]]:
        """Places of pieces that are heard together, the longest first."""
        order = sorted(range(len(pieces)), key=lambda i: -len(pieces[i]))
        begin = 0
        while begin < len(order):
            length = self.longest if self.is_fixed else len(pieces[order[begin]])
            most = PASS_S * self.sample_rate_hz // length if self.can_share else 1
            yield order[begin : begin + max(1, most)]
            begin += max(1, most)

    def inputs(self, waveforms: Sequence[Waveform]) -> Any:
        """What the feature extractor makes of the pieces of a pass."""
        if self.features is not None:
            return {"input_features": self.features.windows(waveforms)}
        padding = {} if self.is_fixed else {"padding": self.is_padded}
        return self.extractor(
            # A decoded clip is shared and read-only, which torch warns of although it only reads.
            [np.array(waveform) for waveform in waveforms],
            sampling_rate=self.sample_rate_hz,
            return_tensors="pt",
            **padding,
        )


def refuse_unknown_family(reference: str, config: Any) -> None:
    """Raise ModelError for a family of which it is not known how it must be given clips."""
    if config.model_type not in FAMILIES:
        raise ModelError(
            f"Model {reference!r} is of the family {config.model_type!r}, and whether padding "
            "changes what it makes of a clip is not known here. The families are "
            f"{', '.join(sorted(FAMILIES))}."
        )


def _window(rate_hz: int) -> int:
    return int(rate_hz * 0.025)


def _hop(rate_hz: int) -> int:
    return int(rate_hz * 0.010)
