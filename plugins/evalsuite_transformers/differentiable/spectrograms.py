"""Where in a clip each number of a log-mel spectrogram comes from, and what its absence is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from evalsuite import Audio
from evalsuite_transformers.differentiable.cells import bands_of_hertz, cells_of_shares, crossed

Cells = npt.NDArray[np.int64]


def mel_cells(
    extractor: Any, shape: tuple[int, int, int], clip: Audio, grid: tuple[int, int]
) -> Cells:
    """The cell of each number of a spectrogram [windows, bands, frames]; -1 outside of the clip.

    Frames that hear a part of the clip count, the last ones to its last moment; silence that fills
    a window up, and bands above half the clip's own rate, are in no cell.

    Args:
        extractor: A WhisperFeatureExtractor, or another with ``mel_filters`` and centred windows.
        shape: Windows, each from where the one before ended; bands; frames.
        clip: What is heard.
        grid: Bands and moments.
    """
    n_windows, _, n_frames = shape
    n_samples = clip.n_samples(int(extractor.sampling_rate))
    middles = np.arange(n_windows * n_frames).reshape(n_windows, 1, n_frames) * extractor.hop_length
    is_heard = middles < n_samples + extractor.n_fft // 2
    shares = np.where(is_heard, np.minimum(middles / max(1, n_samples), 1.0), np.nan)
    rows, columns = grid
    heard_best = peaks_hz(np.asarray(extractor.mel_filters), float(extractor.sampling_rate))
    bands = bands_of_hertz(heard_best, rows, clip.header.sample_rate_hz / 2)
    cells = crossed(bands[:, None], cells_of_shares(shares, columns), columns)
    return np.array(np.broadcast_to(cells, shape))


def peaks_hz(
    filters: npt.NDArray[np.floating[Any]], sample_rate_hz: float
) -> npt.NDArray[np.float64]:
    """The frequency in Hz that each band hears best [bands].

    Narrow bands may lie between two frequencies of the transform and hear neither; theirs is in the
    middle of their neighbours'.

    Args:
        filters: Weights [frequencies, bands], from 0 Hz to half the rate.
        sample_rate_hz: Of what is heard.
    """
    places = np.arange(filters.shape[1])
    heard = filters.max(axis=0) > 0
    peaks = filters.argmax(axis=0) * (sample_rate_hz / 2) / (len(filters) - 1)
    return np.interp(places, places[heard], peaks[heard]) if heard.any() else peaks


def mean_level(spectrogram: torch.Tensor, cells: Cells, n_rows: int) -> torch.Tensor:
    """The absence of a sound: the mean level of what is heard of it.

    No silence, which is as far from what models have heard as a black picture: of each band where
    moments are told apart, as a steady sound sets none of them apart; of all where bands are too.

    Args:
        spectrogram: Shape [1, windows, bands, frames].
        cells: See ``mel_cells``; what is in no cell stays.
        n_rows: Bands that are told apart.
    """
    is_inside = torch.from_numpy(cells >= 0).to(spectrogram.device)[None]
    axes = (1, 3) if n_rows == 1 else (1, 2, 3)
    heard = torch.where(is_inside, spectrogram, 0.0).sum(axes, keepdim=True)
    mean = heard / is_inside.sum(axes, keepdim=True).clamp(min=1)
    return torch.where(is_inside, mean, spectrogram)


def spread_moments(n_tokens: int, like: torch.Tensor) -> Callable[[Any], Any]:
    """A function from one number for each stretch of frames [tokens] to a tensor like the frames.

    Each number is shared out among its own frames, and all bands of them alike: attention tells
    moments apart, not bands. A waveform's frames are its samples.

    Args:
        n_tokens: Stretches of equal length that cover all frames.
        like: Shape [1, ..., frames].
    """
    n_frames = like.shape[-1]
    token = torch.div(torch.arange(n_frames) * n_tokens, n_frames, rounding_mode="floor")
    token = token.to(like.device)
    counts = torch.bincount(token, minlength=n_tokens) * (like.numel() // n_frames)

    def spread(values: Any) -> Any:
        return (values.float() / counts)[token].expand(like.shape)

    return spread
