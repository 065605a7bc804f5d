"""Where in a picture each pixel that a model is given comes from.

Image processors resize, crop, squash or pad, each in its own way. Instead of following their
settings, ramps are sent through them: a picture as large as the one explained, whose brightness
grows from left to right comes out as a map of where each column was.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image as pillow  # noqa: N813

from evalsuite_transformers.differentiable.cells import cell_sums, cells_of_shares, crossed

Prepare = Callable[[Any], torch.Tensor]


def picture_cells(
    prepare: Prepare, size: tuple[int, int], grid: tuple[int, int]
) -> Callable[[Any], Any]:
    """Sums over the cells of a grid on the whole picture, of a tensor like the prepared pixels.

    Args:
        prepare: From a PIL picture to the model's pixels [1, channels, height, width]; or to
            patches or tiles, of any other shape that depends on the picture's size alone.
        size: Width and height of the picture.
        grid: Rows and columns.
    """
    width, height = size
    across = np.tile(np.linspace(0, 255, width), (height, 1))
    down = np.tile(np.linspace(0, 255, height)[:, None], (1, width))
    dark, bright, columns, rows = (
        _prepared(prepare, levels)
        for levels in (np.zeros_like(across), np.full_like(across, 255.0), across, down)
    )
    if dark.ndim != 4 or len(dark) != 1:
        return cell_sums(_scattered(dark, bright, columns, rows, size, grid), grid[0] * grid[1])
    dark, bright, columns, rows = (ramp[0].mean(0) for ramp in (dark, bright, columns, rows))
    column_shares = _line(_shares(columns, dark, bright), 0, width)
    row_shares = _line(_shares(rows, dark, bright), 1, height)
    cells = crossed(
        cells_of_shares(row_shares, grid[0])[:, None],
        cells_of_shares(column_shares, grid[1])[None, :],
        grid[1],
    )
    return cell_sums(cells, grid[0] * grid[1])


def _prepared(prepare: Prepare, levels: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """What a processor makes of a grey picture."""
    grey = np.repeat(levels.round().astype(np.uint8)[..., None], 3, axis=2)
    pixels = prepare(pillow.fromarray(grey))
    return pixels.float().cpu().numpy().astype(float)


def _scattered(
    dark: npt.NDArray[np.float64],
    bright: npt.NDArray[np.float64],
    columns: npt.NDArray[np.float64],
    rows: npt.NDArray[np.float64],
    size: tuple[int, int],
    grid: tuple[int, int],
) -> npt.NDArray[np.int64]:
    """The cell of each number by itself, of pixels in patches or tiles.

    A pixel that lies on the border of two cells may be given to either: brightness has 256 steps.
    """
    places = []
    for ramp, n_pixels, n_cells in ((rows, size[1], grid[0]), (columns, size[0], grid[1])):
        shares = np.clip(_shares(ramp, dark, bright), 0.0, 1.0)
        places.append(cells_of_shares((shares * (n_pixels - 1) + 0.5) / n_pixels, n_cells))
    return np.asarray(crossed(places[0], places[1], grid[1]))


def _shares(
    ramp: npt.NDArray[np.float64],
    dark: npt.NDArray[np.float64],
    bright: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """The ramp's brightness in [0, 1]; not finite where padding knows no brightness."""
    span = bright - dark
    is_picture = np.abs(span) > 1e-3 * np.abs(span).max()
    return np.where(is_picture, (ramp - dark) / np.where(is_picture, span, 1.0), np.nan)


def _line(shares: npt.NDArray[np.float64], axis: int, n_pixels: int) -> npt.NDArray[np.float64]:
    """Where along the picture each row or column lies, in [0, 1]; NaN for padding.

    A straight line through what the ramp says, as steps of brightness are coarse, and the outermost
    pixels of an enlarged picture are all alike. The ramp runs from the first pixel's centre to the
    last's.
    """
    known = np.isfinite(shares)
    total, counts = np.where(known, shares, 0.0).sum(axis=axis), known.sum(axis=axis)
    inside = np.flatnonzero(counts)
    line = np.full(len(counts), np.nan)
    if len(inside) < 2:
        line[inside] = 0.5
        return line
    cut = len(inside) // 10
    fitted = inside[cut : len(inside) - cut]
    slope, start = np.polyfit(fitted, total[fitted] / counts[fitted], 1)
    ramp = start + slope * inside
    line[inside] = np.clip((ramp * (n_pixels - 1) + 0.5) / n_pixels, 0.0, 1.0)
    return line


def spread_patches(grid: tuple[int, int], like: torch.Tensor) -> Callable[[Any], Any]:
    """A function from one number per patch [rows x columns] to a tensor like the pixels.

    Every patch's number is shared out among its own pixels of the first channel, so that sums over
    any cells that hold whole patches keep it.
    """
    height, width = like.shape[-2:]
    rows = torch.div(torch.arange(height) * grid[0], height, rounding_mode="floor")
    columns = torch.div(torch.arange(width) * grid[1], width, rounding_mode="floor")
    patches = (rows[:, None] * grid[1] + columns[None, :]).to(like.device)
    counts = torch.bincount(patches.reshape(-1), minlength=grid[0] * grid[1])

    def spread(values: Any) -> Any:
        found = torch.zeros_like(like, dtype=torch.float32)
        found[0, 0] = (values.float() / counts)[patches]
        return found

    return spread


def solid(picture: Any) -> Any:
    """A picture as large as another one, all of that one's mean colour."""
    mean = np.asarray(picture.convert("RGB"), float).reshape(-1, 3).mean(axis=0)
    return pillow.new("RGB", picture.size, tuple(int(level) for level in mean.round()))


def mean_colour(pixels: torch.Tensor) -> torch.Tensor:
    """The absence of a picture: its own mean colour everywhere, as occlusion covers cells."""
    return pixels.mean(dim=(-2, -1), keepdim=True).expand_as(pixels).clone()
