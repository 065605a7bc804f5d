"""Text models opened up for gradient explainers, in the space of token embeddings."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import torch

from evalsuite import DifferentiableView, Failure, ForwardTrace
from evalsuite.content import Content
from evalsuite_text.scoring.encoding import Encoder
from evalsuite_text.scoring.scorer import Scorer
from evalsuite_transformers.differentiable.layers import (
    eager_attention,
    spread_tokens,
    traced,
)
from evalsuite_transformers.differentiable.stretches import (
    NO_SPAN,
    Span,
    Stretch,
    Write,
    covered,
    stretches_of,
)
from evalsuite_transformers.differentiable.views import absent_id


def continuation_view(
    scorer: Scorer,
    encoder: Encoder,
    write: Write,
    content: Content,
    continuation: str,
    within: Span | None = None,
) -> DifferentiableView:
    """The embeddings of a prompt; the output is log P(continuation | prompt).

    Only the tokens of the explained text are content: they have spans, and the baseline replaces
    them by the mask, unknown or padding token. The start token, the prompt around and whatever a
    chat template wrote stay as they are. The continuation's embeddings are appended inside the
    output.

    Args:
        scorer: Of the model.
        encoder: Of its texts.
        write: From a content to a prompt.
        content: What the prompt is written from.
        continuation: What is scored.
        within: The characters of the content's text that are explained; None is all of it.

    Raises:
        ValueError: Nothing can be scored or explained, or no character offsets are known.
        RequestFailed: The chat template rewrites the text.
    """
    prompt = write(content)
    row = encoder.pair(prompt, continuation)
    if isinstance(row, Failure):
        raise ValueError(f"the target {continuation!r} cannot be scored: {row.message}")
    spans = _content_spans(encoder, prompt, stretches_of(write, content, within), row.start)
    embed = scorer.model.get_input_embeddings()
    ids = torch.tensor(row.ids, device=embed.weight.device)
    head, tail = ids[: row.start], ids[row.start :]
    blank = head.clone()
    blank[_is_content(spans).to(blank.device)] = absent_id(encoder.tokenizer, encoder.prefix)
    with torch.no_grad():
        inputs, baseline = embed(head)[None].float(), embed(blank)[None].float()
        written = embed(tail[:-1])[None].float()

    def joined(embeddings: torch.Tensor) -> torch.Tensor:
        rows = torch.cat([embeddings, written.expand(len(embeddings), -1, -1)], dim=1)
        return rows.to(embed.weight.dtype)

    def total(logits: torch.Tensor) -> torch.Tensor:
        wanted = tail.expand(len(logits), -1)[..., None]
        return logits.log_softmax(-1).gather(-1, wanted)[..., 0].sum(-1)

    def output(embeddings: torch.Tensor) -> torch.Tensor:
        outputs = scorer.outputs(inputs_embeds=joined(embeddings))
        return total(scorer.logits(outputs[:, row.start - 1 :]))

    def trace() -> ForwardTrace:
        return _trace(scorer.model, joined(inputs), row.start, total, spread_tokens(inputs))

    return DifferentiableView(inputs, baseline, output, spans, module=scorer.model, trace=trace)


def _trace(module: Any, rows: torch.Tensor, start: int, total: Any, spread: Any) -> ForwardTrace:
    """The prompt's tokens as seen from where the first token of the continuation is written."""
    with eager_attention(module):
        found = module(
            inputs_embeds=rows, use_cache=False, output_attentions=True, output_hidden_states=True
        )

    def spread_prompt(values: torch.Tensor) -> torch.Tensor:
        spreading: torch.Tensor = spread(values[:start])
        return spreading

    return ForwardTrace(
        output=total(found.logits[:, start - 1 :].float())[0],
        attentions=tuple(found.attentions or ()),
        hidden=found.hidden_states[-2],
        readout=start - 1,
        spread=spread_prompt,
        spread_hidden=spread_prompt,
    )


def _content_spans(
    encoder: Encoder, prompt: str, stretches: Sequence[Stretch], n_positions: int
) -> tuple[Span, ...]:
    """For each position of a prompt the characters of the explained text that it covers.

    Positions are matched from the right: a start token, or a cut, is on the left.
    """
    offsets = encoder.spans(prompt.rstrip())
    if not offsets:
        raise ValueError(
            f"the tokenizer {type(encoder.tokenizer).__name__} gives no character offsets; "
            "attribution needs a fast one (tokenizer.json)"
        )
    spans = [covered(stretches, *span) for span in offsets][-n_positions:]
    return (NO_SPAN,) * (n_positions - len(spans)) + tuple(spans)


def label_view(
    module: Any,
    tokenizer: Any,
    text: str,
    label_index: int,
    max_length: int,
    accepted: Collection[str],
    rivals: Sequence[int] = (),
) -> DifferentiableView:
    """A text's embeddings; the output is one label's logit, or log-odds against its rivals.

    The baseline replaces every word token by the mask, unknown or padding token; special tokens
    stay. A head with one logit has the logit for its second label, its negative for the first.

    Raises:
        ValueError: The tokenizer knows no character offsets.
    """
    if not getattr(tokenizer, "is_fast", False):
        raise ValueError(
            f"the tokenizer {type(tokenizer).__name__} gives no character offsets; attribution "
            "needs a fast one (tokenizer.json)"
        )
    encoded = tokenizer(
        text,
        truncation=True,
        max_length=max_length,
        return_offsets_mapping=True,
        return_special_tokens_mask=True,
        return_tensors="pt",
    ).to(module.device)
    spans = _word_spans(
        encoded["offset_mapping"][0].tolist(), encoded["special_tokens_mask"][0].tolist()
    )
    ids = encoded["input_ids"]
    blank = ids.clone()
    blank[0, _is_content(spans).to(blank.device)] = absent_id(tokenizer, int(ids[0, 0]))
    embed = module.get_input_embeddings()
    with torch.no_grad():
        inputs, baseline = embed(ids).float(), embed(blank).float()
    others = {name: encoded[name] for name in accepted if name in encoded and name != "input_ids"}

    def run(embeddings: torch.Tensor, **further: Any) -> Any:
        repeated = {name: value.expand(len(embeddings), -1) for name, value in others.items()}
        return module(inputs_embeds=embeddings.to(embed.weight.dtype), **repeated, **further)

    def logit(found: Any) -> torch.Tensor:
        logits: torch.Tensor = found.logits.float()
        if logits.shape[-1] == 1:
            return logits[:, 0] if label_index == 1 else -logits[:, 0]
        if not rivals:
            return logits[:, label_index]
        return logits[:, label_index] - logits[:, list(rivals)].logsumexp(-1)

    def trace() -> ForwardTrace:
        with eager_attention(module):
            found = run(inputs, output_attentions=True, output_hidden_states=True)
            return traced(found, logit(found)[0], spread_tokens(inputs))

    return DifferentiableView(
        inputs,
        baseline,
        lambda embeddings: logit(run(embeddings)),
        spans,
        module=module,
        trace=trace,
    )


def _word_spans(offsets: Sequence[Sequence[int]], special: Sequence[int]) -> tuple[Span, ...]:
    return tuple(
        NO_SPAN if is_special or a == b else (int(a), int(b))
        for (a, b), is_special in zip(offsets, special, strict=True)
    )


def _is_content(spans: Sequence[Span]) -> torch.Tensor:
    return torch.tensor([span != NO_SPAN for span in spans], dtype=torch.bool)
