"""What a model plugin implements.

A *loader* is what ``registry.models.add("scheme", factory="package.module:Loader")`` names. It
describes a model from its configuration alone, and later loads it. A *model* has one method for
each kind of request that it can answer; the method takes a batch and returns one answer for each
request, in order. Nothing else about a model is known to the harness.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from evalsuite.errors import RequestFailed
from evalsuite.request import Explained, Request
from evalsuite.response import Answer, Failure

if TYPE_CHECKING:
    from evalsuite.content import Content


@dataclass(frozen=True)
class ModelInfo:
    """What is known of a model before its weights are read.

    Attributes:
        name: ``scheme:reference`` as the user wrote it.
        kind: The kind of model in the literature's words, e.g. ``causal language model``.
        modalities: Subset of ``text``, ``image``, ``audio``.
        methods: The request methods it answers, e.g. ``{"loglikelihood", "generate"}``.
        revision: Commit of a hub model; empty for a directory.
        sample_rate_hz: The rate that its audio inputs are resampled to, or None.
        n_parameters: Count of weights, where known.
        details: Anything else worth printing in a report (class, image processor, ...).
    """

    name: str
    kind: str
    modalities: frozenset[str]
    methods: frozenset[str]
    revision: str = ""
    sample_rate_hz: int | None = None
    n_parameters: int | None = None
    details: Mapping[str, str] = field(default_factory=dict)

    def answers(self, request: type[Request]) -> bool:
        """Whether the model can be asked this kind of request."""
        return request.method in self.methods


@dataclass(frozen=True)
class LoadSettings:
    """How to load: ``device`` is auto, cpu, cuda, cuda:n or mps; ``dtype`` a torch name or auto.

    ``options`` are the model's own, from the suite file or ``--model-option``; a loader refuses
    the ones it does not know. Every loader understands ``trust_remote_code``, ``allow_pickle``
    and ``revision`` where they mean something for it.
    """

    device: str = "auto"
    dtype: str = "auto"
    threads: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@runtime_checkable
class Model(Protocol):
    """A loaded model: ``info``, a fingerprint, and one method per kind of request it answers.

    A method looks like ``def loglikelihood(self, requests: Sequence[LogLikelihood]) ->
    Sequence[ContinuationScore | Failure]``. It must answer each request as if it were alone:
    neither batch size, order nor padding may change an answer. It raises
    ``evalsuite.errors.OutOfMemory`` (or torch's own) when a batch does not fit.
    """

    @property
    def info(self) -> ModelInfo:
        """What the model is; here with everything known after loading."""
        ...

    @property
    def fingerprint(self) -> str:
        """Sha256 over weights, configuration, tokenizer, dtype and plugin version."""
        ...

    def cost(self, request: Request) -> int:
        """Estimated work of one request, in tokens (or frames, or patches) after padding."""
        ...

    def close(self) -> None:
        """Free the memory; the model is not asked again."""
        ...


class Batching(Protocol):
    """A model that knows better than the harness which requests to answer together.

    It has this one method besides those of Model; the harness looks for it by name.
    """

    def batches(
        self, requests: Sequence[Request], budget: int
    ) -> Iterable[Sequence[Request]] | None:
        """Requests of one kind in batches that take about ``budget`` tokens of memory each.

        Every request stands in exactly one batch. None leaves a kind to the harness.
        """
        ...


class Loader(Protocol):
    """What a model scheme's factory makes (called without arguments)."""

    def describe(self, reference: str, settings: LoadSettings) -> ModelInfo:
        """Read the configuration only; raises ModelError when there is no such model."""
        ...

    def load(self, reference: str, settings: LoadSettings) -> Model:
        """Load the weights; raises ModelError when any weight is missing."""
        ...


@dataclass(frozen=True)
class DecoderTrace:
    """What one forward pass leaves behind in the decoder of an encoder-decoder model.

    Attributes:
        layers: Of each layer, first to last, the weights of its attention to what is written
            [1, heads, tokens, tokens], and to the encoder's [1, heads, tokens, encoder tokens].
        readouts: The decoder's tokens that the output is read from.
    """

    layers: tuple[tuple[Any, Any], ...]
    readouts: tuple[int, ...]


@dataclass(frozen=True)
class ForwardTrace:
    """What one forward pass leaves behind of its layers, for explainers that look inside.

    Attributes:
        output: The target's scalar, keeping the graph.
        attentions: Of each layer, first to last, the weights [1, heads, tokens, tokens] that the
            output was computed with; empty where a model has none over all its tokens. Of an
            encoder-decoder model, those of the encoder.
        hidden: Activations [1, tokens, channels] of a late layer, with the graph to the output.
        readout: The token that the output is read from; None where it is read from all.
        spread: Maps one number for each attended token [tokens] to a tensor like the view's inputs.
        spread_hidden: The same for the tokens of ``hidden``.
        decoder: What reads the encoder's tokens, where that is a decoder.
    """

    output: Any
    attentions: tuple[Any, ...]
    hidden: Any
    readout: int | None
    spread: Callable[[Any], Any]
    spread_hidden: Callable[[Any], Any]
    decoder: DecoderTrace | None = None


@dataclass(frozen=True)
class DifferentiableView:
    """One input of a model, opened up for gradient explainers.

    Attributes:
        inputs: Float tensor [1, positions, ...] that the output is differentiable in
            (token embeddings, pixels, or features).
        baseline: Tensor of the same shape: the absence of every position.
        output: Maps a tensor [batch, positions, ...] to the target's logit or log-probability,
            shape [batch], keeping the graph.
        spans: For each position, the character offsets in the explained text that it covers, half
            open; an empty span marks a special token. Empty for pictures and clips.
        grid: Rows and columns of the cells of a picture or a clip; empty for texts.
        cell_sums: Maps a tensor like ``inputs`` to its sums over features: cells [rows x columns],
            then positions; without it, every position is one feature.
        module: The torch module that the output runs through, where explainers may hook it.
        trace: Runs the model once more and keeps what happens inside; None where it cannot.
        parts: Where ``inputs`` [1, numbers] holds several media one after another, how many numbers
            each has: pixels and embeddings differ in range, so noise is measured for each.
        most_at_once: Points that ``output`` is best given at once; None where memory is no matter.
    """

    inputs: Any
    baseline: Any
    output: Callable[[Any], Any]
    spans: tuple[tuple[int, int], ...]
    grid: tuple[int, ...] = ()
    cell_sums: Callable[[Any], Any] | None = None
    module: Any = None
    trace: Callable[[], ForwardTrace] | None = None
    parts: tuple[int, ...] = ()
    most_at_once: int | None = None


class Differentiable(Protocol):
    """A model whose output can be differentiated; what ``Attribute`` requests need.

    Models list ``differentiate`` among their methods and implement ``differentiable_view``; the
    harness calls the requested explainer on the view. A model of texts alone takes no ``medium``
    and ``grid``; ``against`` and ``within`` are given where a request names them, and a model
    without them fails then.
    """

    def differentiable_view(
        self,
        content: Content,
        target: str,
        *,
        medium: Explained = "text",
        grid: tuple[int, int] = (0, 0),
        against: tuple[tuple[str, ...], ...] = (),
        within: tuple[int, int] | None = None,
    ) -> DifferentiableView:
        """Open one input up; raises ValueError when the target is not one of the model's.

        RequestFailed says why an input that is none of its own fault cannot be opened up.
        """
        ...


def answer_batch(model: Model, requests: Sequence[Request]) -> Sequence[Answer]:
    """Ask a model a batch of requests of one kind; returns the answers in order.

    Raises:
        ValueError: The model returned another number of answers than it was asked.
    """
    method = requests[0].method
    if method == "differentiate":
        return [_explain(model, request) for request in requests]
    answers = list(getattr(model, method)(requests))
    if len(answers) != len(requests):
        raise ValueError(
            f"{model.info.name}: {method} returned {len(answers)} answers "
            f"to {len(requests)} requests"
        )
    return answers


def _explain(model: Any, request: Any) -> Answer:
    """Run the explainer that a request names on the model's differentiable view."""
    from evalsuite.registry import import_object

    explainer = import_object(request.explainer)
    senses = model.info.modalities
    if request.medium == "joint" and ("text" not in senses or len(senses) < 2):
        return Failure("unsupported part", f"{model.info.name} takes no text beside other media")
    if request.medium != "joint" and request.medium not in senses:
        return Failure("unsupported part", f"{model.info.name} takes no {request.medium}")
    of_text = senses == {"text"}
    place: dict[str, Any] = {} if of_text else {"medium": request.medium, "grid": request.grid}
    further = {"against": request.against, "within": request.within}
    place |= {name: value for name, value in further.items() if value}
    try:
        view = model.differentiable_view(request.content, request.target, **place)
        answer: Answer = explainer(view, **dict(request.options))
    except RequestFailed as error:
        return error.failure
    return answer
