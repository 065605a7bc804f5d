"""Linear models of real texts, drawings and sounds, trained in seconds: what they read is known.

Each is a function from a request to an answer. Those of drawings and sounds answer as dual encoders
do: scale times cosine is the linear model's logit, exactly, since the vectors of all classes are
padded to one length where inputs have a 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from sklearn.cluster import MiniBatchKMeans
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from evalsuite import (
    Audio,
    Classification,
    Classify,
    Embedding,
    EmbedText,
    Similarity,
    SimilarityScale,
)

Features = Callable[[object], np.ndarray]


@dataclass(frozen=True)
class BagOfWords:
    """Logistic regression on which words a text has."""

    counts: CountVectorizer
    fitted: LogisticRegression

    @classmethod
    def trained(cls, texts: Sequence[str], labels: Sequence[str]) -> BagOfWords:
        counts = CountVectorizer(binary=True)
        fitted = LogisticRegression(C=0.1, max_iter=500).fit(counts.fit_transform(texts), labels)
        return cls(counts, fitted)

    def __call__(self, request: Classify) -> Classification:
        assert isinstance(request, Classify)
        shares = self.fitted.predict_proba(self.counts.transform([request.content[0].text]))[0]
        return Classification(tuple(self.fitted.classes_.tolist()), tuple(shares.tolist()))


@dataclass(frozen=True)
class LinearEncoder:
    """A dual encoder whose texts are class names, each the weights of its logit.

    Attributes:
        features: Of an input, a unit vector.
        names: Of the classes, by which a text is told: it holds one.
        weights: One row for each class.
        kind: Softmax for one class of many, sigmoid for each by itself.
    """

    features: Features
    names: tuple[str, ...]
    weights: np.ndarray
    kind: str = "softmax"

    @cached_property
    def _known(self) -> dict[str, Embedding]:
        return {}

    def __call__(self, request: object) -> Embedding | Similarity:
        if isinstance(request, SimilarityScale):
            return Similarity(self._length, kind=self.kind)
        if isinstance(request, EmbedText):
            (index,) = [i for i, name in enumerate(self.names) if name in request.text]
            return Embedding(self._padded[index])
        if request.digest not in self._known:
            medium = request.audio if hasattr(request, "audio") else request.image
            vector = np.append(self.features(medium), 0.0).astype(np.float32)
            self._known[request.digest] = Embedding(vector)
        return self._known[request.digest]

    @cached_property
    def _length(self) -> float:
        return float(np.linalg.norm(self.weights, axis=1).max())

    @cached_property
    def _padded(self) -> np.ndarray:
        missing = self._length**2 - (self.weights**2).sum(axis=1)
        rows = np.column_stack([self.weights, np.sqrt(np.maximum(missing, 0))])
        return (rows / self._length).astype(np.float32)


def unit(values: np.ndarray) -> np.ndarray:
    """The values and a constant, which stands for the intercept, as a unit vector."""
    row = np.append(values, 3.0)
    return row / np.linalg.norm(row)


# ------------------------------------------------------------------------------------------------
# Drawings: how often each of many small patches is seen
# ------------------------------------------------------------------------------------------------

SIDE, STRIDE, N_PATCHES = 9, 3, 150


def patches(picture: object) -> np.ndarray:
    """Small squares of a picture that are not of one colour [squares, 3 x side x side]."""
    pixels = np.asarray(picture.load().convert("RGB"), dtype=np.float32) / 255
    windows = np.lib.stride_tricks.sliding_window_view(pixels, (SIDE, SIDE), axis=(0, 1))
    rows = windows[::STRIDE, ::STRIDE].reshape(-1, 3 * SIDE * SIDE)
    return rows[rows.std(axis=1) > 0.05]


def drawing_encoder(pictures: Sequence[object], kinds: Sequence[set[str]]) -> LinearEncoder:
    """Which kinds of objects are in a drawing, each by a logistic regression on its patches."""
    rng = np.random.default_rng(0)
    seen = [patches(picture) for picture in pictures]
    pool = [p[rng.permutation(len(p))[:60]] for p in seen[:300]]
    found = MiniBatchKMeans(N_PATCHES, random_state=0, n_init=1, batch_size=2048)
    centres = found.fit(np.concatenate(pool)).cluster_centers_

    def counted(rows: np.ndarray) -> np.ndarray:
        nearest = ((centres**2).sum(axis=1) - 2 * rows @ centres.T).argmin(axis=1)
        return unit(np.sqrt(np.bincount(nearest, minlength=N_PATCHES)))

    matrix = np.array([counted(rows) for rows in seen])
    names = tuple(sorted(set().union(*kinds)))
    fits = [
        LogisticRegression(C=30, fit_intercept=False, max_iter=500)
        .fit(matrix, [name in own for own in kinds])
        .coef_[0]
        for name in names
    ]
    return LinearEncoder(lambda p: counted(patches(p)), names, np.array(fits), "sigmoid")


# ------------------------------------------------------------------------------------------------
# Sounds: the level of each band of frequency, its mean and how much it varies
# ------------------------------------------------------------------------------------------------

RATE_HZ = 16_000


def levels(clip: Audio) -> np.ndarray:
    """Log-mel levels of a clip, mean and deviation over time, each scaled to about 1."""
    import torch
    from torchaudio.transforms import MelSpectrogram

    waveform, _ = clip.load(RATE_HZ)
    mel = MelSpectrogram(RATE_HZ, n_fft=1024, hop_length=512, n_mels=40)
    found = torch.log(mel(torch.tensor(waveform)) + 1e-5).numpy()
    return unit(np.concatenate([found.mean(axis=1) / 5, found.std(axis=1) / 2]))


def sound_encoder(rows: np.ndarray, labels: Sequence[str]) -> LinearEncoder:
    """Which of the classes a clip is, by a softmax regression on its levels."""
    fitted = LogisticRegression(C=1000, fit_intercept=False, max_iter=3000).fit(rows, labels)
    return LinearEncoder(levels, tuple(fitted.classes_.tolist()), fitted.coef_)
