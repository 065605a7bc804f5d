"""Text models opened up for gradient explainers, in the space of token embeddings."""

from __future__ import annotations

from typing import Any

import torch

from evalsuite import DifferentiableView
from evalsuite_text.encoding import Encoder


def continuation_view(
    module: Any, encoder: Encoder, context: str, continuation: str
) -> DifferentiableView:
    """The context's embeddings; the output is the log-probability of the continuation.

    The baseline replaces every context token by the unknown, padding or start token, whichever
    the tokenizer has first; the start token itself stays.
    """
    row = encoder.pair(context, continuation)
    embed = module.get_input_embeddings()
    ids = torch.tensor(row.ids, device=module.device)
    head, tail = ids[: row.start], ids[row.start :]
    spans = encoder.spans(context.rstrip())
    n_special = row.start - len(spans) if spans else row.start
    spans = spans[max(0, len(spans) - row.start) :]
    absent = _absent_id(encoder.tokenizer, encoder.prefix)
    blank = head.clone()
    blank[max(0, n_special) :] = absent
    with torch.no_grad():
        inputs, baseline = embed(head)[None].float(), embed(blank)[None].float()
        tail_embeddings = embed(tail)[None].float()

    def output(embeddings: torch.Tensor) -> torch.Tensor:
        rest = tail_embeddings.expand(len(embeddings), -1, -1)
        states = torch.cat([embeddings, rest], dim=1).to(module.dtype)
        logits = module(inputs_embeds=states, use_cache=False).logits.float()
        scored = logits[:, row.start - 1 : len(row.ids) - 1].log_softmax(-1)
        return scored.gather(-1, tail.expand(len(embeddings), -1)[..., None])[..., 0].sum(-1)

    all_spans = ((0, 0),) * max(0, n_special) + tuple(spans)
    return DifferentiableView(inputs, baseline, output, all_spans)


def label_view(
    module: Any, tokenizer: Any, text: str, label_index: int, max_length: int
) -> DifferentiableView:
    """A text's embeddings; the output is one label's logit.

    The baseline replaces every word token by the mask, unknown or padding token; special tokens
    stay.
    """
    encoded = tokenizer(
        text,
        truncation=True,
        max_length=max_length,
        return_offsets_mapping=True,
        return_special_tokens_mask=True,
        return_tensors="pt",
    )
    ids = encoded["input_ids"].to(module.device)
    special = encoded["special_tokens_mask"][0].bool()
    blank = ids.clone()
    blank[0, ~special.to(module.device)] = _absent_id(tokenizer, int(ids[0, 0]))
    embed = module.get_input_embeddings()
    with torch.no_grad():
        inputs, baseline = embed(ids).float(), embed(blank).float()
    extra = {
        name: encoded[name].to(module.device)
        for name in ("attention_mask", "token_type_ids")
        if name in encoded and name in tokenizer.model_input_names
    }

    def output(embeddings: torch.Tensor) -> torch.Tensor:
        repeated = {name: value.expand(len(embeddings), -1) for name, value in extra.items()}
        logits = module(inputs_embeds=embeddings.to(module.dtype), **repeated).logits.float()
        if logits.shape[-1] == 1:  # one logit: the second label's; the first one's is its negative
            return logits[:, 0] if label_index == 1 else -logits[:, 0]
        return logits[:, label_index]

    offsets = encoded["offset_mapping"][0].tolist()
    spans = tuple(
        (0, 0) if is_special else (int(a), int(b))
        for (a, b), is_special in zip(offsets, special.tolist())
    )
    return DifferentiableView(inputs, baseline, output, spans)


def _absent_id(tokenizer: Any, fallback: int) -> int:
    """The token that says nothing: mask, else unknown, else padding, else ``fallback``."""
    for name in ("mask_token_id", "unk_token_id", "pad_token_id"):
        value = getattr(tokenizer, name, None)
        if value is not None:
            return int(value)
    return fallback
