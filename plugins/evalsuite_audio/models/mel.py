"""Log-mel spectrograms on torchaudio, equal to those of transformers' feature extractors.

Filters are the extractor's own. Spectra of CLAP are taken in float64, as the extractor takes them:
in float32 the rounding of a loud partial drowns the quiet bands beside it, by a tenth of a decibel
for a pure tone. Whisper's floor lies 80 dB below the loudest band, where float32 is exact enough,
and its extractor uses it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
import torchaudio

# What is quieter counts as so quiet: -100 dB.
QUIETEST_POWER = 1e-10
# Frames whose spectra are held at a time: an hour fits the memory.
_BLOCK = 2048


@dataclass(frozen=True, eq=False)
class MelSpectrogram:
    """Power in overlapping triangular bands, by a periodic Hann window.

    Attributes:
        n_fft: Samples of a window, and of its Fourier transform.
        hop_length: Samples from one window to the next.
        filters: Weight of each frequency in each band [n_fft // 2 + 1, bands]; spectra are
            computed in its number format, on its device.
    """

    n_fft: int
    hop_length: int
    filters: torch.Tensor

    def power(self, waveform: torch.Tensor) -> torch.Tensor:
        """Power [1 + samples // hop_length, bands] of a waveform [samples].

        Windows are centred; beyond both ends the waveform is mirrored, so that it must have more
        than ``n_fft // 2`` samples.
        """
        half = self.n_fft // 2
        framed = torch.nn.functional.pad(waveform[None], (half, half), mode="reflect")[0]
        return torch.cat([self._block(part) for part in self._parts(framed)])

    def _parts(self, framed: torch.Tensor) -> Iterator[torch.Tensor]:
        """Stretches of a mirrored waveform that hold the windows of one block each."""
        n_frames = 1 + (len(framed) - self.n_fft) // self.hop_length
        for first in range(0, n_frames, _BLOCK):
            last = min(first + _BLOCK, n_frames) - 1
            yield framed[first * self.hop_length : last * self.hop_length + self.n_fft]

    def _block(self, part: torch.Tensor) -> torch.Tensor:
        spectrum = torchaudio.functional.spectrogram(
            part.to(self.filters),
            pad=0,
            window=self._window(),
            n_fft=self.n_fft,
            hop_length=self.hop_length,
            win_length=self.n_fft,
            power=None,
            normalized=False,
            center=False,
        )
        # A complex magnitude takes a square root, which costs more than the transform.
        power = spectrum.real.square().addcmul_(spectrum.imag, spectrum.imag)
        return power.T @ self.filters

    def _window(self) -> torch.Tensor:
        return torch.hann_window(self.n_fft, dtype=self.filters.dtype, device=self.filters.device)


def decibels(power: torch.Tensor) -> torch.Tensor:
    """10 log10 of power, at least -100; float32."""
    return (10 * power.clamp_min(QUIETEST_POWER).log10()).float()


def whisper_mel(extractor: Any, device: torch.device | str = "cpu") -> MelSpectrogram:
    """The bands of a WhisperFeatureExtractor."""
    filters = torch.from_numpy(extractor.mel_filters).to(device, torch.float32)
    return MelSpectrogram(int(extractor.n_fft), int(extractor.hop_length), filters)


def whisper_log_mel(
    mel: MelSpectrogram, waveform: torch.Tensor, n_samples: int | None = None
) -> torch.Tensor:
    """Whisper's features [bands, n_samples // hop_length] of a waveform [samples].

    log10 of power, cut 8 below the loudest, plus 4, divided by 4 (Radford et al. 2023).

    Args:
        mel: From ``whisper_mel``.
        waveform: Float32, at most ``n_samples`` long.
        n_samples: Length that silence fills the clip up to (30 s of a published checkpoint);
            without it, the clip's own. The spectrum of silence is known and not computed.
    """
    n_samples = len(waveform) if n_samples is None else n_samples
    # Windows that end further than a window after the clip hear nothing but silence.
    audible = min(n_samples, len(waveform) + mel.n_fft)
    padded = torch.nn.functional.pad(waveform, (0, audible - len(waveform)))
    n_frames = n_samples // mel.hop_length
    power = mel.power(padded.to(mel.filters.device))[:n_frames]
    levels = power.clamp_min(QUIETEST_POWER).log10()
    floor = (levels.max() - 8.0).clamp_min(math.log10(QUIETEST_POWER))
    silence = floor.expand(n_frames - len(levels), levels.shape[1])
    return (torch.cat([torch.maximum(levels, floor), silence]).T + 4.0) / 4.0
