"""Long texts are encoded in pieces, so that a beginning which many of them share is encoded once.

Prompts with examples differ in their last lines only; without this a tokenizer would be busy longer
than a GPU that reads what they share once. A piece ends between a letter and a space that another
letter follows, the first such place after so many characters: where the texts are equal, so are the
pieces. A byte-level tokenizer always splits there. A text whose first piece was never met is left
whole.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import Any

from evalsuite_text.scoring.text_memory import TextMemory

Ids = tuple[int, ...]
# A letter before a space that another letter follows.
JOINT = re.compile(r"[^\W\d_](?= [^\W\d_])")
_LETTER = re.compile(r"[^\W\d_]")
# Characters of a piece but the last one; cutting texts of up to twice as many gains nothing.
_PIECE, _SHORTEST = 256, 512
# Tokens of pieces that are kept: some 20 MB.
_REMEMBERED_TOKENS = 500_000
# First pieces that are known by their hash.
_MET = 65_536
# So many cut texts are encoded in whole too; where one differs, none is cut from then on.
_CHECKED = 16


class Pieces:
    """Encodes texts without special tokens.

    Attributes:
        is_cutting: Whether long texts are cut.
    """

    def __init__(self, tokenizer: Any) -> None:
        """Look at what kind of tokenizer it is."""
        self.tokenizer = tokenizer
        self.is_cutting = is_byte_level(tokenizer) and not _spans_joints(tokenizer)
        self._known = TextMemory(_REMEMBERED_TOKENS)
        self._met: set[int] = set()
        self._to_check = _CHECKED

    def encode(self, texts: Sequence[str]) -> list[Ids]:
        """Token ids of each text; all that is new in one call."""
        cut = self._cut_shared(texts)
        new = list(dict.fromkeys(piece for pieces in cut for piece in pieces[:-1]))
        found = {piece: self._known.get(piece) for piece in new}
        new = [piece for piece, ids in found.items() if ids is None]
        encoded = self._encode([*new, *(pieces[-1] for pieces in cut)])
        for piece, ids in zip(new, encoded):
            found[piece] = ids
            self._known.put(piece, ids)
        ends = encoded[len(new) :]
        joined = [
            tuple(chain(*(found[piece] or () for piece in pieces[:-1]), end))
            for pieces, end in zip(cut, ends, strict=True)
        ]
        return joined if self._agrees(texts, cut, joined) else self._encode(texts)

    def cut(self, text: str) -> list[str]:
        """The pieces of a text, one where it is short."""
        begin, pieces = 0, []
        while end := self._end_of_piece(text, begin):
            pieces.append(text[begin:end])
            begin = end
        return [*pieces, text[begin:]]

    def _end_of_piece(self, text: str, begin: int) -> int:
        """Where the piece ends that begins there; 0 for the last one of a text."""
        if not self.is_cutting or len(text) - begin <= _SHORTEST:
            return 0
        joint = JOINT.search(text, begin + _PIECE)
        return joint.end() if joint else 0

    def _cut_shared(self, texts: Sequence[str]) -> list[list[str]]:
        """The pieces of texts that begin like another one, here or earlier; others whole."""
        firsts = [hash(text[: self._end_of_piece(text, 0)]) for text in texts]
        counts = Counter(firsts)
        is_shared = [counts[first] > 1 or first in self._met for first in firsts]
        if len(self._met) > _MET:
            self._met.clear()
        self._met.update(counts)
        return [self.cut(t) if shared else [t] for t, shared in zip(texts, is_shared)]

    def _agrees(self, texts: Sequence[str], cut: Sequence[Sequence[str]], ids: list[Ids]) -> bool:
        """Whether the first cut texts have the tokens of the whole."""
        which = [i for i, pieces in enumerate(cut) if len(pieces) > 1][: self._to_check]
        if which:
            self._to_check -= len(which)
            whole = self._encode([texts[i] for i in which])
            self.is_cutting = whole == [ids[i] for i in which]
        return self.is_cutting or not which

    def _encode(self, texts: Sequence[str]) -> list[Ids]:
        if not texts:
            return []
        return [
            tuple(ids) for ids in self.tokenizer(list(texts), add_special_tokens=False)["input_ids"]
        ]


def _spans_joints(tokenizer: Any) -> bool:
    """Whether an added token may reach over a joint, or take the space of one."""
    added = getattr(tokenizer, "added_tokens_encoder", {})
    return any(
        JOINT.search(token) or _LETTER.match(token[:1]) or _LETTER.match(token[-1:])
        for token in added
    )


def is_byte_level(tokenizer: Any) -> bool:
    """Whether words are split before merging, each with the space in front of it.

    True for the tokenizers of GPT-2, Llama 3, Qwen, ...; not for those that merge over spaces or
    rewrite the text.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return False
    normalizer = type(backend.normalizer).__name__ if backend.normalizer else "None"
    return normalizer in ("None", "NFC") and "ByteLevel" in repr(backend.pre_tokenizer)
