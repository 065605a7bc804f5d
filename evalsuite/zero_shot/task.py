"""Probes that classify by the closest description, and the task that counts right answers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np

from evalsuite.classification import CalibrationError
from evalsuite.content import Audio, Image
from evalsuite.errors import DataError
from evalsuite.metric import Metric
from evalsuite.probe import Asking, Preparing, Probe
from evalsuite.request import EmbedAudio, EmbedImage, EmbedText, SimilarityScale
from evalsuite.source import Sample
from evalsuite.summaries import Mean, Proportion
from evalsuite.zero_shot.metrics import BY_TEMPLATE, MeanPerClassRecall, TemplateSpread
from evalsuite.zero_shot.prediction import Classes, Prediction, class_vectors
from evalsuite.zero_shot.prompts import ClassPrompts, read_lines, read_prompts


@dataclass(frozen=True)
class ZeroShotProbe(Probe):
    """Base of probes that classify an image or a clip by its closest class description.

    Args:
        classes: Names of all classes; without them, the labels that the data have.
        classes_path: The same in a text file, one a line.
        templates: Prompts; ``{}`` or ``{c}`` is the class's name.
        templates_path: The same in a text file, one a line.
        prompts: Prompts of each class's own instead of templates, {class: (prompt, ...)}.
        prompts_path: The same in a JSON file.
        ensemble: Whether several templates are averaged as vectors (Radford et al. 2021) or as
            probabilities.

    A subclass says in ``medium`` which field holds the input, ``image`` or ``audio``.
    """

    classes: tuple[str, ...] = ()
    templates: tuple[str, ...] = ("a photo of a {}",)
    prompts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    prompts_path: str = ""
    ensemble: Literal["embedding", "probability"] = "embedding"
    classes_path: str = ""
    templates_path: str = ""

    medium: ClassVar[str] = "image"

    def __post_init__(self) -> None:
        """Refuse an ensemble of probabilities over prompts that are not the same for all."""
        if self.ensemble == "probability" and (self.prompts or self.prompts_path):
            raise ValueError("ensemble: probability averages over templates, not over own prompts")

    def prepare(self, samples: Sequence[Sample]) -> Preparing:
        """Embed every prompt of every class once; returns the Classes."""
        prompts = self._prompts(samples)
        texts = [text for own in prompts.texts for text in own]
        replies = yield (*(EmbedText(text) for text in texts), SimilarityScale())
        vectors = iter([reply.vector for reply in replies[:-1]])
        grouped = [[next(vectors) for _ in own] for own in prompts.texts]
        is_stacked = prompts.is_templated and len(grouped[0]) > 1
        by_template = np.swapaxes(np.array(grouped, dtype=float), 0, 1) if is_stacked else None
        return Classes(
            prompts.names,
            class_vectors(grouped),
            replies[-1],
            by_template,
            self.ensemble == "probability",
        )

    def _prompts(self, samples: Sequence[Sample]) -> ClassPrompts:
        own = read_prompts(self.prompts_path) if self.prompts_path else self.prompts
        given = read_lines(self.classes_path) if self.classes_path else self.classes
        templates = read_lines(self.templates_path) if self.templates_path else self.templates
        return ClassPrompts.of(given or tuple(own) or self._labels(samples), templates, own)

    def _labels(self, samples: Sequence[Sample]) -> tuple[str, ...]:
        """The classes that the data have."""
        return tuple(sorted({str(sample["label"]) for sample in samples}))


def embed(medium: Image | Audio) -> EmbedImage | EmbedAudio:
    """The request for the vector of an image or a clip; raises DataError for anything else."""
    if isinstance(medium, Image):
        return EmbedImage(medium)
    if isinstance(medium, Audio):
        return EmbedAudio(medium)
    raise DataError(f"there is no image or clip to embed, but a {type(medium).__name__}")


def class_index(label: str, names: Sequence[str]) -> int:
    """The index of a label among the classes; raises ValueError naming them when it is none."""
    if label not in names:
        raise ValueError(f"the label {label!r} is not among the classes: {', '.join(names)}")
    return list(names).index(label)


def classification_record(
    found: Prediction, target: int, names: Sequence[str], sample: Sample
) -> Mapping[str, Any]:
    """The flat record of one classified sample."""
    return {
        "correct": found.credit,
        "predicted": names[found.index],
        "target": names[target],
        "probability": found.probability,
        "confidence": found.confidence,
        "surprise": -math.log(max(found.probability, 1e-300)),
        "in_top5": float(found.rank <= 5) if len(names) > 5 else None,
        "chance": 1 / len(names),
        "group": sample.get("group"),
    }


@dataclass(frozen=True)
class ZeroShotTask(ZeroShotProbe):
    """Base of the tasks: how often is the closest class the right one?"""

    family: ClassVar[Any] = "task"
    metrics: ClassVar[Sequence[Metric]] = (
        Proportion(
            "correct", name="accuracy", chance="chance", direction="higher is better", primary=True
        ),
        MeanPerClassRecall(),
        Proportion("in_top5", name="top-5 accuracy", direction="higher is better"),
        Mean("surprise", name="negative log-likelihood", direction="lower is better"),
        CalibrationError(),
        TemplateSpread(),
    )

    def ask(self, sample: Sample, context: Classes) -> Asking:
        """Embed the input and compare."""
        target = class_index(str(sample["label"]), context.names)
        embedding = yield embed(sample[self.medium])
        found = context.predict(embedding.vector, target)
        record = dict(classification_record(found, target, context.names, sample))
        each = context.credit_by_template(embedding.vector, target)
        return record if each is None else {**record, BY_TEMPLATE: each}
