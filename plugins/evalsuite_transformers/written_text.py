"""Text that a model wrote: where it ends, and under which settings it is written.

A checkpoint's own generation settings (repetition penalty, beams, top-k, ...) are set aside: a
request says everything about how its answer is written, so that two models are asked the same.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Sequence
from typing import Any

import torch
from transformers import GenerationConfig, StoppingCriteria

from evalsuite import Generation

_TOKENS = ("bos_token_id", "eos_token_id", "pad_token_id")
# Settings that do not change what is written.
_WITHOUT_EFFECT = ("transformers_version", "_from_model_config", "use_cache", *_TOKENS)


def neutral_settings(own: Any, tokenizer: Any, fallback_pad: int) -> tuple[GenerationConfig, str]:
    """Generation settings with a checkpoint's token ids only, and what was set aside, as text.

    The end tokens are the checkpoint's and the tokenizer's.
    """
    found = own.eos_token_id if own is not None else None
    ends = set(found if isinstance(found, list) else [found]) | {tokenizer.eos_token_id}
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else fallback_pad
    settings = GenerationConfig(
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=sorted(end for end in ends if end is not None) or None,
        pad_token_id=pad,
    )
    changed = own.to_diff_dict() if own is not None else {}
    aside = [
        f"{name}={value}"
        for name, value in changed.items()
        if name not in _WITHOUT_EFFECT and not name.startswith(("output_", "return_"))
    ]
    return settings, ", ".join(sorted(aside))


def text_of_ids(tokenizer: Any, ids: Sequence[int]) -> str:
    """Token ids as text, special tokens left out."""
    return str(tokenizer.decode(ids, skip_special_tokens=True))


def holds_stop(tokenizer: Any, stop: Sequence[str], ids: Sequence[int]) -> bool:
    """Look at the tail first, which is cheap, and make sure with the whole text."""
    if not stop:
        return False
    tail = ids[-max(len(text.encode()) for text in stop) - 4 :]
    return _has(stop, text_of_ids(tokenizer, tail)) and _has(stop, text_of_ids(tokenizer, ids))


class StopStrings(StoppingCriteria):
    """Ends the rows whose new text holds one of their stop strings."""

    def __init__(self, tokenizer: Any, stops: Sequence[tuple[str, ...]], n_read: int) -> None:
        """``n_read`` tokens stand before the new text."""
        self.tokenizer = tokenizer
        self.stops = stops
        self.n_read = n_read

    def __call__(self, input_ids: Any, scores: Any, **_: Any) -> torch.Tensor:
        """Whether each row is done, bool [rows]."""
        new = input_ids[:, self.n_read :].tolist() if any(self.stops) else []
        done = [holds_stop(self.tokenizer, stop, ids) for ids, stop in zip(new, self.stops)]
        done = done or [False] * len(input_ids)
        return torch.tensor(done, dtype=torch.bool, device=input_ids.device)


def finished(
    tokenizer: Any, ids: Sequence[int], ends: Collection[int], stop: Sequence[str]
) -> Generation:
    """Cut before the end token, and before the first stop string.

    A stop string counts the tokens up to the one that completes it, so that the count does not
    depend on how long the rest of the batch went on.
    """
    n_kept = next((i for i, token in enumerate(ids) if token in ends), len(ids))
    text = text_of_ids(tokenizer, ids[:n_kept])
    if not _has(stop, text):
        return Generation(text, n_kept, "stop" if n_kept < len(ids) else "length")
    cut = min(text.find(item) for item in stop if item in text)
    lengths = range(1, n_kept + 1)
    first = bisect_left(lengths, True, key=lambda n: _has(stop, text_of_ids(tokenizer, ids[:n])))
    return Generation(text[:cut], lengths[first], "stop")


def _has(stop: Sequence[str], text: str) -> bool:
    return any(item in text for item in stop)
