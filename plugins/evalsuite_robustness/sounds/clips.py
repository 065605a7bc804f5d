"""The clips of a sample, wherever they stand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from evalsuite import Audio, MediaError, Sample


def clips_in(value: Any) -> Iterator[Audio]:
    """Every clip of a field, also of lists."""
    if isinstance(value, Audio):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from clips_in(item)


def with_clips(value: Any, change: Callable[[Audio], Audio]) -> Any:
    """A field with each of its clips changed."""
    if isinstance(value, Audio):
        return change(value)
    if isinstance(value, list | tuple):
        return type(value)(with_clips(item, change) for item in value)
    return value


def is_there(clip: Audio) -> bool:
    """Whether the clip's bytes can be had at all."""
    try:
        return bool(clip.sha256)
    except MediaError:
        return False


def own_clips(sample: Sample) -> list[Audio]:
    """All clips of a sample whose bytes can be had."""
    return [c for value in sample.fields.values() for c in clips_in(value) if is_there(c)]


def changed_sample(sample: Sample, change: Callable[[Audio], Audio]) -> Sample:
    """The sample with each of its clips changed; a clip that is not there stays, and fails."""

    def careful(clip: Audio) -> Audio:
        return change(clip) if is_there(clip) else clip

    fields = {name: with_clips(value, careful) for name, value in sample.fields.items()}
    return Sample(sample.id, fields)
