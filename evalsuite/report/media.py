"""Pictures and clips inside the page, made small."""

from __future__ import annotations

import base64
import io

MAX_SIDE = 160
MAX_SECONDS = 12


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


def audio_uri(data: bytes) -> str | None:
    """A data: URI of a clip as MP3, at most twelve seconds; None for bytes that are no sound."""
    import soundfile

    from evalsuite.content import Audio
    from evalsuite.errors import MediaError

    try:
        waveform, rate = Audio(data=data).load()
        if rate not in (8000, 16000, 22050, 24000, 32000, 44100, 48000):
            waveform, rate = Audio(data=data).load(16000)
    except MediaError:
        return None
    buffer = io.BytesIO()
    soundfile.write(buffer, waveform[: MAX_SECONDS * rate], rate, format="MP3")
    return _uri("audio/mpeg", buffer.getvalue())


def _uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
