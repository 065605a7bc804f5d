"""The same data made harder: every sample of a probe changed in one way, by one dial.

A variant wraps any probe: it changes the samples before the probe sees them, so that what is
measured on clean data is measured again on noisy, blurred, permuted or absent input. The suite
lists variants under a probe; each setting of the dial becomes a job beside the clean one, and what
it costs is estimated on the samples that both answered.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

from evalsuite.content import Audio, Image
from evalsuite.derived import DerivedAudio, DerivedImage
from evalsuite.errors import DataError
from evalsuite.source import Sample


@dataclass(frozen=True)
class Variant:
    """Base of all variants; a subclass is a frozen dataclass whose fields are its options.

    Class attributes:
        name: ``owner/name``, unique.
        dial: The option that a list of values sweeps; empty where there is none.
        sweep: The values it takes where the suite gives none.
        harder: Whether a higher or a lower value of the dial is the harder one.
        answers: Whether the right answers are ``kept``, ``changed`` (the variant changes them among
            the fields, too), or ``gone``, as without the picture that is asked about.
        about: One sentence for the report, with the reference.
    """

    name: ClassVar[str]
    dial: ClassVar[str] = ""
    sweep: ClassVar[tuple[float, ...] | tuple[str, ...]] = ()
    harder: ClassVar[Literal["higher", "lower"]] = "higher"
    answers: ClassVar[Literal["kept", "changed", "gone"]] = "kept"
    about: ClassVar[str] = ""

    def samples(self, samples: Sequence[Sample], seed: int) -> list[Sample]:
        """The changed samples, with the same ids and in the same order; broken ones stay so."""
        return [
            sample
            if sample.broken is not None
            else replace(sample, fields=self.changed(sample, samples, index, seed))
            for index, sample in enumerate(samples)
        ]

    def changed(
        self, sample: Sample, samples: Sequence[Sample], index: int, seed: int
    ) -> Mapping[str, Any]:
        """The fields of one changed sample; all samples are at hand for those that permute."""
        raise TypeError(f"{type(self).__name__} implements neither samples() nor changed()")

    def check(self, samples: Sequence[Sample]) -> None:
        """Raise DataError when there is nothing in the samples that it could change."""
        good = [sample for sample in samples if sample.broken is None]
        after = self.samples(good, 0)
        if good and all(a.content_hash == b.content_hash for a, b in zip(good, after)):
            names = ", ".join(sorted(good[0].fields)) or "none"
            raise DataError(
                f"The variant {self.name!r} finds nothing to change in these data; their fields "
                f"are {names}. {self.about}"
            )


@dataclass(frozen=True)
class MediaVariant(Variant):
    """Base of variants that change every picture, or every clip, of a sample."""

    def changed(
        self, sample: Sample, samples: Sequence[Sample], index: int, seed: int
    ) -> Mapping[str, Any]:
        """The fields with each medium derived from the original."""
        recipe = self.recipe(seed)
        return {name: self._derived(value, recipe) for name, value in sample.fields.items()}

    def recipe(self, seed: int) -> str:
        """Everything that the change depends on, as text."""
        return json.dumps([self.name, vars(self), seed], sort_keys=True, default=str)

    def picture(self, pixels: Any, rng: Any) -> Any:
        """Change pixels [height, width, 3] uint8; the default leaves them."""
        return pixels

    def sound(self, waveform: Any, sample_rate_hz: int, rng: Any) -> Any:
        """Change a waveform [samples] in [-1, 1]; the default leaves it."""
        return waveform

    def _derived(self, value: Any, recipe: str) -> Any:
        if isinstance(value, Image) and type(self).picture is not MediaVariant.picture:
            return DerivedImage(original=value, recipe=recipe, change=self.picture)
        if isinstance(value, Audio) and type(self).sound is not MediaVariant.sound:
            return DerivedAudio(original=value, recipe=recipe, change=self.sound)
        if isinstance(value, list | tuple):
            return type(value)(self._derived(item, recipe) for item in value)
        return value
