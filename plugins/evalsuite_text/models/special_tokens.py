"""What a tokenizer writes around a text, found by comparing it with and without."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evalsuite import ModelError


@dataclass(frozen=True)
class Framed:
    """Token ids of a text between the special tokens that belong before and after it."""

    before: tuple[int, ...]
    text: tuple[int, ...]
    after: tuple[int, ...]

    @property
    def ids(self) -> tuple[int, ...]:
        """All ids in order."""
        return (*self.before, *self.text, *self.after)


def framed(bare: Sequence[int], whole: Sequence[int]) -> Framed:
    """Find the bare ids of a text within those of the text with special tokens.

    Raises:
        ModelError: They are not in one piece there, so nothing says where the text begins.
    """
    n = len(bare)
    for start in range(len(whole) - n + 1):
        if list(whole[start : start + n]) == list(bare):
            return Framed(tuple(whole[:start]), tuple(bare), tuple(whole[start + n :]))
    raise ModelError(
        "The tokenizer writes a text otherwise when it adds special tokens, so its tokens cannot "
        "be told from those around it."
    )


def frame(tokenizer: Any, text: str) -> Framed:
    """A text as an input of the model, without any limit on its length."""
    quiet = {"verbose": False}
    bare = tokenizer(text, add_special_tokens=False, **quiet)["input_ids"]
    return framed(bare, tokenizer(text, **quiet)["input_ids"])


def frame_target(tokenizer: Any, text: str) -> Framed:
    """A text as the decoder's side of the model, in the target language where there is one."""
    bare = tokenizer(text_target=text, add_special_tokens=False)["input_ids"]
    return framed(bare, tokenizer(text_target=text)["input_ids"])
