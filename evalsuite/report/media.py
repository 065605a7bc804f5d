"""Pictures and clips inside the page, made small."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evalsuite.report.spectrogram import spectrogram_png

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from evalsuite.store import Run

MAX_SIDE = 160
MAX_SECONDS = 12
# MP3 rather than Opus, which would take half of the room: every browser plays MP3, while Safari
# plays Opus in Ogg since 2025 only, and a page is to open for ten years in whatever there is.
# Sample rates that MP3 knows, and for each the bit rate in kbit/s. At fewer bits a stream has no
# room for the tag that says where its first sample is, and the playhead would be late.
MP3_KBPS = {8000: 32, 16_000: 48, 22_050: 64, 24_000: 64, 32_000: 64, 44_100: 64, 48_000: 64}


def small_media(runs: Sequence[Run], kind: str, sha256: str) -> Any:
    """An ``image`` or a clip that one of the runs kept, for the page; None where none did."""
    data = next((data for run in runs if (data := run.media(sha256)) is not None), None)
    if data is None:
        return None
    return image_uri(data) if kind == "image" else sound(data)


def image_uri(data: bytes) -> str | None:
    """A data: URI of a thumbnail; None for bytes that are no picture."""
    from evalsuite.content import Image
    from evalsuite.errors import MediaError

    try:
        picture = Image(data=data).load()
    except MediaError:
        return None
    picture.thumbnail((MAX_SIDE, MAX_SIDE))
    buffer = io.BytesIO()
    small = picture.width * picture.height <= 64 * 64
    picture.save(buffer, format="PNG" if small else "JPEG", **({} if small else {"quality": 80}))
    return _uri("image/png" if small else "image/jpeg", buffer.getvalue())


def sound(data: bytes) -> Mapping[str, Any] | None:
    """A clip for the page's player; None for bytes that are no sound.

    Returns:
        JSON-able: ``mp3`` and ``spectrogram`` (data: URIs of the first twelve seconds),
        ``seconds`` (how much of it is in the page), ``whole_s`` (how long it is), ``top_hz`` (the
        upper end of the spectrogram, half of the clip's sample rate), and ``quieter_db`` (by how
        much a clip beyond full scale had to be turned down to be played; else 0).
    """
    import numpy as np

    from evalsuite.content import Audio
    from evalsuite.errors import MediaError

    try:
        clip = Audio(data=data)
        waveform, rate = clip.load()
        played, played_hz = (waveform, rate) if rate in MP3_KBPS else clip.load(16_000)
    except MediaError:
        return None
    shown = waveform[: MAX_SECONDS * rate]
    peak = float(np.abs(shown).max())
    loud = max(1.0, peak)
    return {
        "mp3": _uri("audio/mpeg", _mp3(played[: MAX_SECONDS * played_hz] / loud, played_hz)),
        "spectrogram": _uri("image/png", spectrogram_png(shown, rate)),
        "seconds": round(len(shown) / rate, 3),
        "whole_s": round(len(waveform) / rate, 3),
        "top_hz": rate / 2,
        "quieter_db": round(20 * float(np.log10(loud)), 1),
    }


def _mp3(waveform: npt.NDArray[np.float32], sample_rate_hz: int) -> bytes:
    """At a constant bit rate, told as compression: 0 for the highest there is, 1 for the lowest."""
    import soundfile

    low, high = (32, 320) if sample_rate_hz >= 32_000 else (8, 160 if sample_rate_hz > 8000 else 64)
    level = (high - MP3_KBPS[sample_rate_hz]) / (high - low)
    buffer = io.BytesIO()
    soundfile.write(
        buffer, waveform, sample_rate_hz, format="MP3", bitrate_mode="CONSTANT",
        compression_level=level,
    )  # fmt: skip
    return buffer.getvalue()


def _uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
