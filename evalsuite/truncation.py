"""Whether a sound file is as long as it says: libsndfile reads a cut one as if it were whole."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, BinaryIO

from evalsuite.errors import MediaError

# libsndfile notes in its log what a WAV, AIFF, AU or W64 header promises and what there is.
_PROMISE = re.compile(
    r"^\s*(?:data|SSND|Data Size|riff|Riff size)\s*: (\d+) \(should be (\d+)\)", re.MULTILINE
)
# Programs that write into a pipe cannot know the length and put about this much into the header.
_LENGTH_UNKNOWN = 0x7FFF_0000
_PADDING_BYTES = 16
_LARGEST_OGG_PAGE = 65_307


def refuse_cut(sound: Any, stream: BinaryIO, origin: str) -> None:
    """Raise MediaError where an opened file's header or last page promises more than there is."""
    for promised, present in (map(int, found) for found in _PROMISE.findall(sound.extra_info)):
        if present + _PADDING_BYTES < promised < _LENGTH_UNKNOWN:
            raise MediaError(
                f"{origin} is cut: its header promises {promised} bytes of sound, "
                f"it holds {present}"
            )
    if sound.format == "OGG":
        missing = _missing_of_last_page(stream)
        if missing:
            raise MediaError(f"{origin} is cut: its last page lacks {missing} bytes")


def refuse_short(sound: Any, stream: BinaryIO, n_read: int, origin: str) -> None:
    """Raise MediaError where fewer frames were read than the file promised, or than it holds."""
    promised, tolerance = int(sound.frames), 0
    if sound.format == "MP3":
        found = _mp3_length(stream)
        tolerance = found.frame_samples
        if n_read + 4 * tolerance < found.n_samples:  # encoders put some silence around
            raise MediaError(
                f"{origin} is MP3 of varying bit rate that does not say its length: only "
                f"{n_read / sound.samplerate:.1f} of its {found.n_samples / sound.samplerate:.1f} "
                "seconds would be read; store it as FLAC or WAV"
            )
        if not found.is_told:
            return
    if n_read + tolerance < promised < 2**62:
        raise MediaError(
            f"{origin} is cut: its header promises {promised / sound.samplerate:.2f} seconds, it "
            f"holds {n_read / sound.samplerate:.2f}"
        )


def _missing_of_last_page(stream: BinaryIO) -> int:
    """How many bytes the last Ogg page lacks; its table of segments says how many there are."""
    tail = _tail(stream, 2 * _LARGEST_OGG_PAGE)
    page = tail[tail.rfind(b"OggS") :]
    if len(page) < 27:
        return 27 - len(page)
    n_segments = page[26]
    promised = 27 + n_segments + sum(page[27 : 27 + n_segments])
    return max(0, promised - len(page))


def _tail(stream: BinaryIO, n_bytes: int) -> bytes:
    """The last bytes, the stream left where it was: libsndfile reads on from there."""
    position = stream.tell()
    size = stream.seek(0, 2)
    stream.seek(max(0, size - n_bytes))
    tail = stream.read()
    stream.seek(position)
    return tail


@dataclass(frozen=True)
class _Mp3Length:
    """What an MP3's frames hold, and whether its first one says how many there are."""

    n_samples: int
    frame_samples: int
    is_told: bool


_KBIT_MPEG1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBIT_MPEG2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_RATES_HZ = (44_100, 48_000, 32_000)


def _mp3_length(stream: BinaryIO) -> _Mp3Length:
    """Count the frames of layer III; those of other layers are not counted."""
    data = _tail(stream, 2**62)
    position = 0
    if data[:3] == b"ID3":
        size = data[6] << 21 | data[7] << 14 | data[8] << 7 | data[9]
        position = 10 + size
    first, n_frames, frame_samples = b"", 0, 1152
    while (frame := _frame(data[position : position + 4])) is not None:
        size, frame_samples = frame
        first = first or data[position : position + size]
        position += size
        n_frames += position <= len(data)
    is_told = any(mark in first for mark in (b"Xing", b"Info", b"VBRI"))
    return _Mp3Length(n_frames * frame_samples, frame_samples, is_told)


def _frame(header: bytes) -> tuple[int, int] | None:
    """Bytes and samples of a layer III frame by its header; None for anything else."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2:
        return None
    version = header[1] >> 3 & 3  # 3: MPEG 1, 2: MPEG 2, 0: MPEG 2.5
    rate, kbit = header[2] >> 2 & 3, header[2] >> 4
    if version == 1 or rate == 3 or kbit in (0, 15):
        return None
    table, samples = (_KBIT_MPEG1, 1152) if version == 3 else (_KBIT_MPEG2, 576)
    rate_hz = _RATES_HZ[rate] >> {3: 0, 2: 1, 0: 2}[version]
    padding = header[2] >> 1 & 1
    return samples // 8 * table[kbit] * 1000 // rate_hz + padding, samples
