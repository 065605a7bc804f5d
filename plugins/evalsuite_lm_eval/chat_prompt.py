"""A prompt that remembers who says what, until a model renders it by its own chat template."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from evalsuite import Audio, DataError, Image, Role, Text
from evalsuite.content import Content, Part

IMAGE_MARK = "<image>"
AUDIO_MARK = "<audio>"
BETWEEN_TURNS = "\n\n"


class ChatPrompt(str):
    """What a task takes for the rendered prompt; ``messages`` are the turns that it stands for."""

    messages: tuple[Mapping[str, str], ...]

    @classmethod
    def of(
        cls, messages: Sequence[Mapping[str, str]], add_generation_prompt: bool = True
    ) -> ChatPrompt:
        """Stand-in for a tokenizer's chat template; the model's own comes into play later."""
        del add_generation_prompt  # an answer's prefix is the last turn, said by the assistant
        prompt = cls(BETWEEN_TURNS.join(message["content"] for message in messages))
        prompt.messages = tuple(messages)
        return prompt


def content_of(prompt: str, media: Mapping[str, Any] | None, is_chat: bool) -> Content:
    """The parts of a prompt: roles where it is a chat, images and clips where their marks stand.

    Raises:
        DataError: Media and marks differ in number, or the task's own code made the chat a text.
    """
    if is_chat and prompt and not isinstance(prompt, ChatPrompt):
        raise DataError(
            "the task rewrites its prompt after the chat template was applied, so its turns are "
            "lost; leave apply_chat_template out for this task"
        )
    images, clips = _media_of(media)
    parts: list[Part] = []
    if isinstance(prompt, ChatPrompt):
        for index, message in enumerate(prompt.messages):
            if message["role"] not in ("system", "user", "assistant"):
                raise DataError(f"a chat turn has the unknown role {message['role']!r}")
            role: Any = message["role"]
            between = BETWEEN_TURNS if index + 1 < len(prompt.messages) else ""
            text = message["content"] + between
            parts += [Role(role), *_with_media(text, images, clips)]
    else:
        parts += _with_media(prompt, images, clips)
    # A task may leave the marks out: what was not placed comes first.
    return (*images, *clips, *parts)


def _media_of(media: Mapping[str, Any] | None) -> tuple[list[Image], list[Audio]]:
    """The pictures and clips of one document, as our parts."""
    if not media:
        return [], []
    images = [_image(picture) for picture in _listed(media.get("visual"))]
    return images, [_audio(clip) for clip in _listed(media.get("audio"))]


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _image(picture: Any) -> Image:
    import io

    if not hasattr(picture, "save"):
        raise DataError(f"doc_to_image gave a {type(picture).__name__}, not a decoded picture")
    buffer = io.BytesIO()
    picture.convert("RGB").save(buffer, format="PNG", compress_level=1)
    return Image(data=buffer.getvalue())


def _audio(clip: Any) -> Audio:
    import numpy as np

    try:
        waveform, rate = np.asarray(clip["array"], np.float32), int(clip["sampling_rate"])
    except (TypeError, KeyError) as error:
        raise DataError(
            f"doc_to_audio gave a {type(clip).__name__}, not an array with a sampling rate"
        ) from error
    return Audio.from_array(waveform, rate)


def _with_media(text: str, images: list[Image], clips: list[Audio]) -> Iterator[Part]:
    """The text cut at its marks, each replaced by the next picture or clip, which is taken out."""
    rest = text
    while True:
        found = [
            (rest.find(mark), mark, queue)
            for mark, queue in ((IMAGE_MARK, images), (AUDIO_MARK, clips))
            if queue and mark in rest
        ]
        if not found:
            break
        position, mark, queue = min(found, key=lambda item: item[0])
        if position:
            yield Text(rest[:position])
        yield queue.pop(0)  # type: ignore[attr-defined]
        rest = rest[position + len(mark) :]
    if rest:
        yield Text(rest)
