"""From (context, continuation) to token ids, once per text.

The boundary rule is lm-evaluation-harness's: white space at the end of the context moves to the
continuation; the whole is encoded in one piece and split after as many tokens as the context alone
has. So a continuation is scored with the tokens that it has in running text.

Special tokens are never left to the tokenizer's post-processor, which may put one at the end or
between context and continuation. Texts are encoded bare; a start token is put in front where the
tokenizer itself would write one there (Llama, Gemma), and before an empty context always.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from evalsuite import Failure, ModelError
from evalsuite_text.scoring.pieces import JOINT, Pieces, is_byte_level
from evalsuite_text.scoring.text_memory import TextMemory

# A context that is long enough to be cut at a joint near its end.
_SHORTEST_CUT = 200
# Tokens of texts that are kept, about 150 MB; a context is shared by all its continuations.
_REMEMBERED_TOKENS = 4_000_000
# And where the tokens stand, another 60 MB: from when texts are put into batches until they are
# scored.
_REMEMBERED_SPANS = 500_000
_REMEMBERED_JOINTS = 65_536


@dataclass(frozen=True)
class ScoredRow:
    """Token ids of one row and where its scored part begins.

    ``ids[start:]`` are scored, each given all ids before it; ``start`` is at least 1.
    ``truncated`` counts the context tokens that were cut on the left.
    """

    ids: tuple[int, ...]
    start: int
    truncated: int


Spans = tuple[tuple[int, int], ...]


class Encoder:
    """Encodes texts for a causal model; each distinct text once.

    Attributes:
        max_length: The most tokens that the model reads at once.
        prefix: Id of the token that stands before a text which has nothing before it.
        adds_start: Whether every text gets the prefix, because the tokenizer itself adds it.
    """

    def __init__(self, tokenizer: Any, max_length: int) -> None:
        """Find out what stands before a text: the start token, or in its absence the end token.

        Raises:
            ModelError: The tokenizer has no token that can stand before a text.
        """
        self.tokenizer = tokenizer
        self.max_length = max_length
        self._known = TextMemory(_REMEMBERED_TOKENS)
        self._spans = TextMemory(_REMEMBERED_SPANS)
        self._joints = lru_cache(maxsize=_REMEMBERED_JOINTS)(self._find_joint)
        self._cuts_at_spaces = is_byte_level(tokenizer)
        self._pieces = Pieces(tokenizer)
        start, end = tokenizer.bos_token_id, tokenizer.eos_token_id
        self.adds_start = start is not None and self._writes(start)
        prefix = start if start is not None else end
        if prefix is None:
            raise ModelError(
                f"The tokenizer {type(tokenizer).__name__} has neither a start nor an end token, "
                "so there is nothing to condition the first word on. Set bos_token in the "
                "checkpoint's tokenizer_config.json."
            )
        self.prefix = int(prefix)

    def _writes(self, start: int) -> bool:
        """Whether encoding with special tokens puts the start token first."""
        ids = self.tokenizer("a", add_special_tokens=True)["input_ids"]
        return bool(ids) and ids[0] == start

    def ids(self, text: str) -> tuple[int, ...]:
        """Token ids of a text, without special tokens."""
        ids = self._known.get(text)
        if ids is None:
            (ids,) = self._pieces.encode([text])
            self._known.put(text, ids)
        return ids

    def started(self, ids: tuple[int, ...]) -> tuple[int, ...]:
        """The ids after what stands before a text; never twice (chat templates write it too)."""
        if not ids or (self.adds_start and ids[0] != self.prefix):
            return (self.prefix, *ids)
        return ids

    def spans(self, text: str) -> Spans:
        """Character offsets of each token; empty where the tokenizer has none (slow ones)."""
        return self.spans_of([text])[0]

    def spans_of(self, texts: Sequence[str]) -> list[Spans]:
        """As ``spans``, of many texts in one call, which are remembered with their ids."""
        if not getattr(self.tokenizer, "is_fast", False):
            return [() for _ in texts]
        found = {text: self._spans.get(text) for text in texts}
        new = [text for text, spans in found.items() if spans is None]
        if new:
            encoded = self.tokenizer(new, add_special_tokens=False, return_offsets_mapping=True)
            columns = (encoded["input_ids"], encoded["offset_mapping"])
            for text, ids, offsets in zip(new, *columns, strict=True):
                found[text] = spans = tuple(offsets)
                self._spans.put(text, spans)
                if text not in self._known:
                    self._known.put(text, tuple(ids))
        return [found[text] or () for text in texts]

    def pairs(self, pairs: Sequence[tuple[str, str]]) -> list[ScoredRow | Failure]:
        """The row of each (context, continuation); see ``pair``. New texts are encoded together."""
        stripped = [context.rstrip() for context, _ in pairs]
        self.encode_all(stripped)
        tails = [
            context[self._joints(bare) :] + continuation
            for bare, (context, continuation) in zip(stripped, pairs, strict=True)
        ]
        self.encode_all(tails)
        return [self.pair(*pair) for pair in pairs]

    def pair(self, context: str, continuation: str) -> ScoredRow | Failure:
        """The row that scores a continuation; the context is cut on the left when too long.

        A Failure where the continuation has no token of its own, or more than the model reads.
        """
        stripped = context.rstrip()
        before = self.ids(stripped) if stripped else ()
        joint = self._joints(stripped)
        tail = self.ids(context[joint:] + continuation)
        # The tokens before the joint are the context's own, whatever follows.
        whole = (*before[: len(before) - len(self.ids(stripped[joint:]))], *tail) if joint else tail
        return self._row(whole, len(before))

    def _row(self, whole: tuple[int, ...], n_context: int) -> ScoredRow | Failure:
        head, tail = self.started(whole[:n_context]), whole[n_context:]
        if not tail:
            return Failure("empty continuation", "it has no token of its own to score")
        if len(tail) > self.max_length:
            return Failure(
                "continuation too long",
                f"it has {len(tail)} tokens; the model reads {self.max_length} at once",
            )
        excess = max(0, len(head) + len(tail) - 1 - self.max_length)  # the last is never read
        return ScoredRow((*head[excess:], *tail), len(head) - excess, excess)

    def _find_joint(self, context: str) -> int:
        """Where a context can be cut so that its beginning keeps its tokens whatever follows.

        0 where it cannot, or is too short to gain anything: then the whole is encoded. With a
        byte-level pre-tokenizer, a letter followed by a space and a letter is such a place; that
        the end has the tokens of the whole is looked at for every context all the same.
        """
        if not self._cuts_at_spaces or len(context) < _SHORTEST_CUT:
            return 0
        joints = [m.start() + 1 for m in JOINT.finditer(context, len(context) - _SHORTEST_CUT // 2)]
        if not joints:
            return 0
        tail = self.ids(context[joints[-1] :])
        return joints[-1] if self.ids(context)[-len(tail) :] == tail else 0

    def encode_all(self, texts: Iterable[str]) -> None:
        """Encode the texts that are not remembered yet in one call, which is faster."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        for text, ids in zip(new, self._pieces.encode(new) if len(new) > 1 else ()):
            self._known.put(text, ids)

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
