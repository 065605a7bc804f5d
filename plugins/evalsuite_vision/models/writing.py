"""What each row of a generation writes: its limit, end tokens, stop strings, and the answer."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from transformers import GenerationConfig

from evalsuite import Generation
from evalsuite_vision.models.sampling import Choice

_TOKENS = ("bos_token_id", "eos_token_id", "pad_token_id")
# Settings that do not change what is written.
_WITHOUT_EFFECT = ("transformers_version", "_from_model_config", "use_cache", *_TOKENS)


@dataclass
class Row:
    """One request on its way: how many tokens it may write, and which it wrote."""

    choice: Choice
    n_new: int
    written: list[int] = field(default_factory=list)
    is_done: bool = False


class Scribe:
    """Knows where text ends, and turns tokens into answers."""

    def __init__(self, tokenizer: Any, ends: Sequence[int]) -> None:
        """``ends``: the tokens that end a text."""
        self.tokenizer, self.ends = tokenizer, frozenset(ends)

    def take(self, row: Row, token: int) -> None:
        """Add a token, and see whether it was the last one."""
        row.written.append(token)
        row.is_done = (
            len(row.written) >= row.n_new
            or token in self.ends
            or self._holds_stop(row.choice.request.stop, row.written)
        )

    def answer(self, row: Row) -> Generation:
        """Cut before the end token, and before the first stop string.

        A stop string counts the tokens up to the one that completes it.
        """
        ids, stop = row.written, row.choice.request.stop
        n_kept = next((i for i, token in enumerate(ids) if token in self.ends), len(ids))
        text = self.text(ids[:n_kept])
        if not _has(stop, text):
            return Generation(text, n_kept, "stop" if n_kept < len(ids) else "length")
        cut = min(text.find(item) for item in stop if item in text)
        lengths = range(1, n_kept + 1)
        first = bisect_left(lengths, True, key=lambda n: _has(stop, self.text(ids[:n])))
        return Generation(text[:cut], lengths[first], "stop")

    def text(self, ids: Sequence[int]) -> str:
        """Token ids as text, special tokens left out."""
        return str(self.tokenizer.decode(ids, skip_special_tokens=True))

    def _holds_stop(self, stop: Sequence[str], ids: list[int]) -> bool:
        """Look at the tail first, which is cheap, and make sure with the whole text."""
        if not stop:
            return False
        tail = ids[-max(len(item.encode()) for item in stop) - 4 :]
        return _has(stop, self.text(tail)) and _has(stop, self.text(ids))


def _has(stop: Sequence[str], text: str) -> bool:
    return any(item in text for item in stop)


def neutral_settings(own: Any, tokenizer: Any) -> tuple[GenerationConfig, str]:
    """Generation settings with a checkpoint's token ids only, and what was set aside, as text.

    A request says everything about how its answer is written, so that two models are asked the
    same. The end tokens are the checkpoint's and the tokenizer's.
    """
    found = own.eos_token_id if own is not None else None
    ends = set(found if isinstance(found, list) else [found]) | {tokenizer.eos_token_id}
    pads = (tokenizer.pad_token_id, own.pad_token_id if own is not None else None)
    settings = GenerationConfig(
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=sorted(end for end in ends if end is not None) or None,
        pad_token_id=next((pad for pad in pads if pad is not None), tokenizer.eos_token_id or 0),
    )
    changed = own.to_diff_dict() if own is not None else {}
    aside = [
        f"{name}={value}"
        for name, value in changed.items()
        if name not in _WITHOUT_EFFECT and not name.startswith(("output_", "return_"))
    ]
    return settings, ", ".join(sorted(aside))
