"""Pictures that are read when a model looks: a stretch of an archive, a box of another picture."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from evalsuite import Image, MediaError
from evalsuite.content import sha256_of
from evalsuite.derived import DerivedImage

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class ArchivedImage(Image):
    """A picture whose bytes lie within a file, uncompressed, as the members of a tar do.

    Attributes:
        offset: Where they begin.
        size: How many there are.
        name: Of the member, for messages.
    """

    offset: int = 0
    size: int = 0
    name: str = ""

    def encoded(self) -> bytes:
        """The member's bytes; raises MediaError when the file ends before them."""
        assert self.path is not None
        try:
            with self.path.open("rb") as stream:
                stream.seek(self.offset)
                found = stream.read(self.size)
        except OSError as error:
            raise MediaError(f"{self.origin} cannot be read: {error.strerror or error}") from error
        if len(found) < self.size:
            raise MediaError(f"{self.origin} is cut: {len(found)} of {self.size} bytes")
        return found

    @cached_property
    def digest(self) -> str:
        """That of a picture with the same bytes, wherever they lie."""
        return sha256_of(b"Image", self.sha256.encode())

    @property
    def origin(self) -> str:
        """The archive and the member."""
        return f"{self.path}:{self.name}"


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels; the corner is the upper left one."""

    left: int
    top: int
    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width} x {self.height} at ({self.left}, {self.top})"

    def of(self, image: Image) -> DerivedImage:
        """The part of a picture within the box."""
        change = partial(_cropped, self, image.origin)
        return DerivedImage(original=image, recipe=f"box {self}", change=change)


def _cropped(box: Box, origin: str, pixels: Pixels, _: Any) -> Pixels:
    """What of the box lies within the picture; raises MediaError when nothing does."""
    height, width = pixels.shape[:2]
    rows = slice(max(box.top, 0), min(box.top + box.height, height))
    columns = slice(max(box.left, 0), min(box.left + box.width, width))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        raise MediaError(f"{origin} has {width} x {height} pixels, none in the box {box}")
    return pixels[rows, columns]
