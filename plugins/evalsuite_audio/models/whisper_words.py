"""When each word of a Whisper transcript is spoken, and how probable the decoder finds it.

Some heads of the cross-attention look at what is being written. Their weights, normalised over the
tokens and smoothed over time, are a matrix of tokens by moments; the cheapest monotonic path
through it (dynamic time warping) gives each token its moment, as in OpenAI's own code.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import prod
from statistics import fmean
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from scipy.ndimage import median_filter
from transformers.convert_slow_tokenizer import bytes_to_unicode
from transformers.modeling_outputs import BaseModelOutput

from evalsuite import TimedWord
from evalsuite_audio.models.whisper_suppression import Suppression
from evalsuite_transformers.differentiable.layers import eager_attention

Matrix: TypeAlias = npt.NDArray[np.float64]
Confidence: TypeAlias = Literal["mean", "min", "product"]
CONFIDENCES: tuple[Confidence, ...] = ("mean", "min", "product")
# One position of the encoder is 20 ms of sound.
SECONDS_PER_POSITION = 0.02
# Their words are not set apart by spaces; every sign is timed by itself.
WITHOUT_SPACES = frozenset({"zh", "ja", "th", "lo", "my", "yue"})


@dataclass(frozen=True)
class Spoken:
    """What the decoder's second look at its own tokens says of them.

    Attributes:
        seconds: When each token begins, and after them when the last one ends [tokens + 1].
        probabilities: Of each token after those before it, among the tokens that may be written
            there [tokens].
    """

    seconds: tuple[float, ...]
    probabilities: tuple[float, ...]


def spoken(
    module: Any,
    states: torch.Tensor,
    opening: Sequence[int],
    tokens: Sequence[int],
    heads: Sequence[tuple[int, int]],
    n_positions: int,
    suppression: Suppression,
) -> Spoken:
    """When each token is spoken, and how probable it is.

    Args:
        module: A WhisperForConditionalGeneration.
        states: What the encoder made of one window [1, positions, width].
        opening: Special tokens before the words.
        tokens: The words' tokens, without special ones.
        heads: (layer, head) pairs that follow the sound.
        n_positions: How many of the positions are sound and not padding.
        suppression: The tokens that are never written.
    """
    ids = torch.tensor([[*opening, *tokens]], device=states.device)
    with torch.inference_mode(), eager_attention(module):
        found = module(
            encoder_outputs=BaseModelOutput(last_hidden_state=states),
            decoder_input_ids=ids,
            output_attentions=True,
            use_cache=False,
        )
    across = found.cross_attentions
    rows = torch.stack([across[layer][0, head] for layer, head in heads])
    # The position before a token is the one that writes it.
    matrix = rows[:, len(opening) - 1 :, : max(1, n_positions)].cpu().double().numpy()
    path = cheapest_path(-attention(matrix, module.config.median_filter_width))
    seconds = tuple(moment * SECONDS_PER_POSITION for moment in first_moments(path))
    own = _probabilities(found.logits[0, len(opening) - 1 : -1].float(), tokens, suppression)
    return Spoken(seconds, own)


def _probabilities(
    logits: torch.Tensor, tokens: Sequence[int], suppression: Suppression
) -> tuple[float, ...]:
    """Of each token under the logits [tokens, vocabulary] before it, suppressed ones left out."""
    barred = suppression.never.repeat(len(logits), 1)
    barred[0] = suppression.not_first
    written = torch.tensor(tokens, device=logits.device)[:, None]
    barred.scatter_(1, written, value=False)  # with a memory of windows before, it was written
    shares = logits.masked_fill(barred, -torch.inf).softmax(-1)
    return tuple(shares.gather(1, written)[:, 0].tolist())


def attention(weights: Matrix, filter_width: int) -> Matrix:
    """Attention [heads, tokens, moments] as one matrix [tokens, moments], normalised, smoothed."""
    # Of all that is sound; a head may look at padding only.
    weights = weights / np.maximum(weights.sum(-1, keepdims=True), 1e-12)
    deviation = weights.std(-2, keepdims=True)
    scaled = (weights - weights.mean(-2, keepdims=True)) / np.where(deviation > 0, deviation, 1)
    if scaled.shape[-1] > filter_width // 2:
        scaled = median_filter(scaled, size=(1, 1, filter_width), mode="mirror")
    mean: Matrix = scaled.mean(0)
    return mean


def cheapest_path(costs: Matrix) -> list[tuple[int, int]]:
    """The monotonic path of least cost from the first cell to the last: (token, moment) pairs.

    Each step goes one token on, one moment on, or both (Sakoe and Chiba 1978). Cells of one
    anti-diagonal depend only on the two before it, so each is computed at once.
    """
    n, m = costs.shape
    total = np.full((n + 1, m + 1), np.inf)
    total[0, 0] = 0
    steps = np.zeros((n + 1, m + 1), dtype=np.int8)
    for diagonal in range(2, n + m + 1):
        i = np.arange(max(1, diagonal - m), min(n, diagonal - 1) + 1)
        j = diagonal - i
        before = np.stack([total[i - 1, j - 1], total[i - 1, j], total[i, j - 1]])
        steps[i, j] = before.argmin(0)
        total[i, j] = costs[i - 1, j - 1] + before.min(0)
    path = [(n, m)]
    while path[-1] != (1, 1):
        i, j = path[-1]
        step = 2 if i == 1 else 1 if j == 1 else int(steps[i, j])
        path.append(((i - 1, j - 1), (i - 1, j), (i, j - 1))[step])
    return [(i - 1, j - 1) for i, j in reversed(path)]


def first_moments(path: Sequence[tuple[int, int]]) -> list[int]:
    """The first moment of each token of a path."""
    found: dict[int, int] = {}
    for token, moment in path:
        found.setdefault(token, moment)
    return [found[token] for token in sorted(found)]


def words_of(tokenizer: Any, tokens: Sequence[int], has_spaces: bool) -> list[tuple[str, int, int]]:
    """Words with the range of tokens that each has, ``start`` included, ``end`` not.

    A sign whose bytes are spread over several tokens belongs to the one that completes it.
    """
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    words: list[tuple[str, int, int]] = []
    for position, token in enumerate(tokenizer.convert_ids_to_tokens(list(tokens))):
        is_last = position == len(tokens) - 1
        piece = decoder.decode(token_bytes(token), final=is_last)
        starts = piece[:1].isspace() or (not has_spaces and bool(piece))
        if not words or (starts and words[-1][0]):
            words.append((piece, position, position + 1))
        else:
            text, start, _ = words[-1]
            words[-1] = (text + piece, start, position + 1)
    return words


def token_bytes(token: str) -> bytes:
    """The bytes that a byte-level token stands for."""
    table = _bytes_of_signs()
    if all(sign in table for sign in token):
        return bytes(table[sign] for sign in token)
    return token.encode()


@cache
def _bytes_of_signs() -> dict[str, int]:
    return {sign: byte for byte, sign in bytes_to_unicode().items()}


def timed_words(
    words: Sequence[tuple[str, int, int]],
    found: Spoken,
    offset_s: float,
    end_s: float,
    confidence: Confidence = "mean",
) -> list[TimedWord]:
    """Words with their times in the clip, none after ``end_s``, and the model's confidence.

    Args:
        words: Each with its range of tokens.
        found: What is known of the tokens.
        offset_s: Where in the clip their sound begins.
        end_s: Where it ends.
        confidence: How a word's comes from the probabilities of its tokens.
    """
    combined = {"mean": fmean, "min": min, "product": prod}[confidence]
    times, likely = found.seconds, found.probabilities
    return [
        TimedWord(
            part,
            min(offset_s + times[start], end_s),
            min(offset_s + times[end], end_s),
            combined(likely[start:end]),
        )
        for text, start, end in words
        for part in text.split()
    ]
