"""Which request gives the vector of an image, a clip or a text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from evalsuite import EmbedAudio, EmbedImage, EmbedText, Request, Sample
from evalsuite.content import sha256_of

Medium: TypeAlias = Literal["image", "audio", "text"]
REQUESTS: Mapping[str, type[Request]] = {
    "image": EmbedImage,
    "audio": EmbedAudio,
    "text": EmbedText,
}


class ByMedium:
    """A class attribute that depends on a probe's option ``medium``.

    Read from the class, as lists of what is installed do, it is that of images, the default.
    """

    def __init__(self, values: Mapping[str, tuple[Any, ...]]) -> None:
        self._values = values

    def __get__(self, probe: Any, owner: type) -> tuple[Any, ...]:
        """The value for the probe's medium."""
        return self._values["image" if probe is None else probe.medium]


def refuse_unknown(medium: str, legal: tuple[str, ...]) -> None:
    """Raise ValueError for a medium that a probe cannot read."""
    if medium not in legal:
        raise ValueError(f"medium must be one of {', '.join(legal)} (got {medium!r})")


def embedding_of(medium: str, sample: Sample) -> tuple[Request, str]:
    """The request for a sample's vector, and a digest that its exact copies share."""
    if medium == "text":
        text = str(sample["text"])
        return EmbedText(text), sha256_of(text.encode("utf-8", "surrogatepass"))
    part = sample[medium]
    return REQUESTS[medium](part), part.sha256
