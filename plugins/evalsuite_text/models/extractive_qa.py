"""Extractive question answering: the stretch of a context that answers a question.

As Devlin et al. (2019) for SQuAD: the best pair of a start and an end by the sum of their logits,
both in the context, the end not before the start. A context longer than the model reads is seen
through overlapping windows, and the best pair of all windows wins; "no answer" scores as the first
token does, and its score is the smallest of all windows, since each other window may only lack the
answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
from transformers import AutoModelForQuestionAnswering

from evalsuite import (
    AnswerSpan,
    Attribute,
    DifferentiableView,
    Failure,
    LoadSettings,
    ModelInfo,
    Request,
    ScoreSpan,
    Span,
    UsageError,
)
from evalsuite.content import Content, text_of
from evalsuite_text.models.encoder_gradients import answer_span_view
from evalsuite_text.models.text_encoder import (
    TextEncoder,
    describe,
    need_fast_tokenizer,
    whole_number,
)
from evalsuite_text.models.token_batches import batches, token_budget
from evalsuite_transformers.checkpoint import (
    Checkpoint,
    load_tokenizer,
    load_weights,
    open_checkpoint,
)
from evalsuite_transformers.differentiable.stretches import tokens_over


@dataclass(frozen=True)
class Options:
    """The model options of an extractive question answerer.

    Args:
        max_answer_tokens: The longest answer looked for.
        stride: Tokens that neighbouring windows of a long context share.
        max_length: Tokens of a window, question included; by default all that the model reads.
    """

    max_answer_tokens: int = 30
    stride: int = 128
    max_length: int | None = None

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> Options:
        """The options of a checkpoint's settings; raises UsageError for unknown or wrong ones."""
        checkpoint.refuse_unknown_options(frozenset(field.name for field in fields(cls)))
        given = checkpoint.settings.options
        return cls(
            whole_number(given, "max_answer_tokens", cls.max_answer_tokens, 1),
            whole_number(given, "stride", cls.stride, 0),
            whole_number(given, "max_length", None, 8),
        )


class Loader:
    """The loader behind ``hf/extractive-question-answerer:``."""

    def describe(self, reference: str, settings: LoadSettings) -> ModelInfo:
        """What the configuration says."""
        checkpoint = open_checkpoint(reference, settings)
        Options.of(checkpoint)
        return describe(reference, checkpoint, QuestionAnswerer.kind, QuestionAnswerer.methods)

    def load(self, reference: str, settings: LoadSettings) -> QuestionAnswerer:
        """Load weights and tokenizer."""
        checkpoint = open_checkpoint(reference, settings)
        options = Options.of(checkpoint)
        tokenizer = load_tokenizer(checkpoint)
        need_fast_tokenizer(reference, tokenizer, "an answer in a context")
        if tokenizer.cls_token_id is None:
            raise UsageError(
                f"The tokenizer of model {reference!r} has no first token ([CLS], <s>) for an "
                "answer that is not there. Set cls_token in its tokenizer_config.json."
            )
        module = load_weights(AutoModelForQuestionAnswering, checkpoint)
        return QuestionAnswerer(reference, checkpoint, module, tokenizer, options)


@dataclass(frozen=True)
class _Window:
    """One input: ids, segments, and the characters that each token covers.

    ``spans`` are those of the context, ``question`` those of the question; None elsewhere.
    """

    asker: int
    ids: tuple[int, ...]
    types: tuple[int, ...]
    spans: tuple[tuple[int, int] | None, ...]
    question: tuple[tuple[int, int] | None, ...]


@dataclass(frozen=True)
class _Found:
    """The best pair of one window, by characters; ``score`` is -inf where it holds no context."""

    score: float
    start: int
    end: int
    null_score: float


class QuestionAnswerer(TextEncoder):
    """A bidirectional transformer with a start and an end logit for each token."""

    kind = "extractive question answerer"
    methods = frozenset({"answer_span", "score_span", "differentiate"})

    def __init__(
        self, reference: str, checkpoint: Checkpoint, module: Any, tokenizer: Any, options: Options
    ) -> None:
        """Keep the options."""
        self.options = options
        details = {
            "longest answer": f"{options.max_answer_tokens} tokens",
            "long contexts": f"windows that share {options.stride} tokens",
        }
        super().__init__(
            reference,
            checkpoint,
            module,
            tokenizer,
            max_length=options.max_length,
            details=details,
            facts=(options,),
        )

    def cost(self, request: Request) -> int:
        """Tokens of all windows, estimated from the characters."""
        if isinstance(request, Attribute):
            return 3 + len(text_of(request.content)) // 3
        if not isinstance(request, AnswerSpan | ScoreSpan):
            return 1
        question, context = len(request.question) // 3 + 3, len(request.context) // 3 + 1
        step = max(1, self.max_length - question - self.options.stride)
        return question + context + context // step * (question + self.options.stride)

    def answer_span(self, requests: Sequence[AnswerSpan]) -> list[Span | Failure]:
        """The best stretch of each context and its score, beside the score of no answer."""
        return self._judged(requests, lambda request, *read: self._best(*read))

    def score_span(self, requests: Sequence[ScoreSpan]) -> list[Span | Failure]:
        """The score of a stretch of each context, from its first to its last token.

        Of several windows that hold the whole of it, the one that scores it best counts.
        """
        return self._judged(requests, self._given)

    def _judged(self, requests: Sequence[Any], judge: Callable[..., _Found]) -> list[Any]:
        """The best of what is found in each window of each request's context.

        Args:
            requests: With a question and a context.
            judge: Makes a _Found of a request, a window, and its start and end logits.
        """
        failures: dict[int, Failure] = {}
        windows: list[_Window] = []
        for i, request in enumerate(requests):
            made = self._windows(i, request)
            if isinstance(made, Failure):
                failures[i] = made
            else:
                windows.extend(made)
        found: list[list[tuple[int, _Found]]] = [[] for _ in requests]
        for batch in batches([len(w.ids) for w in windows], token_budget(self.device)):
            chosen = [windows[k] for k in batch]
            for k, window, (starts, ends) in zip(batch, chosen, self._read(chosen)):
                judged = judge(requests[window.asker], window, starts, ends)
                found[window.asker].append((k, judged))
        return [
            failures[i]
            if i in failures
            else _span(request, [best for _, best in sorted(found[i], key=lambda pair: pair[0])])
            for i, request in enumerate(requests)
        ]

    def differentiable_view(self, content: Content, target: str) -> DifferentiableView:
        """The question and the context; the output is the score of an answer in it."""
        return answer_span_view(self, content, target)

    def _windows(self, asker: int, request: AnswerSpan | ScoreSpan) -> list[_Window] | Failure:
        """The inputs that show the whole context."""
        encode = self.tokenizer
        question = encode(request.question, add_special_tokens=False, verbose=False)["input_ids"]
        context = encode(request.context, add_special_tokens=False, verbose=False)["input_ids"]
        if not context:
            return Failure("empty context", "it has no token that could be an answer")
        room = self.max_length - len(question) - encode.num_special_tokens_to_add(pair=True)
        if room < 1:
            return Failure(
                "question too long",
                f"it has {len(question)} tokens; the model reads {self.max_length} at once, "
                "the context included",
            )
        encoded = encode(
            request.question,
            request.context,
            truncation="only_second",
            max_length=self.max_length,
            stride=min(self.options.stride, room - 1),
            padding=False,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            return_token_type_ids=True,
        )
        return [self._window(asker, encoded, k) for k in range(len(encoded["input_ids"]))]

    def _window(self, asker: int, encoded: Any, k: int) -> _Window:
        places = list(zip(encoded.sequence_ids(k), encoded["offset_mapping"][k], strict=True))
        question, context = (
            tuple((int(a), int(b)) if part == wanted else None for part, (a, b) in places)
            for wanted in (0, 1)
        )
        ids, types = encoded["input_ids"][k], encoded["token_type_ids"][k]
        return _Window(asker, tuple(ids), tuple(types), context, question)

    def _read(self, windows: Sequence[_Window]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Start and end logits [tokens] of each window."""
        inputs = self.inputs([w.ids for w in windows], [w.types for w in windows])
        with torch.inference_mode():
            output = self.module(**inputs)
            starts, ends = output.start_logits.float().cpu(), output.end_logits.float().cpu()
        for row, window in enumerate(windows):
            n = len(window.ids)
            yield starts[row, :n], ends[row, :n]

    def _best(self, window: _Window, starts: torch.Tensor, ends: torch.Tensor) -> _Found:
        """The best pair of start and end; the first one where several are equally good."""
        null_score = self._null_score(window, starts, ends)
        inside = torch.tensor([span is not None for span in window.spans])
        pairs = starts[:, None] + ends[None, :]
        n = len(window.ids)
        allowed = torch.ones(n, n, dtype=torch.bool).triu()
        allowed &= ~torch.ones(n, n, dtype=torch.bool).triu(self.options.max_answer_tokens)
        allowed &= inside[:, None] & inside[None, :]
        if not allowed.any():
            return _Found(float("-inf"), 0, 0, null_score)
        best = int(pairs.masked_fill(~allowed, float("-inf")).argmax())
        start, end = window.spans[best // n], window.spans[best % n]
        assert start is not None
        assert end is not None
        return _Found(float(pairs.flatten()[best]), start[0], end[1], null_score)

    def _given(
        self, request: ScoreSpan, window: _Window, starts: torch.Tensor, ends: torch.Tensor
    ) -> _Found:
        """The pair of start and end that a request names, where the window holds it whole."""
        null_score = self._null_score(window, starts, ends)
        place = tokens_over(window.spans, (request.start, request.end))
        score = float("-inf") if place is None else float(starts[place[0]] + ends[place[1]])
        return _Found(score, request.start, request.end, null_score)

    def _null_score(self, window: _Window, starts: torch.Tensor, ends: torch.Tensor) -> float:
        first = window.ids.index(self.tokenizer.cls_token_id)
        return float(starts[first] + ends[first])


def _span(request: AnswerSpan | ScoreSpan, found: Sequence[_Found]) -> Span | Failure:
    """The best of all windows, without white space at its ends (some tokens carry it)."""
    best = max(found, key=lambda one: one.score)
    if isinstance(request, ScoreSpan) and best.score == float("-inf"):
        told = "the model reads it in no window as a whole; set `stride` to share more tokens"
        return Failure("stretch too long", told)
    text = request.context[best.start : best.end]
    start = best.start + len(text) - len(text.lstrip())
    end = max(start, best.end - (len(text) - len(text.rstrip())))
    null_score = min(one.null_score for one in found)
    return Span(request.context[start:end], start, end, best.score, null_score)
