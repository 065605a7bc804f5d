"""Text models opened up for gradient explainers, in the space of token embeddings."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import torch

from evalsuite import DifferentiableView, Failure
from evalsuite_text.scoring.encoding import Encoder
from evalsuite_text.scoring.scorer import Scorer

Span = tuple[int, int]
NO_SPAN: Span = (0, 0)


def continuation_view(
    scorer: Scorer, encoder: Encoder, prompt: str, text: str, continuation: str
) -> DifferentiableView:
    """The prompt's embeddings; the output is log P(continuation | prompt).

    Only the tokens of ``text`` inside the prompt are content: they have spans, and the baseline
    replaces them by the mask, unknown or padding token. The start token and whatever a chat
    template wrote stay as they are. The continuation's embeddings are appended inside the output.

    Raises:
        ValueError: Nothing can be scored, or no character offsets are known.
    """
    row = encoder.pair(prompt, continuation)
    if isinstance(row, Failure):
        raise ValueError(f"the target {continuation!r} cannot be scored: {row.message}")
    spans = _content_spans(encoder, prompt, text, row.start)
    embed = scorer.model.get_input_embeddings()
    ids = torch.tensor(row.ids, device=embed.weight.device)
    head, tail = ids[: row.start], ids[row.start :]
    blank = head.clone()
    blank[_is_content(spans).to(blank.device)] = _absent_id(encoder.tokenizer, encoder.prefix)
    with torch.no_grad():
        inputs, baseline = embed(head)[None].float(), embed(blank)[None].float()
        written = embed(tail[:-1])[None].float()

    def output(embeddings: torch.Tensor) -> torch.Tensor:
        rows = torch.cat([embeddings, written.expand(len(embeddings), -1, -1)], dim=1)
        outputs = scorer.outputs(inputs_embeds=rows.to(embed.weight.dtype))
        logp = scorer.logits(outputs[:, row.start - 1 :]).log_softmax(-1)
        return logp.gather(-1, tail.expand(len(embeddings), -1)[..., None])[..., 0].sum(-1)

    return DifferentiableView(inputs, baseline, output, spans)


def _content_spans(encoder: Encoder, prompt: str, text: str, n_positions: int) -> tuple[Span, ...]:
    """For each position of a prompt the characters of ``text`` that it covers.

    Positions are matched from the right: a start token, or a cut, is on the left.
    """
    begin = prompt.find(text)
    if begin < 0 or not text.strip():
        raise ValueError(
            "there is no text to attribute to"
            if not text.strip()
            else "the chat template rewrites the text, so its characters have no known place"
        )
    offsets = encoder.spans(prompt.rstrip())
    if not offsets:
        raise ValueError(
            f"the tokenizer {type(encoder.tokenizer).__name__} gives no character offsets; "
            "attribution needs a fast one (tokenizer.json)"
        )
    inside = [(max(a - begin, 0), min(b - begin, len(text))) for a, b in offsets]
    spans = [span if span[0] < span[1] else NO_SPAN for span in inside][-n_positions:]
    return (NO_SPAN,) * (n_positions - len(spans)) + tuple(spans)


def label_view(
    module: Any,
    tokenizer: Any,
    text: str,
    label_index: int,
    max_length: int,
    accepted: Collection[str],
) -> DifferentiableView:
    """A text's embeddings; the output is one label's logit.

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
    blank[0, _is_content(spans).to(blank.device)] = _absent_id(tokenizer, int(ids[0, 0]))
    embed = module.get_input_embeddings()
    with torch.no_grad():
        inputs, baseline = embed(ids).float(), embed(blank).float()
    others = {name: encoded[name] for name in accepted if name in encoded and name != "input_ids"}

    def output(embeddings: torch.Tensor) -> torch.Tensor:
        repeated = {name: value.expand(len(embeddings), -1) for name, value in others.items()}
        logits = module(inputs_embeds=embeddings.to(embed.weight.dtype), **repeated).logits.float()
        if logits.shape[-1] == 1:
            return logits[:, 0] if label_index == 1 else -logits[:, 0]
        return logits[:, label_index]

    return DifferentiableView(inputs, baseline, output, spans)


def _word_spans(offsets: Sequence[Sequence[int]], special: Sequence[int]) -> tuple[Span, ...]:
    return tuple(
        NO_SPAN if is_special or a == b else (int(a), int(b))
        for (a, b), is_special in zip(offsets, special, strict=True)
    )


def _is_content(spans: Sequence[Span]) -> torch.Tensor:
    return torch.tensor([span != NO_SPAN for span in spans], dtype=torch.bool)


def _absent_id(tokenizer: Any, fallback: int) -> int:
    """The token that says nothing: mask, else unknown, else padding, else ``fallback``."""
    for name in ("mask_token_id", "unk_token_id", "pad_token_id"):
        value = getattr(tokenizer, name, None)
        if value is not None:
            return int(value)
    return fallback
