"""Clips that went through a codec: for music, for voice calls, for the telephone."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from math import gcd
from typing import Any, ClassVar

import numpy as np
import soundfile
from scipy.signal import resample_poly

from evalsuite.variant import MediaVariant

# What a decoder adds before the first sample where a stream does not say how much that is:
# 576 samples of LAME's encoder, 529 of any decoder.
MP3_DELAY = 576 + 529
MP3_RATES = (8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
OPUS_RATES = (8000, 12_000, 16_000, 24_000, 48_000)


def resampled(waveform: Any, from_hz: int, to_hz: int) -> Any:
    """The waveform [samples] at another rate."""
    divisor = gcd(from_hz, to_hz)
    if from_hz == to_hz:
        return waveform
    return resample_poly(waveform, to_hz // divisor, from_hz // divisor)


def of_length(waveform: Any, length: int) -> Any:
    """Cut, or filled up with zeros; codecs work in frames."""
    return np.pad(waveform, (0, max(0, length - len(waveform))))[:length]


@dataclass(frozen=True)
class Codec(MediaVariant):
    """Base: encode and decode, in memory, at the lowest rate of the codec that holds the clip."""

    rates: ClassVar[tuple[int, ...]]

    def recipe(self, seed: int) -> str:
        """Also the library, as encoders change between versions."""
        return json.dumps([super().recipe(seed), self.library()])

    def library(self) -> str:
        """Name and version of what encodes."""
        return f"libsndfile {soundfile.__libsndfile_version__}"

    def sound(self, waveform: Any, sample_rate_hz: int, rng: np.random.Generator) -> Any:
        """There and back; length and place are kept."""
        rate = self.rate_for(sample_rate_hz)
        heard = self.coded(resampled(waveform, sample_rate_hz, rate), rate)
        return of_length(resampled(heard, rate, sample_rate_hz), len(waveform))

    def rate_for(self, sample_rate_hz: int) -> int:
        """The lowest rate of the codec that is no lower than the clip's, else its highest."""
        return min((r for r in self.rates if r >= sample_rate_hz), default=max(self.rates))

    def coded(self, waveform: Any, sample_rate_hz: int) -> Any:
        """What comes out of the codec; may be longer by a part of a frame."""
        raise TypeError(f"{type(self).__name__} does not implement coded()")


def through(waveform: Any, rate: int, container: str, subtype: str, **settings: Any) -> Any:
    """Written and read by libsndfile, in memory."""
    buffer = io.BytesIO()
    soundfile.write(buffer, waveform, rate, format=container, subtype=subtype, **settings)
    buffer.seek(0)
    return soundfile.read(buffer, dtype="float32")[0]


@dataclass(frozen=True)
class Mp3(Codec):
    """MP3 at a constant bit rate.

    Below 32 kbit/s clips are encoded at no more than 16 kHz, as LAME does by itself.

    Args:
        kbps: Bit rate in kbit/s; the nearest that MP3 has at the clip's sample rate is taken (8 to
            64 below 16 kHz, to 160 below 32 kHz, 32 to 320 from there on).
    """

    kbps: float = 32

    name: ClassVar[str] = "audio/mp3"
    dial: ClassVar[str] = "kbps"
    sweep: ClassVar[tuple[float, ...]] = (128, 64, 32, 16)
    harder: ClassVar[Any] = "lower"
    about: ClassVar[str] = "MP3 artefacts, at a constant bit rate (LAME)."
    rates: ClassVar[tuple[int, ...]] = MP3_RATES

    def rate_for(self, sample_rate_hz: int) -> int:
        """Lower where there are few bits."""
        return super().rate_for(min(sample_rate_hz, 16_000 if self.kbps < 32 else 48_000))

    def coded(self, waveform: Any, sample_rate_hz: int) -> Any:
        """Encode and decode; the place of the first sample is found where few bits lose it."""
        low, high = next(
            limits
            for rate, *limits in ((32_000, 32, 320), (16_000, 8, 160), (0, 8, 64))
            if sample_rate_hz >= rate
        )
        level = np.clip((high - self.kbps) / (high - low), 0, 0.99)  # 1 is refused by LAME
        settings = {"compression_level": float(level), "bitrate_mode": "CONSTANT"}
        heard = through(waveform, sample_rate_hz, "MP3", "MPEG_LAYER_III", **settings)
        # Frames of few bits have no room for the tag that says what is padding.
        return heard[MP3_DELAY:] if len(heard) >= len(waveform) + MP3_DELAY else heard


@dataclass(frozen=True)
class Opus(Codec):
    """Opus, the codec of calls over the internet.

    Args:
        kbps: Bit rate that is aimed at, in kbit/s; 6 to 256.
    """

    kbps: float = 16

    name: ClassVar[str] = "audio/opus"
    dial: ClassVar[str] = "kbps"
    sweep: ClassVar[tuple[float, ...]] = (64, 24, 12, 6)
    harder: ClassVar[Any] = "lower"
    about: ClassVar[str] = "Opus artefacts, at a variable bit rate (RFC 6716)."
    rates: ClassVar[tuple[int, ...]] = OPUS_RATES

    def __post_init__(self) -> None:
        """Refuse a rate that Opus has not."""
        if not 6 <= self.kbps <= 256:
            raise ValueError(f"kbps must lie between 6 and 256 (got {self.kbps})")

    def coded(self, waveform: Any, sample_rate_hz: int) -> Any:
        """Encode and decode."""
        level = (256 - self.kbps) / (256 - 6)
        return through(waveform, sample_rate_hz, "OGG", "OPUS", compression_level=level)


@dataclass(frozen=True)
class Vorbis(Codec):
    """Ogg Vorbis.

    Args:
        quality: 0 (worst) to 1; 0.5 is about 160 kbit/s for stereo music.
    """

    quality: float = 0.1

    name: ClassVar[str] = "audio/vorbis"
    dial: ClassVar[str] = "quality"
    sweep: ClassVar[tuple[float, ...]] = (0.5, 0.2, 0)
    harder: ClassVar[Any] = "lower"
    about: ClassVar[str] = "Ogg Vorbis artefacts."
    rates: ClassVar[tuple[int, ...]] = MP3_RATES

    def __post_init__(self) -> None:
        """Refuse a quality that is none."""
        if not 0 <= self.quality <= 1:
            raise ValueError(f"quality must lie between 0 and 1 (got {self.quality})")

    def coded(self, waveform: Any, sample_rate_hz: int) -> Any:
        """Encode and decode."""
        level = 1 - self.quality
        return through(waveform, sample_rate_hz, "OGG", "VORBIS", compression_level=level)


@dataclass(frozen=True)
class MuLaw(Codec):
    """A telephone of the landline: 8 kHz, eight bits by the mu-law (G.711)."""

    name: ClassVar[str] = "audio/mu-law"
    about: ClassVar[str] = "Clips over a landline: nothing above 4 kHz, 8 bits by mu-law (G.711)."
    rates: ClassVar[tuple[int, ...]] = (8000,)

    def coded(self, waveform: Any, sample_rate_hz: int) -> Any:
        """Encode and decode."""
        return through(waveform, sample_rate_hz, "WAV", "ULAW")


@dataclass(frozen=True)
class Gsm(Codec):
    """The first mobile telephones: GSM 06.10 full rate, 13 kbit/s at 8 kHz."""

    name: ClassVar[str] = "audio/gsm"
    about: ClassVar[str] = "Clips over an early mobile telephone: 8 kHz, 13 kbit/s (GSM 06.10)."
    rates: ClassVar[tuple[int, ...]] = (8000,)

    def coded(self, waveform: Any, sample_rate_hz: int) -> Any:
        """Encode and decode."""
        return through(waveform, sample_rate_hz, "WAV", "GSM610")
