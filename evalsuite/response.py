"""What a model can answer: frozen records; `request.py` says which answers what.

A request that cannot be answered becomes a Failure with its reason: never an empty answer.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Vector: TypeAlias = npt.NDArray[np.float32]


@dataclass(frozen=True)
class ContinuationScore:
    """Sum of token log-probabilities in nats, and whether greedy decoding would write it."""

    total: float
    n_tokens: int
    is_greedy: bool
    token_logprobs: tuple[float, ...] = ()
    truncated_tokens: int = 0


@dataclass(frozen=True)
class TextScore:
    """Sum of log-probabilities of a whole text in nats, with the counts to normalise it by."""

    total: float
    n_tokens: int
    n_words: int
    n_bytes: int


@dataclass(frozen=True)
class TokenScoreTable:
    """One row per scored token; its columns of numbers are kept as arrays, however they are given.

    ``logprobs`` are in nats. ``spans`` are character offsets into the text, half open. ``means``
    and ``deviations`` are the mean and standard deviation of log p under the model's own next-token
    distribution, which Min-K%++ needs; empty where a model cannot give them. ``tokens`` are named
    as in the model's vocabulary, so that two are the same exactly when the model reads the same;
    empty likewise.
    """

    logprobs: Sequence[float]
    spans: tuple[tuple[int, int], ...] = ()
    means: Sequence[float] = ()
    deviations: Sequence[float] = ()
    tokens: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Keep numbers as numbers: an object for each would take five times the room."""
        for name in ("logprobs", "means", "deviations"):
            values = getattr(self, name)
            if not isinstance(values, array):
                object.__setattr__(self, name, array("d", values))


@dataclass(frozen=True)
class Substitutions:
    """Texts that differ from one in a single token, the nearest first, as many as there are.

    ``scores`` are the probability of the other token where the own one is ruled out, in [0, 1]:
    p(other) / (1 - p(own)).
    """

    texts: tuple[str, ...]
    scores: tuple[float, ...]

    def __post_init__(self) -> None:
        """Accept the lists that a store keeps."""
        object.__setattr__(self, "texts", tuple(self.texts))
        object.__setattr__(self, "scores", tuple(self.scores))


@dataclass(frozen=True)
class TokenEntropyTable:
    """For each order its entropies before each token of the continuation, in nats.

    ``modified`` are, for each finite order, the modified entropies of the continuation's own tokens
    (Song and Mittal 2021; Li et al. 2024, ModRényi): at least 0, small where the model was sure of
    the token that came. With a = |order - 1|, g(p) = (p^a - 1) / a, and the logarithm at order 1,
    it is -(1 - p(own)) g(p(own)) - sum over the others of p g(1 - p). ``media`` are the entropies
    at the media's tokens where these were asked for: after each token, what would come next.
    """

    entropies: tuple[tuple[float, ...], ...]
    modified: tuple[tuple[float, ...], ...] = ()
    media: tuple[tuple[float, ...], ...] = ()

    def __post_init__(self) -> None:
        """Accept rows as the lists that a store keeps."""
        for name in ("entropies", "modified", "media"):
            object.__setattr__(self, name, tuple(tuple(row) for row in getattr(self, name)))


@dataclass(frozen=True)
class Generation:
    """Generated text, which ended by itself or at a stop string (``stop``), or was cut."""

    text: str
    n_tokens: int
    finish_reason: Literal["stop", "length"]


@dataclass(frozen=True, eq=False)
class Embedding:
    """A unit vector, shape [dimensions], float32."""

    vector: Vector


@dataclass(frozen=True)
class Similarity:
    """logit = scale * cosine + bias, then softmax over candidates or a sigmoid for each."""

    scale: float
    bias: float = 0.0
    kind: Literal["softmax", "sigmoid"] = "softmax"


@dataclass(frozen=True)
class TimedWord:
    """A word and when it is spoken, in seconds from the beginning of its clip.

    ``confidence`` is the model's own probability, in [0, 1], that the word is right; None where
    it gives none.
    """

    text: str
    start_s: float
    end_s: float
    confidence: float | None = None


@dataclass(frozen=True)
class Transcript:
    """Recognised words, exactly as the model wrote them.

    ``words`` are timed where that was asked for and the model can tell. ``seconds`` is the wall
    time that the answer took, its share of its batch by cost; the executor sets it, and it is no
    part of what was recognised.
    """

    text: str
    words: tuple[TimedWord, ...] = ()
    seconds: float | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        """Accept words as the mappings that a store keeps."""
        object.__setattr__(self, "words", _timed_words(self.words))


@dataclass(frozen=True)
class Alignment:
    """The words of a given text with their times.

    ``score`` is the log-probability of the best path through the text, in nats for each frame of
    the clip: at most 0, and the nearer to 0, the better the text fits the clip.
    ``log_likelihood`` is that of all paths together, log P(text | clip) in nats, over ``n_labels``
    labels of the model; None and 0 where a model does not give it.
    """

    words: tuple[TimedWord, ...]
    score: float
    log_likelihood: float | None = None
    n_labels: int = 0

    def __post_init__(self) -> None:
        """Accept words as the mappings that a store keeps."""
        object.__setattr__(self, "words", _timed_words(self.words))


def _timed_words(words: Iterable[TimedWord | Mapping[str, Any]]) -> tuple[TimedWord, ...]:
    return tuple(TimedWord(**w) if isinstance(w, Mapping) else w for w in words)


@dataclass(frozen=True)
class Classification:
    """The probability of every label, in the model's own label order; sums to 1.

    ``truncated_tokens`` counts what was cut from an input that is longer than the model reads.
    """

    labels: tuple[str, ...]
    probabilities: tuple[float, ...]
    truncated_tokens: int = 0

    @property
    def label(self) -> str:
        """The most probable label; the first one on a tie."""
        return self.labels[max(range(len(self.labels)), key=self.probabilities.__getitem__)]

    def probability(self, label: str) -> float:
        """The probability of one label; raises ValueError for a label the model does not have."""
        return self.probabilities[self.labels.index(label)]


@dataclass(frozen=True)
class TokenLabels:
    """One label per word, in order, with its probability (of the word's first token)."""

    labels: tuple[str, ...]
    probabilities: tuple[float, ...]


@dataclass(frozen=True)
class Span:
    """The best answer in a context, or a given one, ``text == context[start:end]``, by characters.

    ``score`` is the sum of its start and end logits, ``null_score`` that of "no answer", the
    smallest over all windows of a long context (Devlin et al. 2019); whoever asks compares them.
    """

    text: str
    start: int
    end: int
    score: float
    null_score: float


@dataclass(frozen=True)
class Attribution:
    """One signed score per cell of a picture's or clip's grid, then one per position of a text.

    ``grid`` has the (rows, columns) of cells in reading order, ``spans`` the character offsets into
    the explained stretch of text (half open); one of them is empty, unless both were explained
    jointly. ``total`` is f(input) - f(baseline), which the scores of a complete explainer sum to,
    up to ``convergence_delta``. ``n_steps`` counts the points of an integral along a path, 0 where
    there is none.
    """

    scores: tuple[float, ...]
    spans: tuple[tuple[int, int], ...]
    total: float
    convergence_delta: float
    grid: tuple[int, ...] = ()
    n_steps: int = 0

    @property
    def relative_error(self) -> float:
        """``convergence_delta`` as a share of the total, of one of at least a millionth."""
        return self.convergence_delta / max(abs(self.total), 1e-6)


PASSING = frozenset(
    {"rate limited", "timeout", "connection dropped", "server error", "budget spent"}
    | {"out of memory", "key refused"}
)


@dataclass(frozen=True)
class Failure:
    """Why a request was not answered; ``kind`` is a short stable word, for counting.

    The kinds in PASSING may be gone when the request is asked again: resuming a run does so.
    """

    kind: str
    message: str


Response: TypeAlias = (
    ContinuationScore
    | TextScore
    | TokenScoreTable
    | TokenEntropyTable
    | Substitutions
    | Generation
    | Embedding
    | Similarity
    | Transcript
    | Alignment
    | Classification
    | TokenLabels
    | Span
    | Attribution
)
Answer: TypeAlias = Response | Failure
RESPONSES: dict[str, type] = {
    cls.__name__: cls
    for cls in (
        ContinuationScore,
        TextScore,
        TokenScoreTable,
        TokenEntropyTable,
        Substitutions,
        Generation,
        Embedding,
        Similarity,
        Transcript,
        Alignment,
        Classification,
        TokenLabels,
        Span,
        Attribution,
        Failure,
    )
}


def facts_of(answer: Answer) -> dict[str, Any]:
    """An answer's fields by name, as plain values; columns of numbers are handed on uncopied."""
    return {item.name: _plain(getattr(answer, item.name)) for item in fields(answer)}


def _plain(value: Any) -> Any:
    """Records within an answer (timed words) as mappings; anything else as it is."""
    if isinstance(value, tuple) and value and is_dataclass(value[0]):
        return tuple(asdict(item) for item in value)
    return value
