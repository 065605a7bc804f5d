"""Clips changed by recordings that the user brings: files of noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from evalsuite import Audio, DataError, Sample
from evalsuite.derived import DerivedAudio, rng_of
from evalsuite.variant import Variant
from evalsuite_robustness.sounds.clips import changed_sample
from evalsuite_robustness.sounds.mixing import Floats, at_ratio, fitted
from evalsuite_robustness.sounds.noise import SNR_DB

SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".aif", ".au"})


def audio_files(path: str) -> list[Audio]:
    """The file, or all audio files under the folder, by name.

    Raises:
        DataError: There is none.
    """
    root = Path(path)
    if root.is_file():
        return [Audio(path=root)]
    found = sorted(p for p in root.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    if not found:
        raise DataError(
            f"There is no audio file at {path!r}. Give `path` a file, or a folder that holds "
            f"files ending in {', '.join(sorted(SUFFIXES))}."
        )
    return [Audio(path=p) for p in found]


@dataclass(frozen=True)
class ByFile(Variant):
    """Base: each clip changed by one file, drawn by the clip's hash.

    What identifies a changed clip is the file's content, wherever the file lies.
    """

    path: str

    def samples(self, samples: Sequence[Sample], seed: int) -> list[Sample]:
        """Each clip changed by a drawn file."""
        files = audio_files(self.path)

        def change(clip: Audio) -> Audio:
            chosen = files[int(rng_of(self.name, seed, clip.sha256).integers(len(files)))]
            told = {name: value for name, value in vars(self).items() if name != "path"}
            recipe = f"{self.name} {told} seed={seed} by {chosen.sha256}"
            return DerivedAudio(
                original=clip, recipe=recipe, change=partial(self.changed_by, file=chosen)
            )

        return [
            sample if sample.broken is not None else changed_sample(sample, change)
            for sample in samples
        ]

    def changed_by(
        self, waveform: Any, sample_rate_hz: int, rng: np.random.Generator, file: Audio
    ) -> Any:
        """The waveform [samples] changed by a recording."""
        raise TypeError(f"{type(self).__name__} does not implement changed_by()")


@dataclass(frozen=True)
class NoiseFiles(ByFile):
    """Recorded noise: a drawn stretch of a drawn file, looped where it is too short.

    A file of a lower sample rate than the clip's adds nothing above its own band.

    Args:
        path: A file of noise, or a folder of them.
        snr_db: Ratio of the clip's power to the noise's, in decibels, over the whole clip.
    """

    snr_db: float = 10.0

    name: ClassVar[str] = "audio/noise-files"
    dial: ClassVar[str] = "snr_db"
    sweep: ClassVar[tuple[float, ...]] = SNR_DB
    harder: ClassVar[Any] = "lower"
    about: ClassVar[str] = "Recorded noise added to clips; power is taken over the whole clip."

    def changed_by(
        self, waveform: Any, sample_rate_hz: int, rng: np.random.Generator, file: Audio
    ) -> Floats:
        """X + noise at the ratio."""
        noise = fitted(file.load(sample_rate_hz)[0], len(waveform), rng)
        return at_ratio(waveform, noise, self.snr_db)
