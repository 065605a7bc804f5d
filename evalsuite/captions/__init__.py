"""Captions of images or clips: written by a model, or given; scored by words and by vectors."""

from evalsuite.captions.encoder_scores import EncoderScoresTask, cosine, nearest_cosine
from evalsuite.captions.estimates import MISMATCHED, CaptionBleu, CiderD, MismatchedMean
from evalsuite.captions.pairing import partners
from evalsuite.captions.scores import (
    ReferenceFrequencies,
    bleu_of,
    bleu_statistics,
    cider_d,
    reference_frequencies,
    rouge_l,
)
from evalsuite.captions.words import Words, caption_words
from evalsuite.captions.writing import (
    CaptioningTask,
    CaptionSet,
    caption_metrics,
    frequencies_of,
    references_of,
)

__all__ = [
    "MISMATCHED",
    "CaptionBleu",
    "CaptionSet",
    "CaptioningTask",
    "CiderD",
    "EncoderScoresTask",
    "MismatchedMean",
    "ReferenceFrequencies",
    "Words",
    "bleu_of",
    "bleu_statistics",
    "caption_metrics",
    "caption_words",
    "cider_d",
    "cosine",
    "frequencies_of",
    "nearest_cosine",
    "partners",
    "reference_frequencies",
    "references_of",
    "rouge_l",
]
