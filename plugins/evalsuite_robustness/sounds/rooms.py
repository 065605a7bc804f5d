"""Rooms: a clip heard with its echoes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy.signal import oaconvolve

from evalsuite import Audio, MediaError
from evalsuite.variant import MediaVariant
from evalsuite_robustness.sounds.files import ByFile
from evalsuite_robustness.sounds.mixing import Floats, power

# A decay by 60 dB is one of amplitude by 1000: exp(-DECAY) = 1 / 1000.
DECAY = float(np.log(1000))


def in_room(waveform: Any, response: Floats) -> Floats:
    """The clip convolved with a response whose direct path comes first; length and power kept."""
    before = np.asarray(waveform, dtype=np.float64)
    heard = oaconvolve(before, response)[: len(before)]
    level = power(heard)
    return np.asarray(heard if level == 0 else heard * np.sqrt(power(before) / level))


def decaying_noise(
    rt60_s: float, direct_to_reverberant_db: float, sample_rate_hz: int, rng: np.random.Generator
) -> Floats:
    """The response of a diffuse room: a direct path of 1, then noise that decays exponentially.

    The noise falls by 60 dB in ``rt60_s``, ends at -90 dB, and has exactly the energy that the
    ratio asks for.
    """
    length = max(2, round(1.5 * rt60_s * sample_rate_hz))
    seconds = np.arange(1, length) / sample_rate_hz
    tail = rng.standard_normal(length - 1) * np.exp(-DECAY * seconds / rt60_s)
    tail *= 10 ** (-direct_to_reverberant_db / 20) / np.sqrt(np.sum(tail**2))
    return np.concatenate([[1.0], tail])


@dataclass(frozen=True)
class Reverberation(MediaVariant):
    """A room with diffuse echoes, drawn anew for each clip.

    The direct sound stays at its place; what rings on after the clip's end is cut; the clip's power
    is restored.

    Args:
        rt60_s: Time in which echoes decay by 60 dB, in seconds.
        direct_to_reverberant_db: Energy of the direct path over that of all echoes, in decibels;
            0 is a few steps away from the speaker.
    """

    rt60_s: float = 0.6
    direct_to_reverberant_db: float = 0.0

    name: ClassVar[str] = "audio/reverberation"
    dial: ClassVar[str] = "rt60_s"
    sweep: ClassVar[tuple[float, ...]] = (0.2, 0.4, 0.8, 1.6)
    about: ClassVar[str] = (
        "Clips in a synthetic room: a direct path and exponentially decaying noise (Polack 1988)."
    )

    def __post_init__(self) -> None:
        """Refuse a room that does not decay, or never does."""
        if not 0 < self.rt60_s <= 20:
            raise ValueError(f"rt60_s must be above 0 and at most 20 seconds (got {self.rt60_s})")

    def sound(self, waveform: Any, sample_rate_hz: int, rng: np.random.Generator) -> Any:
        """Convolve with a drawn response."""
        response = decaying_noise(self.rt60_s, self.direct_to_reverberant_db, sample_rate_hz, rng)
        return in_room(waveform, response)


@dataclass(frozen=True)
class ImpulseResponses(ByFile):
    """Real rooms: each clip convolved with a drawn, measured impulse response.

    The largest peak of a response is taken for the direct path and moved to the front, so that the
    clip stays at its place; power is restored.

    Args:
        path: A file with an impulse response, or a folder of them.
    """

    name: ClassVar[str] = "audio/impulse-responses"
    about: ClassVar[str] = "Clips in measured rooms."

    def changed_by(
        self, waveform: Any, sample_rate_hz: int, rng: np.random.Generator, file: Audio
    ) -> Floats:
        """Convolve with the response from its direct path on."""
        response = np.asarray(file.load(sample_rate_hz)[0], dtype=np.float64)
        peak = int(np.argmax(np.abs(response)))
        if response[peak] == 0:
            raise MediaError(f"{file.origin} is silent, so it is no impulse response")
        return in_room(waveform, response[peak:] / response[peak])
