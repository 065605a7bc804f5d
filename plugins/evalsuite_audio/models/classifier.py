"""Audio classifiers through transformers: keywords, emotions, languages, sounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from transformers import AutoModelForAudioClassification

from evalsuite import Classification, Classify, Failure, LoadSettings, ModelError, ModelInfo
from evalsuite_audio.models.clip_model import ClipLoader, ClipModel
from evalsuite_transformers.checkpoint import Checkpoint
from evalsuite_transformers.labels import label_names, label_probabilities

# Labels that are named in a report; AudioSet has 527.
_NAMED = 20


class AudioClassifier(ClipModel):
    """A speech or sound encoder with a classification head.

    A head for several labels at once (AudioSet's) was trained with a sigmoid for each. Its answer
    here is the probability of each label given that exactly one applies. For independent labels
    with logits z that is softmax(z): p_i Π_{j≠i} (1 - p_j) is proportional to p_i / (1 - p_i) =
    exp(z_i). So probabilities sum to 1 as for any classifier, in the order of the sigmoids.
    """

    kind: ClassVar[str] = "audio classifier"
    method: ClassVar[str] = "classify"
    auto_class: ClassVar[Any] = AutoModelForAudioClassification
    windows: ClassVar[str] = "their probabilities averaged"

    @classmethod
    def open(cls, reference: str, settings: LoadSettings) -> Checkpoint:
        """The checkpoint; raises ModelError for a head whose outputs are no labels."""
        checkpoint = super().open(reference, settings)
        if getattr(checkpoint.config, "problem_type", None) == "regression":
            raise ModelError(
                f"Model {reference!r} has a head for regression: its outputs are no probabilities "
                "of labels. Use a checkpoint that was trained for classification."
            )
        return checkpoint

    @classmethod
    def described(cls, reference: str, checkpoint: Checkpoint, **facts: Any) -> ModelInfo:
        """What is known of a checkpoint, its labels among it."""
        names = label_names(checkpoint.config)
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        details = {"labels": ", ".join(names[:_NAMED]) + more, **facts.pop("details", {})}
        if getattr(checkpoint.config, "problem_type", None) == "multi_label_classification":
            details["head"] = "several labels at once; probabilities given that one applies"
        return super().described(reference, checkpoint, details=details, **facts)

    def classify(self, requests: Sequence[Classify]) -> list[Classification | Failure]:
        """Softmax (of a single logit: sigmoid) in float64; over windows, its mean."""
        labels = label_names(self.module.config)
        answers: list[Classification | Failure] = []
        for found in self.rows(requests):
            if isinstance(found, Failure):
                answers.append(found)
            else:
                probabilities = label_probabilities(found.double()).mean(dim=0)
                answers.append(Classification(labels, tuple(probabilities.tolist())))
        return answers

    def read(self, inputs: dict[str, torch.Tensor], lengths: Sequence[int]) -> torch.Tensor:
        """Logits [rows, labels]."""
        logits: torch.Tensor = self.module(**inputs).logits
        return logits


class Loader(ClipLoader):
    """The loader behind ``hf/audio-classifier:``."""

    model: ClassVar[type[ClipModel]] = AudioClassifier
