"""From (context, continuation) to token ids, once per text.

The boundary rule is lm-evaluation-harness's: white space at the end of the context moves to the
continuation; the whole is encoded in one piece and split after as many tokens as the context alone
has. So a continuation is scored with the tokens that it has in running text.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from evalsuite import ModelError


@dataclass(frozen=True)
class ScoredRow:
    """Token ids of one row and where its scored part begins.

    ``ids[start:]`` are scored, each given all ids before it; ``start`` is at least 1.
    """

    ids: tuple[int, ...]
    start: int
    truncated: int


class Encoder:
    """Encodes texts for a causal model; each distinct text once."""

    def __init__(self, tokenizer: Any, max_length: int) -> None:
        """Find out what stands before a text: the tokenizer's own start token, if it adds one.

        Raises:
            ModelError: The tokenizer has no token that can stand before a text.
        """
        self.tokenizer = tokenizer
        self.max_length = max_length
        self._encode = lru_cache(maxsize=65536)(self._encode_text)
        start, end = tokenizer.bos_token_id, tokenizer.eos_token_id
        empty = tokenizer.build_inputs_with_special_tokens([]) if start is None else None
        self.adds_start = start is not None and self._writes(start)
        self.prefix = start if start is not None else end
        if self.prefix is None:
            raise ModelError(
                "The tokenizer has neither a start nor an end token, so there is nothing to "
                f"condition the first word on (special tokens of an empty text: {empty})."
            )

    def _writes(self, start: int) -> bool:
        """Whether encoding with special tokens puts the start token first."""
        ids = self.tokenizer("a", add_special_tokens=True)["input_ids"]
        return bool(ids) and ids[0] == start

    def _encode_text(self, text: str) -> tuple[int, ...]:
        return tuple(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def ids(self, text: str) -> tuple[int, ...]:
        """Token ids of a text, without special tokens."""
        return self._encode(text)

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Character offsets of each token; empty where the tokenizer has none (slow ones)."""
        if not getattr(self.tokenizer, "is_fast", False):
            return []
        encoded = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        return [(int(a), int(b)) for a, b in encoded["offset_mapping"]]

    def pair(self, context: str, continuation: str) -> ScoredRow:
        """The row that scores a continuation; the context is cut on the left when too long."""
        stripped = context.rstrip()
        continuation = context[len(stripped) :] + continuation
        if not stripped:
            return self._row((self.prefix,), self.ids(continuation))
        context_ids = self.ids(stripped)
        whole = self.ids(stripped + continuation)
        head = ((self.prefix,) if self.adds_start else ()) + whole[: len(context_ids)]
        return self._row(head or (self.prefix,), whole[len(context_ids) :])

    def _row(self, head: tuple[int, ...], tail: tuple[int, ...]) -> ScoredRow:
        """Join, and keep the last ``max_length`` inputs (the last token is never an input)."""
        ids = head + tail
        excess = max(0, len(ids) - 1 - self.max_length)
        start = max(1, len(head) - excess)
        return ScoredRow(ids[excess:], start, excess)

    def windows(self, text: str) -> list[ScoredRow]:
        """Rows that together score every token of a text exactly once.

        Windows do not overlap in what they score; each but the first is given one token of
        context, the last one as much as fits, as in lm-evaluation-harness's rolling rule.
        """
        ids = self.ids(text)
        rows: list[ScoredRow] = []
        for begin in range(0, len(ids), self.max_length):
            end = min(begin + self.max_length, len(ids))
            if begin == 0:
                rows.append(ScoredRow((self.prefix, *ids[:end]), 1, 0))
            else:
                first = end - self.max_length - 1
                rows.append(ScoredRow(ids[first:end], begin - first, 0))
        return rows
