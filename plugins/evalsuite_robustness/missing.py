"""A modality taken away: how much of an answer rests on it?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np

from evalsuite import Audio, Image, Sample, Text
from evalsuite.derived import exchanged, mean_colour, rng_of
from evalsuite.variant import MediaVariant, Variant

Answers: TypeAlias = Literal["kept", "changed", "gone"]


@dataclass(frozen=True)
class BlankImage(MediaVariant):
    """Every picture replaced by its mean colour."""

    name: ClassVar[str] = "image/blank"
    answers: ClassVar[Answers] = "gone"
    about: ClassVar[str] = "Pictures of one colour, their mean: what is left is the other input."

    def picture(self, pixels: Any, rng: np.random.Generator) -> Any:
        """The mean colour everywhere."""
        return mean_colour(pixels)


@dataclass(frozen=True)
class _Partly(MediaVariant):
    """Base: a share of a medium is taken away; a larger one takes the same cells and more."""

    share: float = 0.5

    dial: ClassVar[str] = "share"
    sweep: ClassVar[tuple[float, ...]] = (0.25, 0.5, 0.75, 1.0)
    answers: ClassVar[Answers] = "gone"

    def __post_init__(self) -> None:
        """Refuse what is no share."""
        if not 0 <= self.share <= 1:
            raise ValueError(f"share must lie between 0 and 1 (got {self.share})")

    def missing(self, n: int, *names: object) -> list[int]:
        """Which of n cells are taken away; the order depends on the medium alone."""
        order = rng_of(self.name, n, *names).permutation(n)
        return [int(cell) for cell in order[: round(self.share * n)]]


@dataclass(frozen=True)
class MissingPatches(_Partly):
    """A share of a picture's cells replaced by its mean colour.

    Args:
        share: Of the cells.
        grid: Cells on a side.
    """

    grid: int = 4

    name: ClassVar[str] = "image/missing-patches"
    about: ClassVar[str] = "Patches in the mean colour, up to the whole picture."

    def picture(self, pixels: Any, rng: np.random.Generator) -> Any:
        """The mean colour in the cells drawn."""
        changed = np.array(pixels)
        mean = np.round(changed.mean(axis=(0, 1), dtype=np.float64)).astype(np.uint8)
        rows, columns = (np.linspace(0, n, self.grid + 1).astype(int) for n in changed.shape[:2])
        for cell in self.missing(self.grid**2, np.asarray(pixels).tobytes().hex()):
            y, x = divmod(cell, self.grid)
            changed[rows[y] : rows[y + 1], columns[x] : columns[x + 1]] = mean
        return changed


@dataclass(frozen=True)
class MissingMoments(_Partly):
    """A share of a clip's moments silenced.

    Args:
        share: Of the moments.
        moments: Equal stretches a clip is divided into.
    """

    moments: int = 16

    name: ClassVar[str] = "audio/missing-moments"
    about: ClassVar[str] = "Moments of silence, up to the whole clip."

    def sound(self, waveform: Any, sample_rate_hz: int, rng: np.random.Generator) -> Any:
        """Zeros in the moments drawn."""
        changed = np.array(waveform)
        edges = np.linspace(0, len(changed), self.moments + 1).astype(int)
        for moment in self.missing(self.moments, np.asarray(waveform).tobytes().hex()):
            changed[edges[moment] : edges[moment + 1]] = 0
        return changed


@dataclass(frozen=True)
class SilentAudio(MediaVariant):
    """Every clip replaced by silence of its length."""

    name: ClassVar[str] = "audio/silence"
    answers: ClassVar[Answers] = "gone"
    about: ClassVar[str] = "Clips without a sound: what is left is the other input."

    def sound(self, waveform: Any, sample_rate_hz: int, rng: np.random.Generator) -> Any:
        """Zeros."""
        return np.zeros_like(waveform)


@dataclass(frozen=True)
class _Permuted(Variant):
    """Media exchanged between samples, so that each is real and none belongs.

    What ``tells_of_media`` names would not be true of another sample's medium, and is left out.
    """

    kind: ClassVar[type[Image | Audio]]
    tells_of_media: ClassVar[frozenset[str]] = frozenset()

    def samples(self, samples: Sequence[Sample], seed: int) -> list[Sample]:
        """Exchange each field's media with those of another sample, never with equal ones."""
        good = [i for i, sample in enumerate(samples) if sample.broken is None]
        fields = [
            {name: value for name, value in s.fields.items() if name not in self.tells_of_media}
            for s in samples
        ]
        names = sorted({n for i in good for n, v in fields[i].items() if isinstance(v, self.kind)})
        for name in names:
            owners = [i for i in good if isinstance(fields[i].get(name), self.kind)]
            media = [fields[i][name] for i in owners]
            for owner, other in zip(owners, exchanged(media, self.name, name, seed)):
                fields[owner][name] = media[other]
        return [
            sample if sample.broken is not None else Sample(sample.id, fields[i])
            for i, sample in enumerate(samples)
        ]


@dataclass(frozen=True)
class PermutedImages(_Permuted):
    """Pictures exchanged between samples."""

    name: ClassVar[str] = "image/permuted"
    answers: ClassVar[Answers] = "gone"
    kind: ClassVar[type[Image | Audio]] = Image
    about: ClassVar[str] = "Pictures of other samples (perceptual score, Gat et al. 2021)."


@dataclass(frozen=True)
class PermutedAudio(_Permuted):
    """Clips exchanged between samples."""

    name: ClassVar[str] = "audio/permuted"
    answers: ClassVar[Answers] = "gone"
    kind: ClassVar[type[Image | Audio]] = Audio
    tells_of_media: ClassVar[frozenset[str]] = frozenset({"word_times"})
    about: ClassVar[str] = "Clips of other samples (perceptual score, Gat et al. 2021)."


@dataclass(frozen=True)
class AbsentImage(Variant):
    """Prompts without their pictures; for models that also answer to text alone."""

    name: ClassVar[str] = "image/absent"
    answers: ClassVar[Answers] = "gone"
    about: ClassVar[str] = "The text alone; a model that needs a picture fails, and is counted."

    def changed(
        self, sample: Sample, samples: Sequence[Sample], index: int, seed: int
    ) -> Mapping[str, Any]:
        """An empty text in each picture's place."""
        return {
            name: Text("") if isinstance(value, Image) else value
            for name, value in sample.fields.items()
        }
