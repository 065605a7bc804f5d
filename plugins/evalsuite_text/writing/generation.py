"""Greedy and sampled text; batched greedy equals one-by-one greedy token for token."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from transformers import LogitsProcessorList, StoppingCriteriaList

from evalsuite import Failure, Generate, Generation
from evalsuite_text.scoring.encoding import Encoder
from evalsuite_text.scoring.scorer import SHARED, Scorer
from evalsuite_text.writing.decoding import Row, write
from evalsuite_transformers.sampling import ChosenOnly, choice_of
from evalsuite_transformers.written_text import StopStrings, finished, holds_stop


@dataclass(frozen=True)
class _Prompt:
    """One request with its prompt's ids and the number of tokens that it may add."""

    request: Generate
    ids: tuple[int, ...]
    n_new: int


def generate(
    scorer: Scorer,
    tokenizer: Any,
    encoder: Encoder,
    prompts: Sequence[str],
    requests: Sequence[Generate],
) -> list[Generation | Failure]:
    """Generations in the order of the requests.

    Where prompt and answer do not fit together, the answer is cut (``length``); where the prompt
    alone does not leave room for a token, the request fails.
    """
    answers: dict[int, Generation | Failure] = {}
    fitting: dict[int, _Prompt] = {}
    for index, (text, request) in enumerate(zip(prompts, requests, strict=True)):
        ids = encoder.started(encoder.ids(text))
        n_new = min(request.max_tokens, encoder.max_length - len(ids))
        if n_new < 1:
            answers[index] = Failure(
                "prompt too long",
                f"it has {len(ids)} tokens; the model reads {encoder.max_length} at once, "
                "the answer included",
            )
            continue
        fitting[index] = _Prompt(request, ids, n_new)
    longest = max((len(prompt.ids) + prompt.n_new for prompt in fitting.values()), default=0)
    is_fast = scorer.path == SHARED and longest <= scorer.reach
    write_all = _write_together if is_fast else _write_plainly
    written = write_all(scorer, tokenizer, list(fitting.values()))
    return [(answers | dict(zip(fitting, written)))[index] for index in range(len(requests))]


def _write_together(scorer: Scorer, tokenizer: Any, prompts: Sequence[_Prompt]) -> list[Generation]:
    """All prompts in one batch that rows leave when they are done."""
    if not prompts:
        return []
    rows = [_row(tokenizer, prompt) for prompt in prompts]
    ends = frozenset(scorer.model.generation_config.eos_token_id or ())
    write(scorer, rows, ends)
    return [
        finished(tokenizer, row.written, set(ends), prompt.request.stop)
        for row, prompt in zip(rows, prompts, strict=True)
    ]


def _row(tokenizer: Any, prompt: _Prompt) -> Row:
    request = prompt.request
    ids = np.asarray(prompt.ids, dtype=np.uint32)
    choice = choice_of(request, ids.tobytes())
    return Row(ids, prompt.n_new, choice, partial(holds_stop, tokenizer, request.stop))


def _write_plainly(scorer: Scorer, tokenizer: Any, prompts: Sequence[_Prompt]) -> list[Generation]:
    """By the library's own ``generate``: those of equal limits together."""
    groups: dict[int, list[int]] = defaultdict(list)
    for index, prompt in enumerate(prompts):
        groups[prompt.n_new].append(index)
    written: dict[int, Generation] = {}
    for group in groups.values():
        answers = _write(scorer.model, tokenizer, [prompts[index] for index in group])
        written |= dict(zip(group, answers, strict=True))
    return [written[index] for index in range(len(prompts))]


def _write(module: Any, tokenizer: Any, prompts: Sequence[_Prompt]) -> list[Generation]:
    """Run one batch of prompts that add equally many tokens."""
    pad_id = module.generation_config.pad_token_id
    inputs = _left_padded([prompt.ids for prompt in prompts], pad_id, module.device)
    n_read = inputs["input_ids"].shape[1]
    stops = [prompt.request.stop for prompt in prompts]
    with torch.inference_mode():
        output = module.generate(
            **inputs,
            max_new_tokens=prompts[0].n_new,
            do_sample=False,
            logits_processor=LogitsProcessorList(
                [ChosenOnly([_row(tokenizer, prompt).choice for prompt in prompts])]
            ),
            stopping_criteria=StoppingCriteriaList([StopStrings(tokenizer, stops, n_read)]),
        )
    ends = set(module.generation_config.eos_token_id or ())
    written = output[:, n_read:].tolist()
    return [finished(tokenizer, ids, ends, stop) for ids, stop in zip(written, stops, strict=True)]


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
