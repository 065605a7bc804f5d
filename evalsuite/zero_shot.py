"""Zero-shot decisions of dual encoders: which class, named in words, is closest to an input?

Shared by every probe that classifies images or clips in this way, whatever it then measures, so
that they ask the same questions (which are then answered once) and break ties alike.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from evalsuite.content import Audio, Image
from evalsuite.metric import Estimate, Metric, Table
from evalsuite.probe import Asking, Preparing, Probe
from evalsuite.request import EmbedAudio, EmbedImage, EmbedText, Similarity, SimilarityScale
from evalsuite.source import Sample
from evalsuite.statistics import bootstrap_interval
from evalsuite.summaries import Mean, Proportion

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Prediction:
    """What a dual encoder makes of one input.

    Attributes:
        index: The class with the highest score, the first of several.
        credit: 1 when the target alone is highest, 1/k when it ties with k - 1 others, else 0.
        probability: Of the target: softmax over classes, or the sigmoid of its own logit.
        confidence: Of the predicted class.
        rank: Expected rank of the target, ties in random order; 1 is best.
    """

    index: int
    credit: float
    probability: float
    confidence: float
    rank: float


def class_vectors(prompts: Sequence[Sequence[npt.NDArray[np.float32]]]) -> Matrix:
    """One unit vector per class: the normalised mean of its prompts' unit vectors.

    Args:
        prompts: For each class the vectors of its prompts, each of shape [dimensions].

    Returns:
        Shape [classes, dimensions]. Reference: Radford et al. 2021, section 3.1.4.
    """
    means = np.stack([np.mean(np.stack(vectors), axis=0) for vectors in prompts]).astype(float)
    return np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True))


def predict(
    vector: npt.NDArray[np.float32], classes: Matrix, similarity: Similarity, target: int
) -> Prediction:
    """Score one input against all classes."""
    logits = similarity.scale * (classes @ vector.astype(float)) + similarity.bias
    if similarity.kind == "sigmoid":
        probabilities = 1 / (1 + np.exp(-logits))
    else:
        shifted = np.exp(logits - logits.max())
        probabilities = shifted / shifted.sum()
    ties = int(np.sum(logits == logits[target]))
    above = int(np.sum(logits > logits[target]))
    best = int(np.argmax(logits))
    return Prediction(
        index=best,
        credit=1 / ties if above == 0 else 0.0,
        probability=float(probabilities[target]),
        confidence=float(probabilities[best]),
        rank=1 + above + (ties - 1) / 2,
    )


def fill(template: str, name: str) -> str:
    """Put a class name into a template; ``{}`` and ``{c}`` both mark the place."""
    return template.replace("{c}", "{}").replace("{}", name.replace("_", " "))


@dataclass(frozen=True)
class Classes:
    """What all samples share: names, vectors and the similarity's scale."""

    names: tuple[str, ...]
    vectors: Matrix
    similarity: Similarity


@dataclass(frozen=True)
class ZeroShotProbe(Probe):
    """Base of probes that classify an image or a clip by its closest class description.

    Args:
        classes: Names of all classes; without them, the labels that the data have.
        templates: Prompts; ``{}`` or ``{c}`` is the class's name.

    A subclass says in ``medium`` which field holds the input, ``image`` or ``audio``.
    """

    classes: tuple[str, ...] = ()
    templates: tuple[str, ...] = ("a photo of a {}",)

    medium: ClassVar[str] = "image"

    def prepare(self, samples: Sequence[Sample]) -> Preparing:
        """Embed every class in every template once; returns the Classes."""
        names = self.classes or tuple(sorted({str(sample["label"]) for sample in samples}))
        prompts = tuple(EmbedText(fill(t, name)) for name in names for t in self.templates)
        replies = yield (*prompts, SimilarityScale())
        width = len(self.templates)
        vectors = [reply.vector for reply in replies[:-1]]
        grouped = [vectors[i : i + width] for i in range(0, len(vectors), width)]
        return Classes(names, class_vectors(grouped), replies[-1])


def embed(medium: Image | Audio) -> EmbedImage | EmbedAudio:
    """The request for the vector of an image or a clip."""
    return EmbedImage(medium) if isinstance(medium, Image) else EmbedAudio(medium)


@dataclass(frozen=True)
class MeanPerClassRecall:
    """Mean over classes of the share of a class's samples that are recognised; range [0, 1].

    Unlike accuracy it does not let frequent classes outweigh rare ones. Interval: bootstrap over
    samples. Undefined: no class has a sample.
    """

    name: str = "mean per-class recall"
    primary: bool = False

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """One estimate."""
        correct = table.numbers("correct")
        names = np.array([str(item) for item in table["target"]])
        rows = np.stack([names == name for name in np.unique(names)]).astype(float)

        def recall(values: Any, counts: Any) -> Any:
            hits = (counts * values) @ rows.T
            seen = counts @ rows.T
            with np.errstate(invalid="ignore", divide="ignore"):
                return np.nanmean(np.where(seen > 0, hits / seen, math.nan), axis=1)

        interval = bootstrap_interval(correct, recall, rng=rng)
        return [
            Estimate(
                self.name,
                float(recall(correct, np.ones((1, len(correct))))[0]),
                interval.low,
                interval.high,
                method=interval.method,
                n=table.n,
                direction="higher is better",
            )
        ]


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
    )

    def ask(self, sample: Sample, context: Classes) -> Asking:
        """Embed the input and compare."""
        target = class_index(str(sample["label"]), context.names)
        embedding = yield embed(sample[self.medium])
        found = predict(embedding.vector, context.vectors, context.similarity, target)
        return classification_record(found, target, context.names, sample)
