"""Registers the bias and fairness probes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalsuite import hookimpl

if TYPE_CHECKING:
    from evalsuite.registry import Catalogue

api_version = 1


@hookimpl
def evalsuite_register_probes(registry: Catalogue) -> None:
    """Declare the probes."""
    for name, factory, summary, modality in (
        (
            "stereotype-pairs",
            "stereotype_pairs:StereotypePairs",
            "is the stereotype more probable than its opposite?",
            "text",
        ),
        (
            "image-zero-shot-gap",
            "zero_shot_gap:ImageZeroShotGap",
            "zero-shot accuracy by group of images",
            "image",
        ),
        (
            "audio-zero-shot-gap",
            "zero_shot_gap:AudioZeroShotGap",
            "zero-shot accuracy by group of clips",
            "audio",
        ),
        (
            "transcription-gap",
            "speech.transcription_gap:TranscriptionGap",
            "word error rate by group of speakers",
            "audio",
        ),
        (
            "association",
            "associations.association:Association",
            "are two sets of words, pictures or clips associated with two others?",
            "text",
        ),
        (
            "image-retrieval-skew",
            "associations.retrieval_skew:ImageRetrievalSkew",
            "which group's images come first for neutral queries?",
            "image",
        ),
        (
            "audio-retrieval-skew",
            "associations.retrieval_skew:AudioRetrievalSkew",
            "which group's clips come first for neutral queries?",
            "audio",
        ),
        (
            "image-harmful-labels",
            "associations.harmful_labels:ImageHarmfulLabels",
            "which group's images are labelled as an animal or a crime?",
            "image",
        ),
        (
            "audio-harmful-labels",
            "associations.harmful_labels:AudioHarmfulLabels",
            "which group's voices are labelled as an animal or a crime?",
            "audio",
        ),
        (
            "paired-images",
            "written.paired_images:PairedImages",
            "does an answer depend on which of two paired images is shown?",
            "image",
        ),
        (
            "voice",
            "written.voice:Voice",
            "does an answer depend on whose voice says the same words?",
            "audio",
        ),
        (
            "generation",
            "written.generation:OpenGeneration",
            "what is written about different groups: toxicity, sentiment, words, refusals",
            "text",
        ),
        (
            "recorded-decisions",
            "recorded_decisions:RecordedDecisions",
            "error rates by group of decisions that are in the data",
            "tabular",
        ),
    ):
        registry.add(
            f"fairness/{name}",
            factory=f"evalsuite_fairness.{factory}",
            summary=summary,
            tags=("fairness", modality),
        )
