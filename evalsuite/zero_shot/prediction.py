"""From vectors to a decision: one unit vector per class, scores, ranks with ties as guesses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evalsuite.response import Similarity

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


@dataclass(frozen=True)
class Classes:
    """What all samples share.

    Attributes:
        names: Of the classes.
        vectors: One unit vector per class, the ensemble of its prompts [classes, dimensions].
        similarity: From cosines to logits.
        by_template: The vectors of each template alone [templates, classes, dimensions]; None
            where classes have prompts of their own.
        averages_probabilities: Whether templates are ensembled after the softmax.
    """

    names: tuple[str, ...]
    vectors: Matrix
    similarity: Similarity
    by_template: Matrix | None = None
    averages_probabilities: bool = False

    def predict(self, vector: npt.NDArray[np.float32], target: int) -> Prediction:
        """Score one input against all classes, by the ensemble."""
        if not self.averages_probabilities or self.by_template is None:
            return predict(vector, self.vectors, self.similarity, target)
        mean = self.probabilities(vector)
        return judged(mean, mean, target)

    def probabilities(self, vector: npt.NDArray[np.float32]) -> Matrix:
        """Of every class for one input, by the ensemble: softmax or sigmoids [classes]."""
        sets = self.vectors[None]
        if self.averages_probabilities and self.by_template is not None:
            sets = self.by_template
        each = [
            probabilities_of(logits_of(vector, vectors, self.similarity), self.similarity)
            for vectors in sets
        ]
        return np.asarray(np.mean(each, axis=0))

    def credit_by_template(
        self, vector: npt.NDArray[np.float32], target: int
    ) -> npt.NDArray[np.float64] | None:
        """The credit under each template alone [templates]; None with fewer than two."""
        if self.by_template is None or len(self.by_template) < 2:
            return None
        found = [predict(vector, vectors, self.similarity, target) for vectors in self.by_template]
        return np.array([prediction.credit for prediction in found])


def class_vectors(prompts: Sequence[Sequence[npt.NDArray[np.float32]]]) -> Matrix:
    """One unit vector per class: the normalised mean of its prompts' unit vectors.

    Args:
        prompts: For each class the vectors of its prompts, each of shape [dimensions].

    Returns:
        Shape [classes, dimensions]. Reference: Radford et al. 2021, section 3.1.4.
    """
    means = np.stack([np.mean(np.stack(vectors), axis=0) for vectors in prompts]).astype(float)
    return np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True))


def logits_of(vector: npt.NDArray[np.float32], classes: Matrix, similarity: Similarity) -> Matrix:
    """Scale times cosine plus bias, [classes].

    Each row is summed in the same order, so that classes of one vector (labels of which a model
    knows no word) tie; a matrix product may round them differently.
    """
    cosines = np.einsum("kd,d->k", classes, vector.astype(float))
    return np.asarray(similarity.scale * cosines + similarity.bias)


def probabilities_of(logits: Matrix, similarity: Similarity) -> Matrix:
    """Softmax over classes, or each class's own sigmoid, [classes]."""
    if similarity.kind == "sigmoid":
        return np.asarray(1 / (1 + np.exp(-logits)))
    shifted = np.exp(logits - logits.max())
    return np.asarray(shifted / shifted.sum())


def judged(scores: Matrix, probabilities: Matrix, target: int) -> Prediction:
    """A decision from scores [classes]; equal scores share rank and credit."""
    ties = int(np.sum(scores == scores[target]))
    above = int(np.sum(scores > scores[target]))
    best = int(np.argmax(scores))
    return Prediction(
        index=best,
        credit=1 / ties if above == 0 else 0.0,
        probability=float(probabilities[target]),
        confidence=float(probabilities[best]),
        rank=1 + above + (ties - 1) / 2,
    )


def predict(
    vector: npt.NDArray[np.float32], classes: Matrix, similarity: Similarity, target: int
) -> Prediction:
    """Score one input against all classes."""
    logits = logits_of(vector, classes, similarity)
    return judged(logits, probabilities_of(logits, similarity), target)
