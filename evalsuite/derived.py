"""Media made from other media, lazily: nothing is computed before a model looks.

A derived picture or clip is identified by its original and the recipe, so that it is one request
wherever it is asked for, and costs no memory before it is decoded.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from evalsuite.content import Audio, Image, Part, sha256_of
from evalsuite.errors import DataError
from evalsuite.resampling import resample
from evalsuite.sound_file import SoundHeader, Stretch, waveform_of

if TYPE_CHECKING:
    import numpy.typing as npt
    from PIL import Image as PILImage

    Pixels = npt.NDArray[np.uint8]

_ROUNDED_S = 0.05


def rng_of(*names: object) -> np.random.Generator:
    """Random numbers that depend on names only: a clip's hash, a recipe, a seed."""
    digest = sha256_of(*(str(name).encode() for name in names))
    return np.random.default_rng(int(digest[:16], 16))


def exchanged(media: Sequence[Part], *names: object) -> list[int]:
    """For each medium the index of another one with other content.

    Media are put in a drawn order in which equal ones stand together, and shifted by the size of
    the largest group of equal ones: nobody gets their own. The order depends on the media only.

    Raises:
        DataError: More than half of the media are equal.
    """
    digests = [item.digest for item in media]
    counts = {digest: digests.count(digest) for digest in set(digests)}
    shift = max(counts.values(), default=0)
    if 2 * shift > len(media):
        raise DataError(
            f"More than half of the {len(media)} media are the same, so they cannot be exchanged "
            "with others. Ask about more samples."
        )
    draw = {digest: rng_of(*names, digest).random() for digest in counts}
    order = sorted(range(len(media)), key=lambda i: (draw[digests[i]], digests[i], i))
    taken = [0] * len(media)
    for place, index in enumerate(order):
        taken[index] = order[(place + shift) % len(order)]
    return taken


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

    @cached_property
    def header(self) -> SoundHeader:
        """One channel at the original's rate; how long it is only the change can tell."""
        assert self.original is not None
        return SoundHeader(self.original.header.sample_rate_hz, n_channels=1, n_frames=None)

    def _decode(self, sample_rate_hz: int) -> Any:
        assert self.original is not None
        assert self.change is not None
        if sample_rate_hz != self.header.sample_rate_hz:
            return resample(*self.load(), sample_rate_hz)
        changed = self.change(*self.original.load(), self.random_numbers())
        return np.ascontiguousarray(changed, dtype=np.float32)


def mean_colour(pixels: Pixels) -> Pixels:
    """A picture [height, width, 3] of one colour, the mean of another's."""
    mean = np.asarray(pixels, dtype=np.float64).mean(axis=(0, 1), keepdims=True)
    return np.broadcast_to(np.round(mean), np.shape(pixels)).astype(np.uint8)


def blank(medium: Image | Audio) -> DerivedImage | DerivedAudio:
    """A picture of the mean colour of another; a clip without a sound as long as another."""
    if isinstance(medium, Image):
        return DerivedImage(
            original=medium, recipe="mean colour", change=lambda pixels, _: mean_colour(pixels)
        )
    return DerivedAudio(
        original=medium, recipe="silence", change=lambda waveform, *_: np.zeros_like(waveform)
    )


@dataclass(frozen=True, eq=False)
class Excerpt(Audio):
    """A stretch of a clip, decoded without the rest of it.

    Attributes:
        original: The clip, as a file or bytes.
        start_s: Where it begins, in seconds; rounded to the nearest frame.
        duration_s: How long it is. Manifests round: an end up to 50 ms beyond the clip's is the
            clip's, one further beyond is a MediaError.
    """

    original: Audio | None = None
    start_s: float = 0.0
    duration_s: float = 0.0

    def __post_init__(self) -> None:
        """Refuse one without an original or of no length."""
        if self.original is None or self.start_s < 0 or not 0 < self.duration_s < math.inf:
            raise ValueError("Excerpt needs original=, start_s= from 0 up and duration_s= above 0")

    @cached_property
    def sha256(self) -> str:
        """Of the original and the stretch."""
        assert self.original is not None
        stretch = f"{self.start_s!r} {self.duration_s!r}".encode()
        return sha256_of(b"excerpt", self.original.sha256.encode(), stretch)

    @property
    def origin(self) -> str:
        """The original and the stretch."""
        assert self.original is not None
        return f"{self.original.origin} ({self.start_s} s to {self.start_s + self.duration_s} s)"

    def encoded(self) -> bytes:
        """The stretch as WAV."""
        return Audio.from_array(*self.load()).encoded()

    @cached_property
    def header(self) -> SoundHeader:
        """That of the original, with the number of frames of the stretch."""
        assert self.original is not None
        stretch = self._stretch()
        return replace(self.original.header, n_frames=stretch.last - stretch.first)

    def _stretch(self) -> Stretch:
        assert self.original is not None
        rate, n_frames = self.original.header.sample_rate_hz, self.original.header.n_frames
        first = round(self.start_s * rate)
        last = first + max(1, round(self.duration_s * rate))
        if n_frames is not None and first < n_frames < last <= n_frames + _ROUNDED_S * rate:
            last = n_frames
        return Stretch(first, last)

    def _decode(self, sample_rate_hz: int) -> Any:
        assert self.original is not None
        with self.original._stream() as stream:
            return waveform_of(stream, self.origin, sample_rate_hz, self._stretch())
