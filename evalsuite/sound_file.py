"""Sound files as waveforms: read forwards in blocks, mixed down and resampled on the way.

So a long clip never stands in memory at its own rate, nor with all its channels.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

import numpy as np

from evalsuite.errors import MediaError
from evalsuite.resampling import joined, resampled, resampled_length
from evalsuite.truncation import refuse_cut, refuse_short

if TYPE_CHECKING:
    import numpy.typing as npt

    Waveform: TypeAlias = npt.NDArray[np.float32]

# A wrongly declared header can claim years; nothing an evaluation needs is beyond these.
MAX_DURATION_S = 6 * 3600
MAX_SAMPLE_RATE_HZ = 1_000_000
BLOCK_VALUES = 2**19
# Channels whose mean has less than this share of their power (-40 dB) cancel each other.
CANCELLED = 1e-4
_UNKNOWN = 2**62


@dataclass(frozen=True)
class SoundHeader:
    """What a sound file says of itself before it is decoded.

    Attributes:
        sample_rate_hz: Samples a second, of each channel.
        n_channels: How many there are; a waveform has their mean.
        n_frames: Samples of each channel; None where only decoding tells.
    """

    sample_rate_hz: int
    n_channels: int
    n_frames: int | None


@dataclass(frozen=True)
class Stretch:
    """From ``first`` up to but not ``last``, in frames at the file's own rate."""

    first: int
    last: int


def header_of(stream: BinaryIO, origin: str) -> SoundHeader:
    """The header; raises MediaError when the bytes are not sound or claim what cannot be."""
    with _opened(stream, origin) as sound:
        return _header(sound, origin)


def waveform_of(
    stream: BinaryIO,
    origin: str,
    sample_rate_hz: int | None = None,
    stretch: Stretch | None = None,
) -> Waveform:
    """The mean of the channels as float32 [samples], at its own rate or another.

    Integer samples are scaled to [-1, 1); floating-point ones are taken as they are.

    Raises:
        MediaError: The bytes are not sound, are cut, hold no sample or one that is not finite,
            are over-long, end before the stretch, or have channels that cancel each other.
    """
    with _opened(stream, origin) as sound:
        header = _header(sound, origin)
        if stretch is None:
            refuse_cut(sound, stream, origin)
        n_frames = header.n_frames if stretch is None else stretch.last - stretch.first
        _refuse_long(n_frames or 0, sound, origin)
        rate = sample_rate_hz or header.sample_rate_hz
        pieces = resampled(_mono(sound, stream, origin, stretch), header.sample_rate_hz, rate)
        n_samples = n_frames and resampled_length(n_frames, header.sample_rate_hz, rate)
        return joined(pieces, n_samples)


@cache
def _forwards() -> Any:
    """A sound file that is not sought in after each block: FLAC of unknown length cannot be."""
    import soundfile

    class Forwards(soundfile.SoundFile):  # type: ignore[misc]
        def seekable(self) -> bool:
            return False

    return Forwards


@contextmanager
def _opened(stream: BinaryIO, origin: str) -> Iterator[Any]:
    """The file, to be read forwards; whatever is wrong with it becomes a MediaError."""
    import soundfile

    try:
        with _forwards()(stream) as sound:
            yield sound
    except soundfile.LibsndfileError as error:
        raise MediaError(f"{origin} is not readable audio: {error.error_string}") from error
    except TypeError as error:
        raise MediaError(
            f"{origin} is named as raw samples, which do not say their rate; store it as WAV"
        ) from error
    except (OSError, RuntimeError, ValueError) as error:
        raise MediaError(f"{origin} is not readable audio: {error}") from error


def _header(sound: Any, origin: str) -> SoundHeader:
    rate, n_frames = int(sound.samplerate), int(sound.frames)
    if not 0 < rate <= MAX_SAMPLE_RATE_HZ:
        raise MediaError(f"{origin} claims a sample rate of {rate} Hz")
    return SoundHeader(rate, int(sound.channels), n_frames if n_frames < _UNKNOWN else None)


def _refuse_long(n_frames: int, sound: Any, origin: str) -> None:
    if n_frames > MAX_DURATION_S * sound.samplerate:
        raise MediaError(f"{origin} is longer than {MAX_DURATION_S // 3600} hours")


def _mono(sound: Any, stream: BinaryIO, origin: str, stretch: Stretch | None) -> Iterator[Waveform]:
    """The mean of the channels, block by block; raises MediaError for what cannot be used."""
    n_read, power, mixed_power = 0, 0.0, 0.0
    for channels in _blocks(sound, origin, stretch):
        n_read += len(channels)
        _refuse_long(n_read, sound, origin)
        mono: Waveform = np.ascontiguousarray(channels.mean(axis=1, dtype=np.float32))
        if not np.isfinite(mono).all():
            raise MediaError(f"{origin} holds samples that are not finite numbers")
        if sound.channels > 1:
            power += float(np.vdot(channels, channels)) / sound.channels
            mixed_power += float(np.vdot(mono, mono))
        yield mono
    if stretch is None:
        refuse_short(sound, stream, n_read, origin)
    if n_read == 0:
        raise MediaError(f"{origin} holds no audio sample")
    if mixed_power < CANCELLED * power:
        raise MediaError(
            f"{origin}: its {sound.channels} channels are of opposite phase and cancel each other "
            "when mixed down; turn one of them round, or keep one"
        )


def _blocks(sound: Any, origin: str, stretch: Stretch | None) -> Iterator[Any]:
    """Blocks of frames [frames, channels] float32; of a stretch, no more and no less than it."""
    first, last = (stretch.first, stretch.last) if stretch else (0, _UNKNOWN)
    position = 0
    if first and sound.format != "MP3":  # whose frames lean on those before
        position = sound.seek(first)
    size = max(1, BLOCK_VALUES // sound.channels)
    while position < last:
        block = _block(sound, min(size, last - position), position, origin)
        if not len(block):
            break
        if position + len(block) > first:
            yield block[max(0, first - position) :]
        position += len(block)
    if stretch and position < last:
        raise MediaError(
            f"{origin} ends after {position / sound.samplerate:.3f} seconds, before the "
            f"{last / sound.samplerate:.3f} that were asked for"
        )


def _block(sound: Any, n_frames: int, position: int, origin: str) -> Any:
    """The next frames, fewer at the end; raises MediaError where decoding fails."""
    import soundfile

    try:
        return sound.read(n_frames, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise MediaError(
            f"{origin} breaks off after {position / sound.samplerate:.1f} seconds or soon after: "
            f"it is cut or damaged (libsndfile's error {error.code})"
        ) from error
