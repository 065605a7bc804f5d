"""Captions that a model writes, against reference captions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from evalsuite import (
    Card,
    DataError,
    Generate,
    Mean,
    Metric,
    Null,
    Probe,
    Proportion,
    Ratio,
    Sample,
)
from evalsuite_vision.metrics.caption_estimates import (
    MISMATCHED,
    CaptionBleu,
    CiderD,
    MismatchedMean,
)
from evalsuite_vision.metrics.caption_words import Words, caption_words
from evalsuite_vision.metrics.captions import (
    ReferenceFrequencies,
    cider_d,
    reference_frequencies,
    rouge_l,
)
from evalsuite_vision.metrics.objects import ObjectWords, hallucinations
from evalsuite_vision.metrics.pairing import partners
from evalsuite_vision.metrics.text_lists import listed, written
from evalsuite_vision.tasks.identity import image_id

SCORES: tuple[Metric, ...] = (
    CiderD(
        "cider_d",
        name="CIDEr-D",
        clusters="image_id",
        null=Null(0.0, margin=0.05, side="above", why=MISMATCHED),
        chance="cider_d_mismatched",
        direction="higher is better",
        primary=True,
    ),
    CaptionBleu(name="BLEU-4", clusters="image_id", margin=0.01, primary=True),
    MismatchedMean(
        "rouge_l",
        name="ROUGE-L",
        clusters="image_id",
        null=Null(0.0, margin=0.01, side="above", why=MISMATCHED),
        chance="rouge_l_mismatched",
        direction="higher is better",
        primary=True,
    ),
    *(
        CaptionBleu(name=f"BLEU-{order}", order=order, clusters="image_id", margin=0.01)
        for order in (1, 2, 3)
    ),
    Mean("n_words", name="words in a caption", clusters="image_id"),
    Proportion("is_empty", name="empty captions", clusters="image_id", direction="lower is better"),
    Proportion("is_cut", name="captions cut at the limit", direction="lower is better"),
)
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
class CaptionSet:
    """What all samples share: the weights of n-grams, and the vocabulary of objects."""

    frequencies: ReferenceFrequencies
    vocabulary: ObjectWords | None


@dataclass(frozen=True)
class Captioning(Probe):
    """Write a caption of every image and compare it with the references.

    The weights of CIDEr-D come from the references of all samples of the job, answered or not, so
    that two models on the same data are measured alike.

    Args:
        prompt: What stands after the image; may be empty.
        max_tokens: Longest caption.
        objects: Field with the list of objects in the image; given, CHAIR is measured.
        object_words: The vocabulary of CHAIR: lines such as ``person, man, woman``, the object's
            name first; without these and a file, the lists that the samples have.
        objects_file: File with more such lines.
    """

    prompt: str = "Describe the image in one sentence."
    max_tokens: int = 40
    objects: str = ""
    object_words: tuple[str, ...] = ()
    objects_file: str = ""

    name: ClassVar[str] = "vision/captioning"
    family: ClassVar[Any] = "task"
    needs: ClassVar[Any] = (Generate,)
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
        return ("image", "captions", *([self.objects] if self.objects else []))

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """Scores against references, length, empty and cut captions, and CHAIR where asked."""
        return (*SCORES, *(CHAIR if self.objects else ()))

    def prepare(self, samples: Sequence[Sample]) -> Any:
        """Weigh the n-grams of all references; asks nothing."""
        references = []
        for sample in samples:
            try:
                references.append([caption_words(text) for text in references_of(sample)])
            except DataError:  # it fails by itself when it is asked about
                continue
        return CaptionSet(reference_frequencies(references), self._vocabulary(samples))
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

    def ask(self, sample: Sample, context: CaptionSet) -> Any:
        """Write one caption."""
        texts = references_of(sample)
        references = [caption_words(text) for text in texts]
        parts = (sample["image"], self.prompt) if self.prompt else (sample["image"],)
        reply = yield Generate(parts, max_tokens=self.max_tokens)
        caption = reply.text.strip()
        words = caption_words(caption)
        return {
            "image_id": image_id(sample),
            "caption": caption,
            "references": written(texts),
            "cider_d": _number(cider_d(words, references, context.frequencies)),
            "rouge_l": rouge_l(words, references),
            "n_words": len(words),
            "is_empty": float(not words),
            "is_cut": float(reply.finish_reason == "length"),
            **self._objects(sample, words, references, context),
        }

    def _objects(
        self, sample: Sample, words: Words, references: Sequence[Words], context: CaptionSet
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

    def tabulate(
        self, records: Sequence[Mapping[str, Any]], context: Any, rng: np.random.Generator
    ) -> Sequence[Mapping[str, Any]]:
        """Add what each caption scores against the references of another image."""
        others = partners([r["references"] for r in records], [r["caption"] for r in records])
        if not others:
            return records
        return [
            {**record, **_mismatched(record["caption"], records[other]["references"], context)}
            for record, other in zip(records, others, strict=True)
        ]


def _mismatched(caption: str, references: str, context: CaptionSet) -> Mapping[str, Any]:
    words = caption_words(caption)
    theirs = [caption_words(text) for text in listed(references)]
    return {
        "cider_d_mismatched": _number(cider_d(words, theirs, context.frequencies)),
        "rouge_l_mismatched": rouge_l(words, theirs),
    }


def references_of(sample: Sample) -> list[str]:
    """The reference captions; raises DataError unless there is one with a word in it."""
    value = sample["captions"]
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list | tuple) or not texts:
        raise DataError(f"captions must be a text or a list of texts (got {value!r})")
    blank = [text for text in texts if not isinstance(text, str) or not caption_words(text)]
    if blank:
        raise DataError(f"every reference caption must have a word (got {blank[0]!r})")
    return list(texts)


def _object_list(value: Any) -> list[str]:
    """The objects of one image; raises DataError for anything but a list of texts."""
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise DataError(f"the objects of an image must be a list of texts (got {value!r})")
    return list(value)


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
