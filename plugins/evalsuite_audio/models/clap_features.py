"""What a CLAP model hears of a clip, equal to ClapFeatureExtractor up to 1e-3 dB.

The library's extractor crops long clips at random, from a generator nobody seeds, and in its
fusion mode flags a random clip of a batch as long when none is. Here the place of a crop depends
on nothing but the clip, and so does its flag: a clip has the same features in any company.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import torch

from evalsuite import ModelError, UsageError
from evalsuite_audio.models.mel import MelSpectrogram, decibels
from evalsuite_audio.models.windows import even_starts

Crop: TypeAlias = Literal["hash", "center", "windows"]
CROPS: tuple[Crop, ...] = ("hash", "center", "windows")
# The most that features may differ from the library's extractor.
TOLERANCE_DB = 1e-3


@dataclass(frozen=True, eq=False)
class Heard:
    """What the model is given for one clip.

    Attributes:
        features: Decibels [pieces, channels, frames, bands]: one piece, or one for each window.
        is_longer: Whether the four channels of a fused model differ.
    """

    features: torch.Tensor
    is_longer: bool


def crop_of(option: object) -> Crop:
    """The model option ``crop``; raises UsageError for anything but hash, center and windows."""
    for crop in CROPS:
        if option == crop:
            return crop
    raise UsageError(
        f"Model option crop must be {', '.join(CROPS[:-1])} or {CROPS[-1]} (got {option!r})."
    )


class ClapFeatures:
    """The features of one ClapFeatureExtractor.

    Attributes:
        truncation: ``fusion`` (a shrunk view of the whole clip and three crops) or ``rand_trunc``
            (one crop).
        longest: Samples that the model hears at once.
        band_hz: The frequency in Hz that each band hears best [bands].
    """

    def __init__(
        self, extractor: Any, truncation: str, crop: Crop, device: torch.device | str = "cpu"
    ) -> None:
        """Take every setting from the extractor.

        Raises:
            ModelError: The extractor makes other features than these.
        """
        self.truncation, self.crop = truncation, crop
        self.padding = str(extractor.padding)
        self.longest = int(extractor.nb_max_samples)
        is_fused = truncation == "fusion"
        filters = extractor.mel_filters if is_fused else extractor.mel_filters_slaney
        self.mel = MelSpectrogram(
            int(extractor.fft_window_size),
            int(extractor.hop_length),
            torch.from_numpy(filters).to(device),
        )
        self.n_frames = self.longest // self.mel.hop_length + 1
        rate_hz, peaks = int(extractor.sampling_rate), np.asarray(filters).argmax(axis=0)
        self.band_hz = peaks * (rate_hz / 2) / (len(filters) - 1)
        self._compare_with(extractor)

    def hear(self, waveform: npt.NDArray[np.float32]) -> Heard:
        """The features of one clip [samples]."""
        if len(waveform) <= self.longest:
            return Heard(self._stacked(self._levels(self._filled_up(waveform))), False)
        if self.crop == "windows":
            starts = even_starts(len(waveform), self.longest)
            pieces = [self._levels(waveform[i : i + self.longest]) for i in starts]
            return Heard(torch.cat([self._stacked(levels) for levels in pieces]), False)
        if self.truncation == "fusion":
            return self._fused(waveform)
        (start,) = self._places(waveform, [len(waveform) - self.longest + 1])
        levels = self._levels(waveform[start : start + self.longest])
        return Heard(self._stacked(levels), False)

    def shares(self, waveform: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Where each frame's middle lies in the clip, 0 to 1; NaN in the silence that fills it up.

        Returns:
            Shape [pieces, channels, frames], as the features of ``hear``.
        """
        n_samples, frames = len(waveform), np.arange(self.n_frames) * self.mel.hop_length
        n_channels = 4 if self.truncation == "fusion" else 1
        if n_samples <= self.longest:
            shares = self._repeated_shares(frames, n_samples)[None, None]
            return np.broadcast_to(shares, (1, n_channels, self.n_frames))
        if self.crop == "windows":
            starts = np.array(even_starts(n_samples, self.longest))[:, None, None]
            shares = (starts + frames) / n_samples
            return np.broadcast_to(shares, (len(starts), n_channels, self.n_frames))
        if self.truncation == "fusion":
            return self._fused_shares(waveform)
        (start,) = self._places(waveform, [n_samples - self.longest + 1])
        return ((start + frames) / n_samples)[None, None]

    def _repeated_shares(
        self, samples: npt.NDArray[np.int_], n_samples: int
    ) -> npt.NDArray[np.float64]:
        whole = self.longest // n_samples
        heard = {"repeat": self.longest, "repeatpad": whole * n_samples}.get(
            self.padding, n_samples
        )
        # The last frame's middle lies behind the last sample.
        inside = np.minimum(samples, heard - 1) % n_samples / n_samples
        return np.where(samples <= heard, inside, np.nan)

    def _fused_shares(self, waveform: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        n_levels = 1 + len(waveform) // self.mel.hop_length
        frames = np.arange(self.n_frames)
        places = [frames * n_levels / self.n_frames, *(s + frames for s in self._starts(waveform))]
        shares = np.array(places) * self.mel.hop_length / len(waveform)
        return np.minimum(shares, 1.0)[None]

    def n_pieces(self, n_samples: int) -> int:
        """How many pieces a clip is heard in."""
        return len(even_starts(n_samples, self.longest)) if self.crop == "windows" else 1

    def _levels(self, waveform: npt.NDArray[np.float32]) -> torch.Tensor:
        # A decoded clip is shared and read-only, which torch warns of although it only reads.
        copied = torch.tensor(waveform, device=self.mel.filters.device)
        return decibels(self.mel.power(copied))

    def _stacked(self, levels: torch.Tensor) -> torch.Tensor:
        n_channels = 4 if self.truncation == "fusion" else 1
        return levels.expand(1, n_channels, -1, -1)

    def _filled_up(self, waveform: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """A short clip repeated (whole, or up to the end), then followed by silence."""
        whole = self.longest // len(waveform)
        if self.padding == "repeat":
            return np.tile(waveform, whole + 1)[: self.longest]
        if self.padding == "repeatpad":
            waveform = np.tile(waveform, whole)
        return np.pad(waveform, (0, self.longest - len(waveform)))

    def _fused(self, waveform: npt.NDArray[np.float32]) -> Heard:
        """A shrunk view of everything, and one crop of each third."""
        levels = self._levels(waveform)
        if len(levels) == self.n_frames:  # longer by less than a hop
            return Heard(self._stacked(levels), False)
        size = [self.n_frames, levels.shape[1]]
        shrunk = torch.nn.functional.interpolate(levels[None, None], size=size, mode="bilinear")
        crops = [levels[start : start + self.n_frames] for start in self._starts(waveform)]
        return Heard(torch.stack([shrunk[0, 0], *crops])[None], True)

    def _starts(self, waveform: npt.NDArray[np.float32]) -> list[int]:
        """The first frame of the crop of each third."""
        n_places = 2 + len(waveform) // self.mel.hop_length - self.n_frames
        thirds = np.array_split(np.arange(n_places), 3)
        drawn = self._places(waveform, [max(1, len(third)) for third in thirds])
        return [int(third[i]) if len(third) else 0 for third, i in zip(thirds, drawn)]

    def _places(self, waveform: npt.NDArray[np.float32], counts: list[int]) -> list[int]:
        """One of so many places each, in the middle or drawn by the clip's own samples."""
        if self.crop == "center":
            return [(count - 1) // 2 for count in counts]
        seed = hashlib.sha256(np.ascontiguousarray(waveform).tobytes()).digest()
        draws = np.random.default_rng(int.from_bytes(seed[:16], "little"))
        return [int(draws.integers(count)) for count in counts]

    def _compare_with(self, extractor: Any) -> None:
        """Hear a short clip, which the library hears without chance, in both ways."""
        rate, n_samples = int(extractor.sampling_rate), max(1, self.longest * 2 // 5)
        times = np.arange(n_samples) / rate
        noise = np.random.default_rng(0).standard_normal(n_samples)
        waveform = (0.5 * np.sin(2 * np.pi * 440 * times) + 1e-3 * noise).astype(np.float32)
        theirs = extractor(
            waveform, truncation=self.truncation, sampling_rate=rate, return_tensors="pt"
        )["input_features"]
        ours = self.hear(waveform).features.cpu()
        same_shape = ours.shape == theirs.shape
        difference = float((ours - theirs).abs().max()) if same_shape else float("inf")
        if difference > TOLERANCE_DB:
            raise ModelError(
                f"The features that {type(extractor).__name__} makes differ from those computed "
                f"here by {difference:.1g} dB, so that figures would not be this model's. Check "
                "that the installed transformers is one that evalsuite supports."
            )
