"""Captions that a model writes, against reference captions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from evalsuite.captions.estimates import MISMATCHED, CaptionBleu, CiderD, MismatchedMean
from evalsuite.captions.pairing import partners
from evalsuite.captions.scores import (
    ReferenceFrequencies,
    cider_d,
    reference_frequencies,
    rouge_l,
)
from evalsuite.captions.words import Words, caption_words
from evalsuite.content import as_content
from evalsuite.errors import DataError
from evalsuite.identity import medium_id
from evalsuite.metric import Metric, Null
from evalsuite.probe import Asking, Preparing, Probe
from evalsuite.request import Generate
from evalsuite.source import Sample
from evalsuite.summaries import Mean, Proportion
from evalsuite.text_lists import listed, written


@dataclass(frozen=True)
class CaptionSet:
    """What all samples share: the weights of n-grams."""

    frequencies: ReferenceFrequencies


@dataclass(frozen=True)
class CaptioningTask(Probe):
    """Base: write a caption of every image or clip and compare it with the references.

    The weights of CIDEr-D come from the references of all samples of the job, answered or not, so
    that two models on the same data are measured alike.

    Args:
        prompt: What stands after the image or clip; may be empty.
        max_tokens: Longest caption.

    A subclass says in ``medium`` which field holds the image or clip.
    """

    prompt: str = "Describe the image in one sentence."
    max_tokens: int = 40

    medium: ClassVar[Literal["image", "audio"]] = "image"
    family: ClassVar[Any] = "task"
    needs: ClassVar[Any] = (Generate,)

    @property
    def fields(self) -> tuple[str, ...]:  # type: ignore[override]
        """The fields that every sample must have."""
        return (self.medium, "captions")

    @property
    def media(self) -> tuple[Literal["image", "audio"], ...]:  # type: ignore[override]
        """The image or clip."""
        return (self.medium,)

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """Scores against references, length, empty and cut captions."""
        return caption_metrics(f"{self.medium}_id")

    def prepare(self, samples: Sequence[Sample]) -> Preparing:
        """Weigh the n-grams of all references; asks nothing."""
        return CaptionSet(frequencies_of(samples))
        yield  # makes this a generator

    def ask(self, sample: Sample, context: CaptionSet) -> Asking:
        """Write one caption."""
        texts = references_of(sample)
        references = [caption_words(text) for text in texts]
        medium = sample[self.medium]
        prompt = as_content((medium, self.prompt) if self.prompt else medium)
        reply = yield Generate(prompt, max_tokens=self.max_tokens)
        caption = reply.text.strip()
        words = caption_words(caption)
        return {
            f"{self.medium}_id": medium_id(sample, self.medium),
            "caption": caption,
            "references": written(texts),
            "cider_d": _number(cider_d(words, references, context.frequencies)),
            "rouge_l": rouge_l(words, references),
            "n_words": len(words),
            "is_empty": float(not words),
            "is_cut": float(reply.finish_reason == "length"),
            **self.further(sample, words, references, context),
        }

    def further(
        self, sample: Sample, words: Words, references: Sequence[Words], context: Any
    ) -> Mapping[str, Any]:
        """What else a subclass records of a caption's words."""
        del sample, words, references, context
        return {}

    def tabulate(
        self, records: Sequence[Mapping[str, Any]], context: Any, rng: np.random.Generator
    ) -> Sequence[Mapping[str, Any]]:
        """Add what each caption scores against the references of another image or clip."""
        others = partners([r["references"] for r in records], [r["caption"] for r in records])
        if not others:
            return records
        return [
            {**record, **_mismatched(record["caption"], records[other]["references"], context)}
            for record, other in zip(records, others, strict=True)
        ]


def caption_metrics(unit: str) -> tuple[Metric, ...]:
    """The metrics of every captioning task; ``unit`` is the column of the resampling unit."""
    above: Any = {"clusters": unit, "direction": "higher is better", "primary": True}
    lower: Any = "lower is better"
    return (
        CiderD(
            "cider_d",
            name="CIDEr-D",
            null=Null(0.0, margin=0.05, side="above", why=MISMATCHED),
            chance="cider_d_mismatched",
            **above,
        ),
        CaptionBleu(name="BLEU-4", clusters=unit, margin=0.01, primary=True),
        MismatchedMean(
            "rouge_l",
            name="ROUGE-L",
            null=Null(0.0, margin=0.01, side="above", why=MISMATCHED),
            chance="rouge_l_mismatched",
            **above,
        ),
        *(CaptionBleu(name=f"BLEU-{n}", order=n, clusters=unit, margin=0.01) for n in (1, 2, 3)),
        Mean("n_words", name="words in a caption", clusters=unit),
        Proportion("is_empty", name="empty captions", clusters=unit, direction=lower),
        Proportion("is_cut", name="captions cut at the limit", direction=lower),
    )


def frequencies_of(samples: Sequence[Sample]) -> ReferenceFrequencies:
    """The n-grams of all samples' references; a sample with wrong ones fails when it is asked."""
    references = []
    for sample in samples:
        try:
            references.append([caption_words(text) for text in references_of(sample)])
        except DataError:
            continue
    return reference_frequencies(references)


def _mismatched(caption: str, references: str, context: CaptionSet) -> Mapping[str, Any]:
    words = caption_words(caption)
    theirs = [caption_words(text) for text in listed(references, "references")]
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


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
