"""What a Whisper model hears of a clip: our own log-mel, or the extractor's where that differs.

Ours does not transform the silence that fills a clip up, and holds the spectra of a few thousand
frames at a time, whatever the length of a clip.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from transformers import WhisperFeatureExtractor

from evalsuite_audio.models.mel import MelSpectrogram, whisper_log_mel, whisper_mel

# The most that features, which lie between about -2 and 2, may differ from the extractor's.
TOLERANCE = 1e-4


class WhisperFeatures:
    """The features of one WhisperFeatureExtractor.

    Attributes:
        window: Samples that the model hears at once.
        mel: Our bands, or None where the extractor itself is asked: one that has been changed, adds
            noise (``dither``), or turns out to give other features.
    """

    def __init__(self, extractor: Any, device: torch.device | str = "cpu") -> None:
        """Take every setting from the extractor, and hear a short clip in both ways."""
        self.extractor = extractor
        self.window = int(extractor.n_samples)
        self.mel: MelSpectrogram | None = None
        if type(extractor) is WhisperFeatureExtractor and not extractor.dither:
            # Apple's GPU has no complex numbers in every release.
            place = device if torch.device(device).type == "cuda" else "cpu"
            self.mel = self._as_good(whisper_mel(extractor, place))

    def windows(self, waveforms: Sequence[Any]) -> torch.Tensor:
        """Features [clips, bands, frames] of clips of at most a window, filled up to it."""
        if self.mel is None:
            return self._theirs(list(waveforms))
        return torch.stack([self._ours(self.mel, one, self.window) for one in waveforms])

    def whole(self, waveform: Any) -> torch.Tensor:
        """Features [1, bands, frames] of a clip of any length, at least a window long."""
        if len(waveform) <= self.window:
            return self.windows([waveform])
        if self.mel is None:
            return self._theirs(waveform, truncation=False, padding="longest")
        return self._ours(self.mel, waveform, None)[None]

    def _ours(self, mel: MelSpectrogram, waveform: Any, n_samples: int | None) -> torch.Tensor:
        # A decoded clip is shared and read-only, which torch warns of although it only reads.
        return whisper_log_mel(mel, torch.tensor(waveform, dtype=torch.float32), n_samples)

    def _theirs(self, waveforms: Any, **arguments: Any) -> torch.Tensor:
        found: torch.Tensor = self.extractor(
            waveforms,
            sampling_rate=int(self.extractor.sampling_rate),
            return_tensors="pt",
            **arguments,
        )["input_features"]
        return found

    def _as_good(self, mel: MelSpectrogram) -> MelSpectrogram | None:
        """Our bands, if a tone in faint noise that fills a third of a window has them."""
        n_samples = max(1, self.window // 3)
        times = np.arange(n_samples) / int(self.extractor.sampling_rate)
        noise = np.random.default_rng(0).standard_normal(n_samples)
        waveform = (0.5 * np.sin(2 * np.pi * 440 * times) + 1e-3 * noise).astype(np.float32)
        theirs, ours = self._theirs(waveform)[0], self._ours(mel, waveform, self.window).cpu()
        if ours.shape != theirs.shape or float((ours - theirs).abs().max()) > TOLERANCE:
            return None
        return mel
