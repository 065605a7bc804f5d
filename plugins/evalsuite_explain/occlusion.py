"""Occlusion: cover one cell of a picture, or silence one moment of a clip, at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from evalsuite import Audio, Image

Box = tuple[int, int, int, int]


class Picture:
    """A picture divided into a grid of cells, each of which can be covered by the mean colour."""

    def __init__(self, image: Image, grid: int) -> None:
        """Decode and divide into grid x grid cells."""
        self.pixels: npt.NDArray[np.uint8] = np.asarray(image.load())
        height, width = self.pixels.shape[:2]
        rows = np.linspace(0, height, grid + 1).astype(int)
        columns = np.linspace(0, width, grid + 1).astype(int)
        self.boxes: list[Box] = [
            (columns[x], rows[y], columns[x + 1], rows[y + 1])
            for y in range(grid)
            for x in range(grid)
        ]
        self.fill = self.pixels.reshape(-1, 3).mean(axis=0).astype(np.uint8)

    def __len__(self) -> int:
        """Number of cells."""
        return len(self.boxes)

    def without(self, cells: Sequence[int]) -> Image:
        """The picture with some cells covered."""
        covered = self.pixels.copy()
        for cell in cells:
            left, top, right, bottom = self.boxes[cell]
            covered[top:bottom, left:right] = self.fill
        return Image.from_array(covered)

    def touching(self, box: Sequence[int]) -> list[int]:
        """The cells that a box of pixels (left, top, right, bottom) overlaps."""
        left, top, right, bottom = box
        return [
            i
            for i, (x0, y0, x1, y1) in enumerate(self.boxes)
            if x0 < right and x1 > left and y0 < bottom and y1 > top
        ]


class Clip:
    """A clip divided into equal moments, each of which can be silenced."""

    def __init__(self, audio: Audio, segments: int) -> None:
        """Decode and divide."""
        self.waveform, self.sample_rate_hz = audio.load()
        self.edges = np.linspace(0, len(self.waveform), segments + 1).astype(int)

    def __len__(self) -> int:
        """Number of moments."""
        return len(self.edges) - 1

    def without(self, cells: Sequence[int]) -> Audio:
        """The clip with some moments silent."""
        silenced = self.waveform.copy()
        for cell in cells:
            silenced[self.edges[cell] : self.edges[cell + 1]] = 0.0
        return Audio.from_array(silenced, self.sample_rate_hz)
