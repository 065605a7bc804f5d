"""Log-probabilities of a prompt's own tokens, which the completions shape echoes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from evalsuite import Failure


@dataclass(frozen=True)
class EchoedToken:
    """A token of the prompt: its characters, log p (None for the first), whether it is best."""

    start: int
    end: int
    logprob: float | None
    is_greedy: bool


def echoed_tokens(answer: Mapping[str, Any], n_characters: int) -> list[EchoedToken] | Failure:
    """The prompt's tokens of a completion that was asked for with ``echo`` and ``logprobs``.

    ``n_characters`` is the prompt's length: what begins after it was generated. A Failure where
    the server gave no log-probabilities.
    """
    try:
        told = answer["choices"][0]["logprobs"]
        tokens, logprobs = told["tokens"], told["token_logprobs"]
    except (KeyError, IndexError, TypeError):
        return Failure(
            "no log-probabilities",
            "the server does not echo log-probabilities of a prompt; a server of local weights "
            "(vLLM, llama.cpp, ...) does, most hosted ones do not",
        )
    offsets = told.get("text_offset") or [0, *accumulate(len(token) for token in tokens)][:-1]
    best = told.get("top_logprobs") or [None] * len(tokens)
    ends = [*offsets[1:], max(n_characters, offsets[-1] + len(tokens[-1])) if offsets else 0]
    return [
        EchoedToken(start, end, logprob, _is_best(token, logprob, top))
        for token, start, end, logprob, top in zip(tokens, offsets, ends, logprobs, best)
        if start < n_characters
    ]


def _is_best(token: str, logprob: float | None, top: Any) -> bool:
    if not top or logprob is None:
        return False
    return logprob >= max(top.values()) - 1e-9
