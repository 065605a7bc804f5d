"""A clip divided into moments, or into moments and bands of frequency."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.signal import ShortTimeFFT
from scipy.signal.windows import hann

from evalsuite import Attribution, Audio
from evalsuite.content import Content
from evalsuite.derived import DerivedAudio
from evalsuite_explain.inputs.features import Medium, Presence, all_present
from evalsuite_explain.inputs.picture import rows_json
from evalsuite_transformers.differentiable.cells import mel_edges_hz

Waveform: TypeAlias = npt.NDArray[np.float32]
Fill: TypeAlias = Literal["silence", "mean"]
FILLS: tuple[Fill, ...] = ("silence", "mean")
_WINDOW_S = 0.032
_SILENT = 1e-9


class Clip:
    """A clip whose cells can be silenced, or brought to the mean level of their frequency.

    Cells are numbered from the first moment of the highest band on.

    Attributes:
        grid: Bands and moments.
        edges: Where moments begin and end, in samples [moments + 1].
        band_edges_hz: Edges of the bands, of equal height in mel, highest first [bands + 1].
        fill: What a cell that is taken away holds.
    """

    medium: Medium = "audio"

    def __init__(self, audio: Audio, moments: int, bands: int = 1, fill: Fill = "silence") -> None:
        """Divide into bands x moments cells; raises ValueError for an unknown fill."""
        if fill not in FILLS:
            raise ValueError(f"fill must be one of {', '.join(FILLS)} (got {fill!r})")
        self.audio, self.grid, self.fill = audio, (bands, moments), fill
        self.sample_rate_hz = audio.header.sample_rate_hz
        self.n_samples = audio.n_samples()
        self.edges = np.linspace(0, self.n_samples, moments + 1).astype(int)
        self.band_edges_hz = mel_edges_hz(bands, self.sample_rate_hz / 2)

    def __len__(self) -> int:
        """Number of cells."""
        return self.grid[0] * self.grid[1]

    def showing(self, present: Presence) -> Content:
        """The clip with only the cells that are present; it is computed when a model listens."""
        if present.all():
            return (self.audio,)
        bits = "".join("1" if is_in else "0" for is_in in present)
        bands, moments = self.grid
        change = (
            partial(_silenced, edges=self.edges, present=present)
            if bands == 1 and self.fill == "silence"
            else partial(_filtered, clip=self, present=present.reshape(bands, moments))
        )
        recipe = f"cells of {bands} bands x {moments} moments as {self.fill} but {bits}"
        return (DerivedAudio(original=self.audio, recipe=recipe, change=change),)

    def without(self, cells: Sequence[int]) -> Audio:
        """The clip with some cells taken away."""
        present = all_present(len(self))
        present[list(cells)] = False
        (shown,) = self.showing(present)
        assert isinstance(shown, Audio)
        return shown

    def touching(self, seconds: Sequence[float], hertz: Sequence[float] | None = None) -> list[int]:
        """The cells that a stretch of time (first, last), and of frequency, overlaps."""
        first, last = (second * self.sample_rate_hz for second in seconds)
        low, high = hertz or (0.0, self.sample_rate_hz / 2)
        tops, bottoms = self.band_edges_hz[:-1], self.band_edges_hz[1:]
        return [
            band * self.grid[1] + moment
            for band in range(self.grid[0])
            for moment in range(self.grid[1])
            if self.edges[moment] < last
            and self.edges[moment + 1] > first
            and bottoms[band] < high
            and tops[band] > low
        ]

    def pooled(self, explained: Attribution) -> list[float]:
        """Scores of the cells, which were asked for by this grid."""
        return list(explained.scores)

    def columns(self, scores: Sequence[float]) -> Mapping[str, Any]:
        """``map``: rows of scores, the highest band first; ``map_hz``: the edges of its rows."""
        drawn = {"map": rows_json(scores, self.grid[1])}
        if self.grid[0] > 1:
            drawn["map_hz"] = json.dumps([round(float(edge), 1) for edge in self.band_edges_hz])
        return drawn


def _silenced(
    waveform: Waveform,
    sample_rate_hz: int,
    rng: np.random.Generator,
    *,
    edges: npt.NDArray[np.int_],
    present: Presence,
) -> Waveform:
    del sample_rate_hz, rng
    silenced = waveform.copy()
    for moment in np.flatnonzero(~present):
        silenced[edges[moment] : edges[moment + 1]] = 0.0
    return silenced


def _filtered(
    waveform: Waveform,
    sample_rate_hz: int,
    rng: np.random.Generator,
    *,
    clip: Clip,
    present: npt.NDArray[np.bool_],
) -> Waveform:
    """Change the levels of a short-time spectrum's cells [bands, moments], and go back."""
    del rng
    size = max(16, 2 * round(_WINDOW_S * sample_rate_hz / 2))
    transform = ShortTimeFFT(hann(size, sym=False), size // 4, sample_rate_hz)
    padded = np.pad(waveform, (0, max(0, size - len(waveform))))
    spectrum = transform.stft(padded)
    samples = transform.t(len(padded)) * sample_rate_hz
    moments = np.clip(np.searchsorted(clip.edges, samples, side="right") - 1, 0, clip.grid[1] - 1)
    rising = clip.band_edges_hz[::-1]
    from_below = np.searchsorted(rising, transform.f, side="right") - 1
    bands = clip.grid[0] - 1 - np.clip(from_below, 0, clip.grid[0] - 1)
    absent = ~present[bands][:, moments]
    levels = np.abs(spectrum)
    mean = levels.mean(axis=1, keepdims=True) if clip.fill == "mean" else 0.0
    noise = transform.stft(np.random.default_rng(0).standard_normal(len(padded)))
    filled = np.where(absent, mean * _phases(spectrum, noise), spectrum)
    changed = transform.istft(filled, k1=len(padded))
    return np.asarray(changed[: len(waveform)].real, dtype=np.float32)


def _phases(spectrum: npt.NDArray[Any], noise: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Every value on the unit circle; where there is digital silence, that of noise.

    Else cells that held no sound at all would be told from others by staying silent.
    """
    heard = np.where(np.abs(spectrum) < _SILENT, noise, spectrum)
    phases: npt.NDArray[Any] = heard / np.maximum(np.abs(heard), _SILENT)
    return phases
