"""A clip with its pitch moved, its length kept."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from evalsuite import Audio
from evalsuite.derived import DerivedAudio

# Ratios with small terms: resampling by 1000/1059 would need filters as long as a clip.
MAX_TERM = 40
WINDOW_S = 0.032


def shifted(audio: Audio, semitones: float) -> Audio:
    """The clip with every frequency multiplied by 2^(semitones / 12), lazily.

    Stretched by a phase vocoder and resampled back to its length. Formants move along with the
    pitch, so the voice sounds like that of a smaller or larger speaker, and not only higher or
    lower; a natural voice of another speaker also differs in much else.
    """
    if semitones == 0:
        return audio
    return DerivedAudio(
        original=audio,
        recipe=f"pitch {semitones:+g} semitones",
        change=lambda waveform, rate, rng: _shifted(waveform, rate, semitones),
    )


def _shifted(waveform: Any, sample_rate_hz: int, semitones: float) -> Any:
    import torch
    import torchaudio
    from scipy.signal import resample_poly

    ratio = Fraction(2 ** (semitones / 12)).limit_denominator(MAX_TERM)
    size = 2 ** round(np.log2(WINDOW_S * sample_rate_hz))
    hop = size // 4
    window = torch.hann_window(size)
    sound = torch.tensor(np.asarray(waveform, dtype=np.float32))
    short = max(0, size - len(sound))
    padded = torch.nn.functional.pad(sound, (0, short))
    spectrum = torch.stft(padded, size, hop, window=window, return_complex=True)
    advance = torch.linspace(0, torch.pi * hop, size // 2 + 1)[:, None]
    slower = torchaudio.functional.phase_vocoder(spectrum, 1 / float(ratio), advance)
    long = torch.istft(slower, size, hop, window=window, length=round(len(padded) * float(ratio)))
    found = resample_poly(long.numpy(), ratio.denominator, ratio.numerator)[: len(sound)]
    return np.pad(found, (0, len(sound) - len(found))).astype(np.float32)
