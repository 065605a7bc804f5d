"""Captions that a model writes of images, against reference captions; invented objects (CHAIR)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from evalsuite import Card, DataError, Metric, Proportion, Ratio, Sample
from evalsuite.captions import CaptioningTask, CaptionSet, Words, frequencies_of
from evalsuite.text_lists import written
from evalsuite_vision.metrics.objects import ObjectWords, hallucinations

CHAIR: tuple[Metric, ...] = (
    Ratio(
        "n_objects_invented",
        "n_objects_mentioned",
        name="CHAIRi",
        clusters="image_id",
        direction="lower is better",
    ),
    Proportion("invents", name="CHAIRs", clusters="image_id", direction="lower is better"),
    Ratio(
        "n_objects_recalled",
        "n_objects_present",
        name="objects mentioned of those present",
        clusters="image_id",
        direction="higher is better",
    ),
)


@dataclass(frozen=True)
class ObjectSet(CaptionSet):
    """What all samples share: also the vocabulary of objects."""

    vocabulary: ObjectWords | None


@dataclass(frozen=True)
class Captioning(CaptioningTask):
    """Write a caption of every image and compare it with the references.

    Args:
        prompt: What stands after the image; may be empty.
        max_tokens: Longest caption.
        objects: Field with the list of objects in the image; given, CHAIR is measured.
        object_words: The vocabulary of CHAIR: lines such as ``person, man, woman``, the object's
            name first; without these and a file, the lists that the samples have.
        objects_file: File with more such lines.
    """

    objects: str = ""
    object_words: tuple[str, ...] = ()
    objects_file: str = ""

    medium: ClassVar[Any] = "image"
    name: ClassVar[str] = "vision/captioning"
    card: ClassVar[Card] = Card(
        measures="How close the captions that a model writes come to what people wrote about the "
        "same image: CIDEr-D (n-grams that are rare elsewhere), BLEU-4 and ROUGE-L; with a list "
        "of objects, also how often it names what is not there (CHAIR).",
        does_not_measure="Whether a caption is true or good in other words than the references; "
        "published figures differ a little, since words are cut here by rules in Python.",
        reference="Vedantam et al. 2015 (CIDEr-D); Papineni et al. 2002; Lin 2004; Rohrbach et "
        "al. 2018 (CHAIR)",
        critique="CIDEr-D depends on the set of images that is evaluated together: figures of a "
        "subset and of the whole set do not compare. CHAIR rewards saying little: read it next "
        "to the share of objects that are mentioned.",
    )

    def __post_init__(self) -> None:
        """Refuse object words without a field to compare them with, and a missing file."""
        if (self.object_words or self.objects_file) and not self.objects:
            raise ValueError("object words need `objects`, the field with the image's objects")
        if self.objects_file and not Path(self.objects_file).is_file():
            raise ValueError(f"objects_file {self.objects_file!r} is not a file")

    @property
    def fields(self) -> tuple[str, ...]:  # type: ignore[override]
        """The fields that every sample must have."""
        return (*super().fields, *([self.objects] if self.objects else []))

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """Scores against references, length, empty and cut captions, and CHAIR where asked."""
        return (*super().metrics, *(CHAIR if self.objects else ()))

    def prepare(self, samples: Sequence[Sample]) -> Any:
        """Weigh the n-grams of all references and collect the objects' words; asks nothing."""
        return ObjectSet(frequencies_of(samples), self._vocabulary(samples))
        yield  # makes this a generator

    def _vocabulary(self, samples: Sequence[Sample]) -> ObjectWords | None:
        if not self.objects:
            return None
        lines = list(self.object_words)
        if self.objects_file:
            lines += Path(self.objects_file).read_text(encoding="utf-8").splitlines()
        if not lines:
            lists = (s.get(self.objects) for s in samples)
            lines = sorted({str(n) for names in lists if isinstance(names, list) for n in names})
        return ObjectWords.from_lines(lines)

    def further(
        self, sample: Sample, words: Words, references: Sequence[Words], context: ObjectSet
    ) -> Mapping[str, Any]:
        """What CHAIR counts; a caption without a word tells nothing about what it invents."""
        if context.vocabulary is None:
            return {}
        present = _object_list(sample[self.objects])
        found = hallucinations(words, references, present, context.vocabulary)
        return {
            "n_objects_mentioned": found.n_mentioned,
            "n_objects_invented": found.n_hallucinated,
            "n_objects_present": found.n_present,
            "n_objects_recalled": found.n_recalled,
            "objects_invented": written(found.invented),
            "invents": float(found.n_hallucinated > 0) if words else None,
        }


def _object_list(value: Any) -> list[str]:
    """The objects of one image; raises DataError for anything but a list of texts."""
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise DataError(f"the objects of an image must be a list of texts (got {value!r})")
    return list(value)
