"""Babble: other clips of the same data, several at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, ClassVar

import numpy as np

from evalsuite import Audio, MediaError, Sample
from evalsuite.derived import DerivedAudio, rng_of
from evalsuite.variant import Variant
from evalsuite_robustness.sounds.clips import changed_sample, own_clips
from evalsuite_robustness.sounds.mixing import Floats, at_ratio, fitted, power
from evalsuite_robustness.sounds.noise import SNR_DB


@dataclass(frozen=True)
class Babble(Variant):
    """Other clips of the same data, several at once, all equally loud.

    A clip's talkers are drawn by its own hash from all clips that do not belong to its sample and
    have other content; each starts at a drawn place and is looped where it is too short. Nothing is
    decoded before a model looks.

    Args:
        snr_db: Ratio of the clip's power to that of all talkers together, in decibels, over the
            whole clip.
        talkers: How many are mixed.
    """

    snr_db: float = 10.0
    talkers: int = 5

    name: ClassVar[str] = "audio/babble"
    dial: ClassVar[str] = "snr_db"
    sweep: ClassVar[tuple[float, ...]] = SNR_DB
    harder: ClassVar[Any] = "lower"
    about: ClassVar[str] = (
        "Other clips of the same data, mixed and added; power is taken over the whole clip."
    )

    def __post_init__(self) -> None:
        """Refuse babble of nobody."""
        if self.talkers < 1:
            raise ValueError(f"talkers must be at least 1 (got {self.talkers})")

    def samples(self, samples: Sequence[Sample], seed: int) -> list[Sample]:
        """Each clip among others; the draw depends on which clips there are, not on their order."""
        good = [sample for sample in samples if sample.broken is None]
        pool = {clip.sha256: clip for sample in good for clip in own_clips(sample)}
        clips = [pool[digest] for digest in sorted(pool)]
        return [
            sample if sample.broken is not None else self._among(sample, clips, seed)
            for sample in samples
        ]

    def _among(self, sample: Sample, clips: Sequence[Audio], seed: int) -> Sample:
        own = {clip.sha256 for clip in own_clips(sample)}

        def change(clip: Audio) -> Audio:
            # as many again in reserve, for talkers that turn out to be silent or unreadable
            rng = rng_of(self.name, seed, clip.sha256)
            n = min(len(clips), 2 * self.talkers + len(own))
            drawn = [clips[i] for i in rng.choice(len(clips), size=n, replace=False)]
            others = [c for c in drawn if c.sha256 not in own][: 2 * self.talkers]
            recipe = f"{self.name} snr_db={self.snr_db} talkers={self.talkers} seed={seed} of " + (
                " ".join(other.sha256 for other in others)
            )
            return DerivedAudio(
                original=clip, recipe=recipe, change=partial(self._mixed, others=others)
            )

        return changed_sample(sample, change)

    def _mixed(
        self, waveform: Any, sample_rate_hz: int, rng: np.random.Generator, others: Sequence[Audio]
    ) -> Floats:
        heard = (_heard(other, sample_rate_hz, len(waveform), rng) for other in others)
        voices = list(islice((voice for voice in heard if voice is not None), self.talkers))
        if len(voices) < self.talkers:
            raise MediaError(
                f"babble of {self.talkers} talkers needs as many other clips with a sound; "
                f"{len(voices)} were found. Ask about more samples, or lower `talkers`"
            )
        return at_ratio(waveform, np.sum(voices, axis=0), self.snr_db)


def _heard(
    other: Audio, sample_rate_hz: int, length: int, rng: np.random.Generator
) -> Floats | None:
    """A stretch of another clip at power 1; None where it is silent or cannot be read."""
    try:
        stretch = fitted(other.load(sample_rate_hz)[0], length, rng)
    except MediaError:
        return None
    level = power(stretch)
    return None if level == 0 else stretch / np.sqrt(level)
