"""A sprite: one picture that holds many of one size, row by row, classes one below the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from evalsuite import DataError, Image, Sample
from evalsuite_sources.files import fingerprint_of, require_file


@dataclass(frozen=True)
class ImageSprite:
    """Tiles of one picture, the label of each known by its row.

    Attributes:
        path: The picture.
        rows_per_class: How many rows of tiles each class takes, from the top.
        n_rows: Rows of tiles.
        n_columns: Tiles in a row.
        tile_height: In pixels.
        tile_width: In pixels; as the height without it.
        names: What the classes are called, in order; numbers without it.
        invert: Whether to swap black and white.
    """

    path: str
    rows_per_class: int
    n_rows: int
    n_columns: int
    tile_height: int
    tile_width: int | None = None
    names: tuple[str, ...] = ()
    invert: bool = False

    def __post_init__(self) -> None:
        """Refuse a grid without tiles and classes that do not fill the rows."""
        sizes = (self.n_rows, self.n_columns, self.tile_height, self._width, self.rows_per_class)
        if min(sizes) < 1:
            raise ValueError("rows, columns, tile sizes and rows_per_class must be at least 1")
        if self.n_rows % self.rows_per_class:
            raise ValueError(
                f"{self.n_rows} rows are no multiple of rows_per_class = {self.rows_per_class}"
            )
        n_classes = self.n_rows // self.rows_per_class
        if self.names and len(self.names) != n_classes:
            raise ValueError(
                f"names has {len(self.names)} entries, but there are {n_classes} classes"
            )

    def rows(self) -> Iterator[Sample]:
        """Every tile, row by row, with ``label`` (a name), ``label_index``, ``row``, ``column``."""
        pixels = self._pixels()
        for row in range(self.n_rows):
            index = row // self.rows_per_class
            name = self.names[index] if self.names else str(index)
            for column in range(self.n_columns):
                yield Sample(
                    f"{row}-{column}",
                    {
                        "image": Image.from_array(self._tile(pixels, row, column)),
                        "label": name,
                        "label_index": index,
                        "row": row,
                        "column": column,
                    },
                )

    def check(self) -> None:
        """Refuse a missing file and a picture of another size than the tiles make."""
        self._pixels()

    def count(self) -> int | None:
        """The number of tiles."""
        return self.n_rows * self.n_columns

    def fingerprint(self) -> str:
        """Sha256 over the file; what is made of it is in the options."""
        return fingerprint_of([require_file(Path(self.path))])

    @property
    def _width(self) -> int:
        return self.tile_height if self.tile_width is None else self.tile_width

    def _pixels(self) -> npt.NDArray[np.uint8]:
        """The whole picture, [height, width, 3]."""
        pixels = np.asarray(Image(path=require_file(Path(self.path))).load())
        height, width = self.n_rows * self.tile_height, self.n_columns * self._width
        if pixels.shape[:2] != (height, width):
            raise DataError(
                f"{self.path} is {pixels.shape[1]} x {pixels.shape[0]} pixels, but "
                f"{self.n_columns} x {self.n_rows} tiles of {self._width} x {self.tile_height} "
                f"make {width} x {height}. Correct n_columns, n_rows or the tile sizes."
            )
        return 255 - pixels if self.invert else pixels

    def _tile(self, pixels: npt.NDArray[np.uint8], row: int, column: int) -> npt.NDArray[np.uint8]:
        top, left = row * self.tile_height, column * self._width
        return np.ascontiguousarray(pixels[top : top + self.tile_height, left : left + self._width])
