"""Which media a model takes: what its kind is named for, and the other kind where it has both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evalsuite_transformers.generative.clips import FAMILIES, AudioMedium
from evalsuite_transformers.generative.images import ImageMedium
from evalsuite_transformers.generative.medium import Medium


def names_of(config: Any, first: str) -> tuple[str, ...]:
    """The names of a model's media, ``first`` in front, by its configuration.

    Images are taken by every model of the kind for images, and by those for sounds that have a
    vision tower; sounds by the families whose reading of them has been looked into.
    """
    sees = first == "image" or getattr(config, "vision_config", None) is not None
    hears = config.model_type in FAMILIES
    found = [name for name, has in (("image", sees), ("audio", hears)) if has]
    return tuple(sorted(found, key=lambda name: name != first))


def media_of(processor: Any, config: Any, first: str) -> tuple[Medium, ...]:
    """A model's media, ``first`` in front."""
    classes = {"image": ImageMedium, "audio": AudioMedium}
    return tuple(classes[name](processor, config) for name in names_of(config, first))


def unread(processor: Any, media: Sequence[Medium]) -> dict[str, str]:
    """What a processor could read and the model is not given, for a report."""
    hears = any(medium.name == "audio" for medium in media)
    if hears or not getattr(processor, "audio_token", None):
        return {}
    return {"clips": "not read: how this family takes them has not been looked into"}
