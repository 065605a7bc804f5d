"""Which cell of a grid over a whole picture or clip each position of a model's input lies in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Shares = npt.NDArray[np.float64]


def mel_edges_hz(n_bands: int, top_hz: float) -> Shares:
    """Edges of bands of equal height in mel, from the top down to 0 [n_bands + 1]."""
    top = np.log10(1 + top_hz / 700)
    return np.asarray(700 * (10 ** np.linspace(top, 0, n_bands + 1) - 1))


def cells_of_shares(shares: Shares, n_cells: int) -> npt.NDArray[np.int64]:
    """The cell of each share in [0, 1) of a length; -1 for a position outside of it."""
    is_inside = np.isfinite(shares) & (shares >= 0) & (shares <= 1)
    cells = np.floor(np.where(is_inside, shares, 0.0) * n_cells).astype(np.int64)
    return np.where(is_inside, np.clip(cells, 0, n_cells - 1), -1)


def bands_of_hertz(hertz: Shares, n_bands: int, top_hz: float) -> npt.NDArray[np.int64]:
    """The band of each frequency, 0 the highest; -1 above ``top_hz``."""
    rising = mel_edges_hz(n_bands, top_hz)[::-1]
    from_below = np.searchsorted(rising, hertz, side="right") - 1
    inside = np.clip(from_below, 0, n_bands - 1)
    return np.where(hertz <= top_hz, n_bands - 1 - inside, -1)


def crossed(rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64], n_columns: int) -> Any:
    """Cells in reading order of rows [...] and columns of broadcastable shape; -1 where one is."""
    cells = rows * n_columns + columns
    return np.where((rows < 0) | (columns < 0), -1, cells)


def cell_sums(cells: npt.NDArray[np.int64], n_cells: int) -> Callable[[Any], Any]:
    """A function from a tensor [1, *shape] to its sums over cells [n_cells].

    Args:
        cells: Of each position, of a shape that broadcasts to the tensor's; -1 is nowhere.
        n_cells: How many there are.
    """
    import torch

    def sums(tensor: Any) -> Any:
        own = torch.from_numpy(cells).to(tensor.device).expand(tensor.shape[1:])
        found = torch.zeros(n_cells + 1, dtype=tensor.dtype, device=tensor.device)
        return found.index_add(0, own.reshape(-1) + 1, tensor[0].reshape(-1))[1:]

    return sums
