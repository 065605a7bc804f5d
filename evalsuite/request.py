"""What a model can be asked: frozen records with a digest. Answers stand in `response.py`.

request                 answered by (model method)   response
------------------------------------------------------------------------------------
LogLikelihood           loglikelihood                ContinuationScore
RollingLogLikelihood    rolling_loglikelihood        TextScore
TokenScores             token_scores                 TokenScoreTable
TokenEntropies          token_entropies              TokenEntropyTable
MaskedTokenScores       masked_token_scores          TokenScoreTable
SubstituteTokens        substitute_tokens            Substitutions
Generate                generate                     Generation
EmbedText               embed_text                   Embedding
EmbedImage              embed_image                  Embedding
EmbedAudio              embed_audio                  Embedding
SimilarityScale         similarity_scale             Similarity
Transcribe              transcribe                   Transcript
Align                   align                        Alignment
Classify                classify                     Classification
LabelTokens             label_tokens                 TokenLabels
ClassifyWord            classify_word                Classification
AnswerSpan              answer_span                  Span
ScoreSpan               score_span                   Span
Attribute               differentiate                Attribution
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, ClassVar, Literal, TypeAlias

from evalsuite.content import Audio, Content, Image, Part, as_content, sha256_of

Explained: TypeAlias = Literal["text", "image", "audio", "joint"]


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
    """Per-token log-probability with the mean and deviation of log p over the vocabulary.

    Where each token stands in the text is told where ``spans`` asks for it.
    """

    text: str
    spans: bool = False
    method: ClassVar[str] = "token_scores"


@dataclass(frozen=True)
class TokenEntropies(Request):
    """How much in doubt a model is before each token of a continuation, in nats.

    ``orders`` are those of Rényi's entropy, H = log(sum p^a) / (1 - a): at least 0, where 1 is
    Shannon's entropy, its limit, and infinity minus the logarithm of the largest probability.
    ``with_media`` also asks for the model's doubt after each token that it reads of the context's
    pictures and clips, which costs no further pass.
    """

    context: Content
    continuation: str
    orders: tuple[float, ...] = (1.0,)
    with_media: bool = False
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
class SubstituteTokens(Request):
    """The nearest texts by a masked language model: one token replaced by a likely other.

    Both are of words; punctuation and spaces stay. ``hidden`` is the share of the replaced token's
    input vector that the model does not see: with 0.7 the others stay close in meaning (Mattern et
    al. 2023), with 1 the mask stands in its place, with 0 nothing is hidden. ``seed`` draws which
    components are hidden.
    """

    text: str
    count: int
    hidden: float = 0.7
    seed: int = 0
    method: ClassVar[str] = "substitute_tokens"

    def __post_init__(self) -> None:
        """Refuse a share that is none, and a number of texts below 1."""
        if not 0 <= self.hidden <= 1 or self.count < 1:
            raise ValueError(
                "hidden is a share from 0 to 1, and count at least 1 "
                f"(got {self.hidden} and {self.count})"
            )


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
class ClassifyWord(Request):
    """The label distribution of one word of a sentence, ``words[place]``.

    An empty word is one of which nothing is known but that it stands there.
    """

    words: tuple[str, ...]
    place: int
    method: ClassVar[str] = "classify_word"

    def __post_init__(self) -> None:
        """Accept a list of words; refuse a place where there is none."""
        object.__setattr__(self, "words", tuple(self.words))
        if not 0 <= self.place < len(self.words):
            raise ValueError(
                f"place must be that of one of {len(self.words)} words, from 0 on "
                f"(got {self.place})"
            )


@dataclass(frozen=True)
class AnswerSpan(Request):
    """The stretch of a context that answers a question, or that there is none."""

    question: str
    context: str
    method: ClassVar[str] = "answer_span"


@dataclass(frozen=True)
class ScoreSpan(Request):
    """How well a given stretch of a context, ``context[start:end]``, answers a question."""

    question: str
    context: str
    start: int
    end: int
    method: ClassVar[str] = "score_span"

    def __post_init__(self) -> None:
        """Refuse a stretch that does not lie in the context."""
        if not 0 <= self.start < self.end <= len(self.context):
            raise ValueError(
                f"start and end must be those of a stretch of the {len(self.context)} characters "
                f"of the context (got {self.start} and {self.end})"
            )


@dataclass(frozen=True)
class Attribute(Request):
    """How much each position of an input moves one output, by a gradient explainer.

    ``explainer`` is ``package.module:function``; the function receives the model's
    DifferentiableView and the options, and returns an Attribution. ``target`` is a label (of a
    classifier), a continuation (of a language model) or a transcript; it is empty for a dual
    encoder, whose output is the similarity of the media and the texts in ``content``. A masked
    model is given the two texts around a gap, and what fills it as the target; a token classifier
    the texts before a word, of the word, and after it, and a label; an extractive question answerer
    the question and the context, and an answer that stands in it, or the question and the texts
    before an answer, of it and after it: it is then no feature, and stays.

    ``medium`` says which part of the content is explained; ``joint`` is its one picture or clip
    and its text at once. A picture's scores are wanted for the cells of ``grid``, (rows, columns)
    of the whole picture; a clip's for (bands, moments) of the whole clip, bands of equal height in
    mel up to half of the clip's own rate, the highest first.

    ``within`` is the stretch of the content's text, joined by nothing, that is explained (half
    open, by characters): the prompt around it is no feature and stays as it is. None is all of it.

    ``against`` names what the target competes with: a classifier's other labels, each alone, or the
    prompts of each other class of a zero-shot decision. The output is then the log-odds of the
    target: its logit less the log of the summed exponentials of theirs.
    """

    content: Content
    target: str
    explainer: str
    options: tuple[tuple[str, int | float | str | bool], ...] = ()
    medium: Explained = "text"
    grid: tuple[int, int] = (0, 0)
    against: tuple[tuple[str, ...], ...] = ()
    within: tuple[int, int] | None = None
    method: ClassVar[str] = "differentiate"

    def __post_init__(self) -> None:
        """Accept a plain string or one part as content."""
        object.__setattr__(self, "content", as_content(self.content))
