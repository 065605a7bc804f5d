"""A modality taken away: how much of an answer rests on it?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np

from evalsuite import Audio, DataError, Image, Sample, Text
from evalsuite.derived import rng_of
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
        mean = np.asarray(pixels, dtype=np.float64).mean(axis=(0, 1), keepdims=True)
        return np.broadcast_to(np.round(mean), np.shape(pixels)).astype(np.uint8)


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


def exchanged(media: Sequence[Image | Audio], *names: object) -> list[int]:
    """For each medium the index of another one with other content.

    Media are put in a drawn order in which equal ones stand together, and shifted by the size of
    the largest group of equal ones: nobody gets their own. The order depends on the media only.

    Raises:
        DataError: More than half of the media are equal.
    """
    digests = [item.digest for item in media]
    counts = {digest: digests.count(digest) for digest in set(digests)}
    shift = max(counts.values(), default=0)
    if 2 * shift > len(media):
        raise DataError(
            f"More than half of the {len(media)} media are the same, so they cannot be exchanged "
            "with others. Ask about more samples."
        )
    draw = {digest: rng_of(*names, digest).random() for digest in counts}
    order = sorted(range(len(media)), key=lambda i: (draw[digests[i]], digests[i], i))
    taken = [0] * len(media)
    for place, index in enumerate(order):
        taken[index] = order[(place + shift) % len(order)]
    return taken


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
