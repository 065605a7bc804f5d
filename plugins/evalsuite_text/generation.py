"""Greedy and sampled text; batched greedy equals one-by-one greedy token for token."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import torch

from evalsuite import Failure, Generate, Generation
from evalsuite_text.encoding import Encoder


def generate(
    module: Any,
    tokenizer: Any,
    encoder: Encoder,
    prompts: Sequence[str],
    requests: Sequence[Generate],
) -> list[Generation | Failure]:
    """Generations in the order of the requests.

    Greedy requests of equal length limits share batches. A sampled request is run alone under its
    own seed, since a batch would share one stream of random numbers.
    """
    groups: dict[object, list[int]] = defaultdict(list)
    for index, request in enumerate(requests):
        key = request.max_tokens if request.temperature == 0 else ("sampled", index)
        groups[key].append(index)
    answers: list[Generation | Failure] = [Failure("not generated", "")] * len(requests)
    for indices in groups.values():
        texts = [prompts[i] for i in indices]
        chosen = [requests[i] for i in indices]
        for index, answer in zip(indices, _run(module, tokenizer, encoder, texts, chosen)):
            answers[index] = answer
    return answers


def _run(
    module: Any,
    tokenizer: Any,
    encoder: Encoder,
    prompts: Sequence[str],
    requests: Sequence[Generate],
) -> list[Generation]:
    first = requests[0]
    room = max(1, encoder.max_length - first.max_tokens)
    rows = [_prompt_ids(encoder, prompt)[-room:] for prompt in prompts]
    inputs = _left_padded(rows, _pad_id(tokenizer, encoder), module.device)
    sampling: dict[str, Any] = {"do_sample": False}
    if first.temperature > 0:
        sampling = {"do_sample": True, "temperature": first.temperature, "top_p": first.top_p}
    devices = [module.device] if module.device.type == "cuda" else []
    with torch.inference_mode(), torch.random.fork_rng(devices=devices):
        torch.manual_seed(first.seed)
        output = module.generate(
            **inputs,
            max_new_tokens=first.max_tokens,
            pad_token_id=_pad_id(tokenizer, encoder),
            **sampling,
        )
    new = output[:, inputs["input_ids"].shape[1] :].tolist()
    return [_finish(tokenizer, ids, request) for ids, request in zip(new, requests, strict=True)]


def _prompt_ids(encoder: Encoder, prompt: str) -> tuple[int, ...]:
    ids = encoder.ids(prompt)
    return (encoder.prefix, *ids) if encoder.adds_start or not ids else ids


def _pad_id(tokenizer: Any, encoder: Encoder) -> int:
    return int(tokenizer.pad_token_id if tokenizer.pad_token_id is not None else encoder.prefix)


def _left_padded(
    rows: Sequence[tuple[int, ...]], pad_id: int, device: torch.device
) -> dict[str, torch.Tensor]:
    """Left padding, so that every row's next token is at the end; padding is masked."""
    longest = max(len(row) for row in rows)
    ids = torch.full((len(rows), longest), pad_id, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for i, row in enumerate(rows):
        ids[i, longest - len(row) :] = torch.tensor(row)
        mask[i, longest - len(row) :] = 1
    return {"input_ids": ids.to(device), "attention_mask": mask.to(device)}


def _finish(tokenizer: Any, ids: list[int], request: Generate) -> Generation:
    """Cut at the end token and at the first stop string."""
    end = tokenizer.eos_token_id
    ended = end is not None and end in ids
    kept = ids[: ids.index(end)] if ended else ids
    text = tokenizer.decode(kept, skip_special_tokens=True)
    cut = min((text.find(stop) for stop in request.stop if stop in text), default=-1)
    if cut >= 0:
        text = text[:cut]
    return Generation(text, len(kept), "stop" if ended or cut >= 0 else "length")
