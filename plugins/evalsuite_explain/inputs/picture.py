"""A picture divided into a grid of patches."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from evalsuite import Attribution, Image
from evalsuite.content import Content
from evalsuite.derived import DerivedImage
from evalsuite_explain.inputs.features import Medium, Presence, all_present

Box: TypeAlias = tuple[int, int, int, int]
Pixels: TypeAlias = npt.NDArray[np.uint8]


class Picture:
    """A picture divided into a grid of cells, each of which can be covered by the mean colour.

    Attributes:
        boxes: Of each cell in reading order: left, top, right, bottom in pixels, half open.
    """

    medium: Medium = "image"

    def __init__(self, image: Image, grid: int) -> None:
        """Divide into grid x grid cells."""
        self.image = image
        self.grid = (grid, grid)
        width, height = image.load().size
        rows = np.linspace(0, height, grid + 1).astype(int)
        columns = np.linspace(0, width, grid + 1).astype(int)
        self.boxes: list[Box] = [
            (int(columns[x]), int(rows[y]), int(columns[x + 1]), int(rows[y + 1]))
            for y in range(grid)
            for x in range(grid)
        ]

    def __len__(self) -> int:
        """Number of cells."""
        return len(self.boxes)

    def showing(self, present: Presence) -> Content:
        """The picture with only the cells that are present; it is painted when a model looks."""
        if present.all():
            return (self.image,)
        bits = "".join("1" if is_in else "0" for is_in in present)
        hidden = [box for box, is_in in zip(self.boxes, present, strict=True) if not is_in]
        return (
            DerivedImage(
                original=self.image,
                recipe=f"cells of {self.grid[0]} x {self.grid[1]} in the mean colour but {bits}",
                change=partial(_covered, boxes=hidden),
            ),
        )

    def without(self, cells: Sequence[int]) -> Image:
        """The picture with some cells covered."""
        present = all_present(len(self))
        present[list(cells)] = False
        (shown,) = self.showing(present)
        assert isinstance(shown, Image)
        return shown

    def touching(self, box: Sequence[int]) -> list[int]:
        """The cells that a box of pixels (left, top, right, bottom) overlaps."""
        left, top, right, bottom = box
        return [
            i
            for i, (x0, y0, x1, y1) in enumerate(self.boxes)
            if x0 < right and x1 > left and y0 < bottom and y1 > top
        ]

    def pooled(self, explained: Attribution) -> list[float]:
        """Scores of the cells, which were asked for by this grid."""
        return list(explained.scores)

    def columns(self, scores: Sequence[float]) -> Mapping[str, Any]:
        """``map``: rows of scores."""
        return {"map": rows_json(scores, self.grid[1])}


def _covered(pixels: Pixels, rng: np.random.Generator, *, boxes: Sequence[Box]) -> Pixels:
    del rng
    covered = pixels.copy()
    fill = pixels.reshape(-1, 3).mean(axis=0).astype(np.uint8)
    for left, top, right, bottom in boxes:
        covered[top:bottom, left:right] = fill
    return covered


def rows_json(scores: Sequence[float], n_columns: int) -> str:
    """Scores in reading order as JSON of rows."""
    rows = [scores[i : i + n_columns] for i in range(0, len(scores), n_columns)]
    return json.dumps([[round(float(value), 5) for value in row] for row in rows])
