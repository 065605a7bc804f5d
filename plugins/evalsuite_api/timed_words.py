"""The words of a served transcript: when each is spoken, and how sure the server is of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import exp
from typing import Any

from evalsuite import TimedWord


def timed_words(answer: Mapping[str, Any]) -> tuple[TimedWord, ...]:
    """The words of a server's answer.

    A word is as probable as the server says (``probability``, which servers of faster-whisper
    send), else as its tokens are in the mean (``logprobs``), else nothing is known of it.

    Raises:
        KeyError, TypeError, ValueError: A word lacks its text, start or end.
    """
    words = answer.get("words") or ()
    texts = [str(word["word"]).strip() for word in words]
    by_tokens = _of_tokens(texts, answer.get("logprobs") or ())
    return tuple(
        TimedWord(text, float(word["start"]), float(word["end"]), _told(word, confidence))
        for text, word, confidence in zip(texts, words, by_tokens, strict=True)
    )


def _told(word: Mapping[str, Any], otherwise: float | None) -> float | None:
    told = word.get("probability")
    return otherwise if told is None else min(1.0, max(0.0, float(told)))


def _of_tokens(words: Sequence[str], tokens: Sequence[Mapping[str, Any]]) -> Iterator[float | None]:
    """For each word the mean probability of the tokens that it is written with, if it is found."""
    ends, text = [0], ""
    for token in tokens:
        text += str(token["token"])
        ends.append(len(text))
    done = 0
    for word in words:
        begin = text.find(word, done) if word else -1
        if begin < 0:
            yield None
            continue
        done = begin + len(word)
        own = [
            exp(float(token["logprob"]))
            for token, first, last in zip(tokens, ends, ends[1:])
            if first < done and last > begin
        ]
        yield sum(own) / len(own)
