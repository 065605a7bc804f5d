"""Sound longer or shorter at the same pitch, higher or lower at the same length.

By a phase vocoder, which smears attacks and sounds hollow from about a factor of 1.5 on. Formants
move along with the pitch, so that a voice sounds like that of a smaller or larger speaker.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Waveform: TypeAlias = npt.NDArray[np.float32]
WINDOW_S = 0.032


def stretched(waveform: Waveform, length: int, sample_rate_hz: int) -> Waveform:
    """The waveform [samples] in ``length`` samples at the same pitch (torchaudio's vocoder)."""
    import torch
    from torchaudio.functional import phase_vocoder

    if length == len(waveform):
        return np.asarray(waveform, dtype=np.float32)
    size = 2 ** max(6, round(np.log2(WINDOW_S * sample_rate_hz)))
    window, hop = torch.hann_window(size), size // 4
    sound = torch.from_numpy(np.array(waveform, dtype=np.float32))
    # zeros around it, for clips that are shorter than a window
    spectrum = torch.stft(sound, size, hop, window=window, pad_mode="constant", return_complex=True)
    advance = torch.linspace(0, torch.pi * hop, size // 2 + 1)[:, None]
    changed = phase_vocoder(spectrum, len(waveform) / length, advance)
    longer: Any = torch.istft(changed, size, hop, window=window, length=length)
    return np.asarray(longer.numpy())


def pitched(waveform: Waveform, semitones: float, sample_rate_hz: int) -> Waveform:
    """The waveform [samples] with every frequency times 2^(semitones / 12), as long as before.

    Stretched by the ratio of frequencies, then played in the old time.
    """
    from scipy.signal import resample

    length = max(1, round(len(waveform) * 2 ** (semitones / 12)))
    longer = stretched(waveform, length, sample_rate_hz)
    return np.asarray(resample(longer, len(waveform)), dtype=np.float32)
