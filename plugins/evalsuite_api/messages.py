"""Content as the chat protocol wants it: turns of texts, images and sounds."""

from __future__ import annotations

import base64
import io
from typing import Any

from evalsuite import Audio, Image, Text
from evalsuite.content import Content, turns_of

# By the first bytes of a file; anything else is sent as a PNG made of it.
_IMAGE_TYPES = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpeg", b"GIF8": "gif"}


def messages_of(content: Content) -> list[dict[str, Any]]:
    """One message for each turn."""
    return [
        {"role": turn.role, "content": _content(list(turn.parts))} for turn in turns_of(content)
    ]


def _content(parts: list[Text | Image | Audio]) -> Any:
    """A plain string for a text alone, else a list of typed parts."""
    if len(parts) == 1 and isinstance(parts[0], Text):
        return parts[0].text
    return [_part(part) for part in parts]


def _part(part: Text | Image | Audio) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    if isinstance(part, Image):
        kind, data = _image(part)
        address = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
        return {"type": "image_url", "image_url": {"url": address}}
    kind, data = sound_file(part)
    encoded = base64.b64encode(data).decode()
    return {"type": "input_audio", "input_audio": {"data": encoded, "format": kind}}


def _image(image: Image) -> tuple[str, bytes]:
    data = image.encoded()
    for start, kind in _IMAGE_TYPES.items():
        if data.startswith(start):
            return kind, data
    buffer = io.BytesIO()
    image.load().save(buffer, format="PNG")
    return "png", buffer.getvalue()


def sound_file(audio: Audio) -> tuple[str, bytes]:
    """A clip as stored where servers read its format (WAV, MP3), else as 16-bit WAV."""
    import soundfile

    data = audio.encoded()
    if data.startswith(b"ID3") or data[:2] in (b"\xff\xfb", b"\xff\xf3"):
        return "mp3", data
    if data.startswith(b"RIFF"):
        return "wav", data
    waveform, rate = audio.load()
    buffer = io.BytesIO()
    soundfile.write(buffer, waveform, rate, format="WAV", subtype="PCM_16")
    return "wav", buffer.getvalue()
