"""Waveforms at another sample rate, block by block, through torchaudio's windowed sinc.

The filter is the one that torchaudio's documentation calls ``kaiser_best``. It is applied to blocks
with enough of their neighbours on both sides that the joined result is that of the whole clip.

Two traps are avoided. ``torchaudio.functional.resample`` builds its filter in the precision of the
waveform, which costs accuracy in float32; ``torchaudio.transforms.Resample`` can build it in double
precision, and once. And the filter has a row for every phase: for rates without a common divisor
(44,101 to 16,000 Hz) it would take gigabytes. There scipy's polyphase routine applies the same
filter without its zeros.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Waveform: TypeAlias = npt.NDArray[np.float32]

# Zero crossings on each side, cut-off as a share of the lower Nyquist frequency, window's shape.
ZERO_CROSSINGS = 64
ROLL_OFF = 0.9475937167399596
KAISER_BETA = 14.769656459379492
BLOCK_SAMPLES = 2**19
MAX_KERNEL_VALUES = 2**22


def resample(waveform: Waveform, rate_from_hz: int, rate_to_hz: int) -> Waveform:
    """A waveform [samples] at another rate: ceil(samples * rate_to / rate_from) samples."""
    blocks = (
        waveform[start : start + BLOCK_SAMPLES] for start in range(0, len(waveform), BLOCK_SAMPLES)
    )
    return joined(
        resampled(blocks, rate_from_hz, rate_to_hz),
        resampled_length(len(waveform), rate_from_hz, rate_to_hz),
    )


def resampled_length(n_samples: int, rate_from_hz: int, rate_to_hz: int) -> int:
    """How many samples a clip has at another rate: ceil(samples * rate_to / rate_from)."""
    return -(-n_samples * rate_to_hz // rate_from_hz)


def resampled(blocks: Iterable[Waveform], rate_from_hz: int, rate_to_hz: int) -> Iterator[Waveform]:
    """The blocks of a waveform at another rate; joined, they are the whole of it."""
    if rate_from_hz == rate_to_hz:
        yield from blocks
        return
    divisor = math.gcd(rate_from_hz, rate_to_hz)
    down, up = rate_from_hz // divisor, rate_to_hz // divisor
    convert = _converter(down, up)
    # Whole periods of `down` samples become `up` samples each, so blocks are cut between periods.
    reach = math.ceil(ZERO_CROSSINGS * down / (min(down, up) * ROLL_OFF)) + 1
    overlap = -(-reach // down) * down
    buffer, n_before = np.zeros(0, np.float32), 0
    for block in blocks:
        buffer = np.concatenate((buffer, block))
        n_ready = (len(buffer) - n_before - overlap) // down * down
        if n_ready <= 0:
            continue
        found = convert(buffer[: n_before + n_ready + overlap])
        yield found[n_before // down * up : (n_before + n_ready) // down * up]
        kept = min(overlap, n_before + n_ready)
        buffer, n_before = buffer[n_before + n_ready - kept :], kept
    yield convert(buffer)[n_before // down * up :]


def joined(blocks: Iterable[Waveform], n_samples: int | None) -> Waveform:
    """Blocks as one waveform; a known length is laid out once, so that nothing is held twice."""
    if n_samples is None:
        return np.concatenate([np.zeros(0, np.float32), *blocks])
    whole, position = np.empty(n_samples, np.float32), 0
    for block in blocks:
        whole[position : position + len(block)] = block
        position += len(block)
    return whole[:position]


@lru_cache(maxsize=8)
def _converter(down: int, up: int) -> Callable[[Waveform], Waveform]:
    """What turns ``down`` samples into ``up``; keeps its filter."""
    reach = math.ceil(ZERO_CROSSINGS * down / (min(down, up) * ROLL_OFF))
    if (2 * reach + down) * up > MAX_KERNEL_VALUES:
        return _polyphase(down, up)
    import torch
    from torchaudio.transforms import Resample

    transform: Any = Resample(
        down,
        up,
        resampling_method="sinc_interp_kaiser",
        lowpass_filter_width=ZERO_CROSSINGS,
        rolloff=ROLL_OFF,
        beta=KAISER_BETA,
        dtype=torch.float64,
    ).to(torch.float32)

    def convert(waveform: Waveform) -> Waveform:
        found: Waveform = transform(torch.from_numpy(waveform)).numpy()
        return found

    return convert


def _polyphase(down: int, up: int) -> Callable[[Waveform], Waveform]:
    """The same filter through scipy, which skips the zeros between the phases."""
    from scipy.signal import resample_poly
    from scipy.special import i0

    period = max(down, up)
    reach = math.ceil(ZERO_CROSSINGS * period / ROLL_OFF)
    time = np.arange(-reach, reach + 1) * (ROLL_OFF / period)
    shape = np.sqrt(np.clip(1 - (time / ZERO_CROSSINGS) ** 2, 0, None))
    window = i0(KAISER_BETA * shape) / i0(KAISER_BETA)
    taps = (np.sinc(time) * window * (ROLL_OFF / period)).astype(np.float32)

    def convert(waveform: Waveform) -> Waveform:
        found: Waveform = resample_poly(waveform, up, down, window=taps)
        return found.astype(np.float32, copy=False)

    return convert
