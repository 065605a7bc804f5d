"""What a model can be asked, and what it can answer: frozen records with a digest.

    request                 answered by (model method)   response
    ------------------------------------------------------------------------------------
    LogLikelihood           loglikelihood                ContinuationScore
    RollingLogLikelihood    rolling_loglikelihood        TextScore
    TokenScores             token_scores                 TokenScoreTable
    TokenEntropies          token_entropies              TokenEntropyTable
    MaskedTokenScores       masked_token_scores          TokenScoreTable
    Generate                generate                     Generation
    EmbedText               embed_text                   Embedding
    EmbedImage              embed_image                  Embedding
    EmbedAudio              embed_audio                  Embedding
    SimilarityScale         similarity_scale             Similarity
    Transcribe              transcribe                   Transcript
    Align                   align                        Alignment
    Classify                classify                     Classification
    LabelTokens             label_tokens                 TokenLabels
    AnswerSpan              answer_span                  Span
    Attribute               differentiate                Attribution

A request that cannot be answered becomes a Failure with its reason: never an empty answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

from evalsuite.content import Audio, Content, Image, Part, as_content, sha256_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Vector: TypeAlias = npt.NDArray[np.float32]


def _encode(value: Any) -> Any:
    """Turn a request's field into JSON whose text identifies it."""
    if hasattr(value, "digest"):
        return {"#": value.digest}
    if isinstance(value, tuple):
        return [_encode(item) for item in value]
    return value


@dataclass(frozen=True)
class Request:
    """Base of all requests; subclasses are frozen and hashable."""

    method: ClassVar[str]

    @cached_property
    def digest(self) -> str:
        """Sha256 over the kind of request and every field; media count by their bytes."""
        body = {f.name: _encode(getattr(self, f.name)) for f in fields(self)}
        text = json.dumps([type(self).__name__, body], sort_keys=True, ensure_ascii=True)
        return sha256_of(text.encode())

    @property
    def parts(self) -> Content:
        """Every text, image and audio part that this request carries, in order."""
        found: list[Part] = []
        for f in fields(self):
            value = getattr(self, f.name)
            if isinstance(value, Image | Audio):
                found.append(value)
            elif isinstance(value, tuple):
                found.extend(part for part in value if hasattr(part, "digest"))
        return tuple(found)


@dataclass(frozen=True)
class LogLikelihood(Request):
    """log P(continuation | context), in nats; the context may hold images and audio."""

    context: Content
    continuation: str
    method: ClassVar[str] = "loglikelihood"

    def __post_init__(self) -> None:
        """Accept a plain string as context."""
        object.__setattr__(self, "context", as_content(self.context))


@dataclass(frozen=True)
class RollingLogLikelihood(Request):
    """log P(text) from the start of a document, in nats, over as many windows as it takes."""

    text: str
    method: ClassVar[str] = "rolling_loglikelihood"


@dataclass(frozen=True)
class TokenScores(Request):
    """Per-token log-probability with the mean and deviation of log p over the vocabulary."""

    text: str
    method: ClassVar[str] = "token_scores"


@dataclass(frozen=True)
class TokenEntropies(Request):
    """How much in doubt a model is before each token of a continuation, in nats.

    ``orders`` are those of Rényi's entropy, H = log(sum p^a) / (1 - a): at least 0, where 1 is
    Shannon's entropy, its limit, and infinity minus the logarithm of the largest probability.
    """

    context: Content
    continuation: str
    orders: tuple[float, ...] = (1.0,)
    method: ClassVar[str] = "token_entropies"

    def __post_init__(self) -> None:
        """Accept a plain string as context and a list of orders; refuse orders below 0."""
        object.__setattr__(self, "context", as_content(self.context))
        object.__setattr__(self, "orders", tuple(float(order) for order in self.orders))
        if not self.orders or not all(order >= 0 for order in self.orders):
            raise ValueError(f"orders of entropy are numbers of at least 0 (got {self.orders})")


@dataclass(frozen=True)
class MaskedTokenScores(Request):
    """Each token's log-probability by a masked language model, given the text on both sides.

    ``mask`` says what is hidden while a token is scored: the ``token`` itself (pseudo-
    log-likelihood, Salazar et al. 2020); the token and those after it in its ``word``, so that a
    word's first half is not given away by its second (Kauf and Ivanova 2023); or ``none``
    (all-unmasked likelihood, Kaneko and Bollegala 2022).

    ``within`` asks for the tokens that have a part in a stretch of characters only (half open):
    each token costs a pass over the text, so nobody should ask for those that are not needed.
    """

    text: str
    mask: Literal["token", "word", "none"] = "token"
    within: tuple[int, int] | None = None
    method: ClassVar[str] = "masked_token_scores"


@dataclass(frozen=True)
class Generate(Request):
    """Text written after a prompt; ``temperature`` 0 is greedy, ``top_k`` 0 keeps every token."""

    prompt: Content
    max_tokens: int = 128
    stop: tuple[str, ...] = ()
    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    seed: int = 0
    method: ClassVar[str] = "generate"

    def __post_init__(self) -> None:
        """Accept a plain string as prompt and a list as stop strings."""
        object.__setattr__(self, "prompt", as_content(self.prompt))
        object.__setattr__(self, "stop", tuple(self.stop))


@dataclass(frozen=True)
class EmbedText(Request):
    """The unit vector of a text in the model's joint or sentence space."""

    text: str
    method: ClassVar[str] = "embed_text"


@dataclass(frozen=True)
class EmbedImage(Request):
    """The unit vector of an image in the model's joint space."""

    image: Image
    method: ClassVar[str] = "embed_image"


@dataclass(frozen=True)
class EmbedAudio(Request):
    """The unit vector of a clip in the model's joint space."""

    audio: Audio
    method: ClassVar[str] = "embed_audio"


@dataclass(frozen=True)
class SimilarityScale(Request):
    """How the model turns a cosine into a logit."""

    method: ClassVar[str] = "similarity_scale"


@dataclass(frozen=True)
class Transcribe(Request):
    """The words spoken in a clip.

    ``language`` is a code such as ``en`` for models that write several; ``task`` says whether the
    words are written in the language that is spoken or in English; with ``word_times`` the answer
    also says when each word is spoken, and how sure the model is of it, where it can tell.
    """

    audio: Audio
    language: str | None = None
    task: Literal["transcribe", "translate"] = "transcribe"
    word_times: bool = False
    method: ClassVar[str] = "transcribe"


@dataclass(frozen=True)
class Align(Request):
    """When each word of a known text is spoken in a clip."""

    audio: Audio
    text: str
    method: ClassVar[str] = "align"


@dataclass(frozen=True)
class Classify(Request):
    """The model's own label distribution for an input."""

    content: Content
    method: ClassVar[str] = "classify"

    def __post_init__(self) -> None:
        """Accept a plain string or one part as content."""
        object.__setattr__(self, "content", as_content(self.content))


@dataclass(frozen=True)
class LabelTokens(Request):
    """One label for each word of a sentence: named entities, parts of speech."""

    words: tuple[str, ...]
    method: ClassVar[str] = "label_tokens"

    def __post_init__(self) -> None:
        """Accept a list of words."""
        object.__setattr__(self, "words", tuple(self.words))


@dataclass(frozen=True)
class AnswerSpan(Request):
    """The stretch of a context that answers a question, or that there is none."""

    question: str
    context: str
    method: ClassVar[str] = "answer_span"


@dataclass(frozen=True)
class Attribute(Request):
    """How much each position of an input moves one output, by a gradient explainer.

    ``explainer`` is ``package.module:function``; the function receives the model's
    DifferentiableView and the options, and returns an Attribution. ``target`` is a label (of a
    classifier), a continuation (of a language model) or a transcript; it is empty for a dual
    encoder, whose output is the similarity of the media and the texts in ``content``.

    ``medium`` says which part of the content is explained. A picture's scores are wanted for the
    cells of ``grid``, (rows, columns) of the whole picture; a clip's for (bands, moments) of the
    whole clip, bands of equal height in mel up to half of the clip's own rate, the highest first.

    ``against`` names what the target competes with: a classifier's other labels, each alone, or the
    prompts of each other class of a zero-shot decision. The output is then the log-odds of the
    target: its logit less the log of the summed exponentials of theirs.
    """

    content: Content
    target: str
    explainer: str
    options: tuple[tuple[str, int | float | str | bool], ...] = ()
    medium: Literal["text", "image", "audio"] = "text"
    grid: tuple[int, int] = (0, 0)
    against: tuple[tuple[str, ...], ...] = ()
    method: ClassVar[str] = "differentiate"

    def __post_init__(self) -> None:
        """Accept a plain string or one part as content."""
        object.__setattr__(self, "content", as_content(self.content))


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
    """One row per scored token.

    ``spans`` are character offsets into the text, half open. ``means`` and ``deviations`` are the
    mean and standard deviation of log p under the model's own next-token distribution, which
    Min-K%++ needs; empty where a model cannot give them. ``tokens`` are named as in the model's
    vocabulary, so that two are the same exactly when the model reads the same; empty likewise.
    """

    logprobs: tuple[float, ...]
    spans: tuple[tuple[int, int], ...] = ()
    means: tuple[float, ...] = ()
    deviations: tuple[float, ...] = ()
    tokens: tuple[str, ...] = ()


@dataclass(frozen=True)
class TokenEntropyTable:
    """For each order its entropies before each token of the continuation, in nats."""

    entropies: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        """Accept rows as the lists that a store keeps."""
        object.__setattr__(self, "entropies", tuple(tuple(row) for row in self.entropies))


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
    """The best answer in a context, ``text == context[start:end]``, by characters.

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
    """One signed score per position of a text, or per cell of a picture's or clip's grid.

    ``spans`` are character offsets into the text (half open), ``grid`` the (rows, columns) of cells
    in reading order; one of them is empty. ``total`` is f(input) - f(baseline), which the scores of
    a complete explainer sum to, up to ``convergence_delta``.
    """

    scores: tuple[float, ...]
    spans: tuple[tuple[int, int], ...]
    total: float
    convergence_delta: float
    grid: tuple[int, ...] = ()


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
