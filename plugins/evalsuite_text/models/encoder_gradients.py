"""Masked models, token classifiers and question answerers opened up, by token embeddings.

Each is asked about a place in its text, which the parts of the content mark: a gap between two
texts, a word between two, an answer in the second of two.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch

from evalsuite import (
    AnswerSpan,
    DifferentiableView,
    Failure,
    ForwardTrace,
    LabelTokens,
    MaskedTokenScores,
    RequestFailed,
    Text,
)
from evalsuite.content import Content
from evalsuite_transformers.differentiable.layers import (
    eager_attention,
    output_replaced,
    spread_tokens,
    traced,
)
from evalsuite_transformers.differentiable.stretches import NO_SPAN, Span, tokens_over
from evalsuite_transformers.differentiable.views import absent_id

if TYPE_CHECKING:
    from evalsuite_text.models.extractive_qa import QuestionAnswerer
    from evalsuite_text.models.masked import MaskedLanguageModel
    from evalsuite_text.models.text_encoder import TextEncoder
    from evalsuite_text.models.token_classifier import TokenClassifier

Read = Callable[[Any], torch.Tensor]


def gap_view(model: MaskedLanguageModel, content: Content, target: str) -> DifferentiableView:
    """Two texts around a gap; the output is the log-probability of what fills it, in nats.

    That is the sum of MaskedTokenScores over the target's tokens, each hidden with those after it
    in its word. The filling is no feature; white space at its ends is not scored.

    Raises:
        ValueError: There are not two texts, or nothing fills the gap.
        RequestFailed: The text is longer than the model reads at once.
    """
    before, after = _texts(content, 2, "the two texts around a gap")
    whole = before + target + after
    found = model.read(whole)
    begin = len(before) + len(target) - len(target.lstrip())
    filled = (begin, begin + len(target.strip()))
    asked = found.asked(MaskedTokenScores(whole, "word", filled)) if target.strip() else []
    if not asked:
        raise ValueError("the target is what fills the gap; it has no token")
    if len(found.ids) > model.room:
        told = f"it has {len(found.ids)} tokens; the model reads {model.room} at once"
        raise RequestFailed(Failure("text too long", told))
    rows = [model.row(found, j, "word") for j in asked]
    ids = (*model.around.before, *found.ids, *model.around.after)
    n_before = len(model.around.before)
    spans = [NO_SPAN] * len(ids)
    for j, (begin, end) in enumerate(found.spans):
        if j not in asked and begin < end:
            if begin >= filled[1]:  # white space at the filling's end may be this token's
                begin, end = max(begin - len(target), len(before)), end - len(target)
            spans[n_before + j] = (begin, end)
    opened = _Opened(model, ids, None)
    hidden = torch.tensor([row for row, _ in rows], device=model.device) != torch.tensor(
        [ids], device=model.device
    )
    mask = opened.embeddings(torch.tensor([[model.tokenizer.mask_token_id]], device=model.device))

    def output(embeddings: torch.Tensor) -> torch.Tensor:
        scores = torch.zeros(len(embeddings), device=model.device)
        for covered, (_, position), j in zip(hidden, rows, asked, strict=True):
            shown = torch.where(covered[None, :, None], mask, embeddings)
            logits = opened.run(shown).logits[:, position].float()
            scores = scores + logits.log_softmax(-1)[:, found.ids[j]]
        return scores

    return opened.view(tuple(spans), output)


def label_at_view(
    model: TokenClassifier,
    content: Content,
    target: str,
    against: Sequence[tuple[str, ...]] = (),
) -> DifferentiableView:
    """The texts before a word, of it and after it; the output is the logit of its label.

    With rivals, its log-odds. A word's tokens all have the word's characters.

    Raises:
        ValueError: There are not three texts, the second a word by itself; or no such label.
    """
    parts = _texts(content, 3, "the texts before a word, of the word, and after it")
    whole = "".join(parts)
    found = [(match.group(), match.span()) for match in re.finditer(r"\S+", whole)]
    place = (len(parts[0]), len(parts[0]) + len(parts[1]))
    index = next((i for i, (_, span) in enumerate(found) if span == place), None)
    if index is None:
        raise ValueError(f"{parts[1]!r} is no word by itself: white space parts it from the others")
    label, *rivals = (_index(model.labels, name) for name in (target, *(one for (one,) in against)))
    words = tuple(word for word, _ in found)
    windows = model._windows(0, LabelTokens(words))
    if isinstance(windows, Failure):
        raise RequestFailed(windows)
    window = next(one for one in windows if index in dict(one.positions))
    position = dict(one for one in window.positions)[index]
    spans = [NO_SPAN if word is None else found[word][1] for word in window.words]
    opened = _Opened(model, window.ids, None)

    def read(output: Any) -> torch.Tensor:
        logits = output.logits[:, position].float()
        own: torch.Tensor = logits[:, label]
        return own - logits[:, rivals].logsumexp(-1) if rivals else own

    return opened.view(tuple(spans), lambda rows: read(opened.run(rows)), read)


def answer_span_view(model: QuestionAnswerer, content: Content, target: str) -> DifferentiableView:
    """A question and a context; the output is the start and the end logit of an answer in it.

    That is the score of a Span. Without a target it is the best answer; of a target that occurs
    several times, or in several windows, the one that scores best is meant. Four texts are the
    question, and what stands before an answer, the answer, and what stands after it in the
    context: that answer is meant, and its words are no features.

    Raises:
        ValueError: There are not two or four texts, or the target is no stretch of whole tokens.
        RequestFailed: The context cannot be read.
    """
    question, context, answer = _asked(content)
    request = AnswerSpan(question, context)
    windows = model._windows(0, request)
    if isinstance(windows, Failure):
        raise RequestFailed(windows)
    if not target and answer is None:
        (best,) = model.answer_span([request])
        if isinstance(best, Failure):
            raise RequestFailed(best)
        target = best.text
    candidates = [
        (window, pair)
        for window in windows
        for pair in _places(window.spans, context, target, answer)
    ]
    if not candidates and answer is not None:
        raise RequestFailed(Failure("stretch too long", "no window reads the answer as a whole"))
    if not candidates:
        raise ValueError(f"{target!r} is no stretch of whole tokens of the context")

    def score(candidate: tuple[Any, Span]) -> float:
        window, (start, end) = candidate
        with torch.no_grad():
            output = model.module(**model.inputs([window.ids], [window.types]))
        return float(output.start_logits[0, start] + output.end_logits[0, end])

    window, (start, end) = max(candidates, key=score)
    n = len(question)
    of_context = [
        NO_SPAN if span is None or _lies_in(span, answer) else (span[0] + n, span[1] + n)
        for span in window.spans
    ]
    spans = [
        other if own is None else own
        for own, other in zip(window.question, of_context, strict=True)
    ]
    opened = _Opened(model, window.ids, window.types)

    def read(output: Any) -> torch.Tensor:
        total: torch.Tensor = output.start_logits[:, start] + output.end_logits[:, end]
        return total.float()

    return opened.view(tuple(spans), lambda rows: read(opened.run(rows)), read)


def _asked(content: Content) -> tuple[str, str, Span | None]:
    """The question, the context, and where in it the answer that is meant stands, if told."""
    if len(content) == 2:
        return *_texts(content, 2, "the question and the context"), None
    parts = "the question, and the texts before an answer, of it and after it"
    question, before, answer, after = _texts(content, 4, parts)
    return question, before + answer + after, (len(before), len(before) + len(answer))


def _lies_in(span: Span, stretch: Span | None) -> bool:
    return stretch is not None and span[0] < stretch[1] and span[1] > stretch[0]


def _places(
    spans: Sequence[Span | None], context: str, target: str, answer: Span | None
) -> list[tuple[int, int]]:
    """The first and last tokens of each occurrence of a target, where tokens end where it does.

    White space at a token's ends, which some tokens carry, is left out. Of an answer whose place is
    told, those that have a part in it.
    """
    if answer is not None:
        place = tokens_over(spans, answer)
        return [] if place is None else [place]
    bare = [None if span is None else _without_space(context, span) for span in spans]
    found = []
    for match in re.finditer(re.escape(target), context):
        begin, end = match.span()
        starts = [i for i, span in enumerate(bare) if span is not None and span[0] == begin]
        ends = [i for i, span in enumerate(bare) if span is not None and span[1] == end]
        if starts and ends and starts[0] <= ends[-1]:
            found.append((starts[0], ends[-1]))
    return found


def _without_space(text: str, span: Span) -> Span:
    own = text[span[0] : span[1]]
    begin = span[0] + len(own) - len(own.lstrip())
    return begin, max(begin, span[1] - (len(own) - len(own.rstrip())))


def _texts(content: Content, n: int, what: str) -> tuple[str, ...]:
    texts = tuple(part.text for part in content if isinstance(part, Text))
    if len(texts) != n or len(texts) != len(content):
        raise ValueError(f"the content is {what}, {n} texts in all (got {len(content)} parts)")
    return texts


def _index(labels: Sequence[str], label: str) -> int:
    if label not in labels:
        raise ValueError(f"no label {label!r}; the labels are {', '.join(labels)}")
    return labels.index(label)


class _Opened:
    """One input of an encoder, whose token embeddings can be put in by hand."""

    def __init__(self, model: TextEncoder, ids: Sequence[int], types: Any) -> None:
        self.model, self.module = model, model.module
        self.given = model.inputs([ids], None if types is None else [types])
        self.layer = self.module.get_input_embeddings()

    def embeddings(self, ids: torch.Tensor) -> torch.Tensor:
        """Vectors of tokens [1, tokens, width]."""
        with torch.no_grad():
            rows: torch.Tensor = self.layer(ids)
        return rows.float()

    def run(self, embeddings: torch.Tensor, **further: Any) -> Any:
        """What the model makes of embeddings [batch, tokens, width]."""
        rows = {name: value.expand(len(embeddings), -1) for name, value in self.given.items()}
        with output_replaced(self.layer, embeddings):
            return self.module(**rows, **further)

    def view(
        self,
        spans: tuple[Span, ...],
        output: Callable[[torch.Tensor], torch.Tensor],
        read: Read | None = None,
    ) -> DifferentiableView:
        """The view; words are absent as the token that says nothing.

        Layers are open where the output is read (``read``) from one pass.
        """
        ids = self.given["input_ids"]
        is_word = torch.tensor([span != NO_SPAN for span in spans], device=ids.device)
        if not is_word.any():
            raise ValueError("there is no text to attribute to")
        inputs = self.embeddings(ids)
        blank = absent_id(self.model.tokenizer, self.model.pad_id)
        baseline = self.embeddings(torch.where(is_word, blank, ids))

        def trace() -> ForwardTrace:
            assert read is not None
            with eager_attention(self.module):
                found = self.run(inputs, output_attentions=True, output_hidden_states=True)
                return traced(found, read(found)[0], spread_tokens(inputs))

        return DifferentiableView(
            inputs,
            baseline,
            output,
            spans,
            module=self.module,
            trace=trace if read is not None else None,
        )
