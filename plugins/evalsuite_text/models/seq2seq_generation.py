"""What an encoder-decoder writes: greedy, by beams, or sampled.

A checkpoint's own settings (beams, length penalty, repetition rules) are set aside, as for causal
models: a request and the model's options say everything about how an answer is written. What the
model cannot do without is kept: its token ids and the tokens that it must never write.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from transformers import (
    GenerationConfig,
    LogitsProcessorList,
    StoppingCriteriaList,
)

from evalsuite import Failure, Generate, Generation
from evalsuite_transformers.sampling import ChosenOnly, choice_of
from evalsuite_transformers.written_text import StopStrings, finished

if TYPE_CHECKING:
    from evalsuite_text.models.seq2seq import SequenceToSequenceModel

_KEPT = ("bad_words_ids", "suppress_tokens", "begin_suppress_tokens")
# Settings that do not change what is written, or that the decoder's opening replaces.
_WITHOUT_EFFECT = (
    "transformers_version",
    "_from_model_config",
    "use_cache",
    "bos_token_id",
    "eos_token_id",
    "pad_token_id",
    "decoder_start_token_id",
    "forced_bos_token_id",
    *_KEPT,
)


def neutral_settings(module: Any, tokenizer: Any, first: int) -> tuple[GenerationConfig, str]:
    """Settings with what a checkpoint needs only, and what was set aside, as text.

    ``first`` is the token that the decoder starts with.
    """
    own = module.generation_config
    found = own.eos_token_id if own is not None else None
    ends = set(found if isinstance(found, list) else [found]) | {tokenizer.eos_token_id}
    pads = (tokenizer.pad_token_id, module.config.pad_token_id, first)
    settings = GenerationConfig(
        eos_token_id=sorted(end for end in ends if end is not None) or None,
        pad_token_id=next(pad for pad in pads if pad is not None),
        decoder_start_token_id=first,
        **{name: getattr(own, name) for name in _KEPT if getattr(own, name, None)},
    )
    changed = own.to_diff_dict() if own is not None else {}
    aside = [
        f"{name}={value}"
        for name, value in changed.items()
        if name not in _WITHOUT_EFFECT and not name.startswith(("output_", "return_"))
    ]
    return settings, ", ".join(sorted(aside))


def write(
    model: SequenceToSequenceModel, sources: Sequence[tuple[int, ...]], requests: Sequence[Generate]
) -> list[Generation | Failure]:
    """Generations in the order of the requests.

    Requests that may write equally many tokens share a batch, sampled ones and greedy ones each
    (the latter may be searched for with beams).
    """
    answers: dict[int, Generation | Failure] = {}
    groups: dict[tuple[int, bool], list[int]] = defaultdict(list)
    for i, request in enumerate(requests):
        n_new = min(request.max_tokens, model.max_target - len(model.opening))
        if n_new < 1:
            answers[i] = Failure("no room", "the decoder cannot read what it would have written")
            continue
        groups[n_new, request.temperature > 0].append(i)
    for key, group in groups.items():
        written = _write(model, [sources[i] for i in group], [requests[i] for i in group], key[0])
        answers.update(zip(group, written, strict=True))
    return [answers[i] for i in range(len(requests))]


def _write(
    model: SequenceToSequenceModel,
    sources: Sequence[tuple[int, ...]],
    requests: Sequence[Generate],
    n_new: int,
) -> list[Generation]:
    """Run one batch of requests that write alike."""
    opening = model.opening
    search: dict[str, Any] = {"num_beams": model.options.num_beams}
    if requests[0].temperature > 0:
        pairs = zip(requests, sources, strict=True)
        choices = [choice_of(r, np.asarray(ids, np.uint32).tobytes()) for r, ids in pairs]
        search = {"logits_processor": LogitsProcessorList([ChosenOnly(choices)])}
    stops = [request.stop for request in requests]
    if search.get("num_beams", 1) == 1 and any(stops):
        criterion = StopStrings(model.tokenizer, stops, len(opening))
        search["stopping_criteria"] = StoppingCriteriaList([criterion])
    start = torch.tensor([opening] * len(sources), device=model.device)
    with torch.inference_mode():
        output = model.module.generate(
            **model.source_inputs(sources),
            decoder_input_ids=start,
            max_new_tokens=n_new,
            do_sample=False,
            **search,
        )
    ends = set(model.module.generation_config.eos_token_id or ())
    written = output[:, len(opening) :].tolist()
    return [
        finished(model.tokenizer, ids, ends, stop) for ids, stop in zip(written, stops, strict=True)
    ]
