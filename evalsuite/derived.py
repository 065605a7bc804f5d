"""Media made from other media, lazily: nothing is computed before a model looks.

A derived picture or clip is identified by its original and the recipe, so that it is one request
wherever it is asked for, and costs no memory before it is decoded.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from evalsuite.content import Audio, Image, sha256_of

if TYPE_CHECKING:
    import numpy.typing as npt
    from PIL import Image as PILImage

    Pixels = npt.NDArray[np.uint8]


def rng_of(*names: object) -> np.random.Generator:
    """Random numbers that depend on names only: a clip's hash, a recipe, a seed."""
    digest = sha256_of(*(str(name).encode() for name in names))
    return np.random.default_rng(int(digest[:16], 16))


class _Derived:
    """The identity of what is made of an original by a recipe."""

    kind: ClassVar[str]
    original: Any
    recipe: str
    change: Any

    def __post_init__(self) -> None:
        """Refuse one without an original, a recipe, or what to do."""
        if self.original is None or self.change is None or not self.recipe:
            raise ValueError(f"{type(self).__name__} needs original=, recipe= and change=")

    @cached_property
    def sha256(self) -> str:
        """Of the original and the recipe."""
        return sha256_of(b"derived", self.original.sha256.encode(), self.recipe.encode())

    @cached_property
    def digest(self) -> str:
        """As of a picture or clip with this identity."""
        return sha256_of(self.kind.encode(), self.sha256.encode())

    @property
    def origin(self) -> str:
        """The original and what was done to it."""
        return f"{self.original.origin} ({self.recipe})"

    def random_numbers(self) -> np.random.Generator:
        """Seeded by the original and the recipe, so that order and company change nothing."""
        return rng_of(self.original.sha256, self.recipe)


@dataclass(frozen=True, eq=False)
class DerivedImage(_Derived, Image):
    """A picture changed by a function.

    Attributes:
        original: The picture.
        recipe: Everything that the change depends on, as text.
        change: Pixels [height, width, 3] uint8 and seeded random numbers in, pixels out.
    """

    original: Image | None = None
    recipe: str = ""
    change: Callable[[Pixels, np.random.Generator], Any] | None = field(default=None, repr=False)

    kind: ClassVar[str] = "Image"

    def encoded(self) -> bytes:
        """The changed picture as PNG."""
        buffer = io.BytesIO()
        self.load().save(buffer, format="PNG", compress_level=1)
        return buffer.getvalue()

    def _decode(self) -> PILImage.Image:
        from PIL import Image as pillow  # noqa: N813

        assert self.original is not None
        assert self.change is not None
        changed = self.change(np.asarray(self.original.load()), self.random_numbers())
        return pillow.fromarray(np.ascontiguousarray(changed, dtype=np.uint8))


@dataclass(frozen=True, eq=False)
class DerivedAudio(_Derived, Audio):
    """A clip changed by a function.

    Attributes:
        original: The clip.
        recipe: Everything that the change depends on, as text.
        change: Waveform [samples] float32, rate in Hz and seeded random numbers in, waveform out.
    """

    original: Audio | None = None
    recipe: str = ""
    change: Callable[[Any, int, np.random.Generator], Any] | None = field(default=None, repr=False)

    kind: ClassVar[str] = "Audio"

    def encoded(self) -> bytes:
        """The changed clip as WAV."""
        waveform, rate = self.load()
        return Audio.from_array(waveform, rate).encoded()

    def _decode(self) -> tuple[Any, int]:
        assert self.original is not None
        assert self.change is not None
        waveform, rate = self.original.load()
        changed = self.change(waveform, rate, self.random_numbers())
        return np.ascontiguousarray(changed, dtype=np.float32), rate
