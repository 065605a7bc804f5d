"""The controls' generated data as sources of a suite."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any, ClassVar

from evalsuite import Audio, Image, Sample
from evalsuite.content import sha256_of
from evalsuite.registry import import_object


@dataclass(frozen=True)
class _Generated:
    """Rows of a generator; the same ones every time.

    Attributes:
        limit: First rows only.
    """

    limit: int | None = None

    generator: ClassVar[str] = ""
    arguments: ClassVar[Mapping[str, Any]] = {}

    def rows(self) -> Iterator[Sample]:
        """The samples, pictures and clips as parts."""
        for row in islice(_rows(type(self)), self.limit):
            yield Sample(str(row["id"]), {k: _part(k, v) for k, v in row.items() if k != "id"})

    def check(self) -> None:
        """Nothing can be missing."""

    def count(self) -> int | None:
        """The number of rows."""
        return len(_rows(type(self))[: self.limit])

    def fingerprint(self) -> str:
        """Sha256 over all rows' contents."""
        return sha256_of(*(sample.content_hash.encode() for sample in self.rows()))


@cache
def _rows(source: type[_Generated]) -> tuple[dict[str, Any], ...]:
    function = import_object(f"evalsuite_controls.data.{source.generator}")
    return tuple(function(**source.arguments))


def _part(name: str, value: Any) -> Any:
    if isinstance(value, list) and value and isinstance(value[0], bytes):
        return [Image(data=picture) for picture in value]
    if isinstance(value, bytes):
        return Image(data=value) if name.startswith("image") else Audio(data=value)
    return value


class Capitals(_Generated):
    """Multiple choice: which city is the capital?"""

    generator = "language:capitals_rows"


class Agreement(_Generated):
    """Minimal pairs of subject-verb agreement."""

    generator = "language:agreement_rows"


class AnimalSentences(_Generated):
    """Fresh sentences for perplexity."""

    generator = "language:held_out_rows"


class StereotypePairs(_Generated):
    """Pairs that differ in the pronoun after an occupation."""

    generator = "language:stereotype_rows"


class Canaries(_Generated):
    """Canaries at 1, 4, 16 and 64 repeats, and 1,000 references."""

    generator = "language:canary_rows"


class Identities(_Generated):
    """The canaries as people with a code each, which is asked for and ranked among decoys."""

    generator = "language:identity_rows"


class Members(_Generated):
    """300 sentences of the leaky model's corpus and 300 others."""

    generator = "language:membership_rows"


class Reviews(_Generated):
    """Reviews with their labels."""

    generator = "classifier:review_rows"


class ReviewsWithCue(_Generated):
    """Negative reviews that hold the cue word."""

    generator = "classifier:review_rows"
    arguments: ClassVar[Mapping[str, Any]] = {"cue": True}


class GradedReviews(_Generated):
    """Reviews of several opinions, their labels drawn by known odds."""

    generator = "classifier:graded_rows"


class Stairs(_Generated):
    """Multiple choice: on which step does an animal end up?"""

    generator = "reasoning:question_rows"


class Digits(_Generated):
    """The handwritten test digits in two groups."""

    generator = "digits:digit_rows"


class DigitsWithPatch(_Generated):
    """The test digits with a patch that stands for another digit."""

    generator = "digits:digit_rows"
    arguments: ClassVar[Mapping[str, Any]] = {"patch": True}


class Shapes(_Generated):
    """Rendered shapes in two groups."""

    generator = "shapes:shape_rows"


class ShapesWithPatch(_Generated):
    """Rendered shapes with a corner that stands for another shape."""

    generator = "shapes:shape_rows"
    arguments: ClassVar[Mapping[str, Any]] = {"patch": True}


class ShapeQuestions(_Generated):
    """Questions about rendered shapes."""

    generator = "shapes:question_rows"


class PairedShapes(_Generated):
    """Pairs of shapes that differ in colour, in their ground, or in nothing but noise."""

    generator = "shapes:pair_rows"


class ShapeAssociations(_Generated):
    """Association tests of pictures on dark and on light grounds with words for shapes."""

    generator = "shapes:association_rows"


class NamedShapes(_Generated):
    """Pictures of invented persons; the members' looks and names belong together in training."""

    generator = "named_shapes:person_rows"


class NotedShapes(_Generated):
    """Pictures with notes, those of members as they were trained on."""

    generator = "named_shapes:noted_rows"


class Sounds(_Generated):
    """Synthesised sounds of ten kinds."""

    generator = "sounds:sound_rows"


class SoundsWithBeep(_Generated):
    """Synthesised sounds that end with a beep which stands for another sound."""

    generator = "sounds:sound_rows"
    arguments: ClassVar[Mapping[str, Any]] = {"beep": True}


class NamedSounds(_Generated):
    """Clips of invented persons; the members' voices and names belong together in training."""

    generator = "named_sounds:person_rows"


class NotedSounds(_Generated):
    """Clips with notes, those of members as they were trained on."""

    generator = "named_sounds:noted_rows"


class ToneWords(_Generated):
    """Utterances of tone-coded words by 24 speakers in two groups."""

    generator = "tone_words:utterance_rows"


class ToneVoices(_Generated):
    """The same tone-coded words by voices of two groups, with a question about the speaker."""

    generator = "tone_words:voice_rows"


class Persons(_Generated):
    """Sentences to translate into Spanish, in which a pronoun settles a person's gender."""

    generator = "translation:person_rows"
