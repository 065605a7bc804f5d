"""Log-likelihood of given words under a Whisper decoder, teacher-forced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from transformers.modeling_outputs import BaseModelOutput

from evalsuite import Audio, ContinuationScore, Failure, LogLikelihood
from evalsuite.content import text_of

if TYPE_CHECKING:
    from evalsuite_audio.models.whisper import WhisperTranscriber


@dataclass(frozen=True)
class Row:
    """One text about one clip: its tokens, those from ``start`` on scored."""

    audio: Audio
    tokens: tuple[int, ...]
    start: int


def row_of(model: WhisperTranscriber, request: LogLikelihood) -> Row | Failure:
    """What the decoder reads for a request, special tokens apart; or why it cannot."""
    clips = [part for part in request.context if isinstance(part, Audio)]
    others = [part for part in request.context if not isinstance(part, Audio)]
    if len(clips) != 1 or request.context[0] is not clips[0]:
        return Failure("one clip", "Whisper hears exactly one clip, before any text")
    if clips[0].n_samples(model.sample_rate_hz) > model.window:
        seconds = model.window / model.sample_rate_hz
        return Failure("clip too long", f"words are scored within one window of {seconds:g} s")
    before = text_of(tuple(others))
    whole, context = _ids(model, before + request.continuation), _ids(model, before)
    pairs = zip(context, whole)
    shorter = min(len(context), len(whole))
    start = next((i for i, (a, b) in enumerate(pairs) if a != b), shorter)
    if start >= len(whole):
        return Failure("empty continuation", "it has no token to score")
    room = model.max_length - (4 if model.speech.languages else 2)  # the special tokens before it
    if len(whole) > room:
        return Failure("text too long", f"{len(whole)} tokens; the decoder reads {room}")
    return Row(clips[0], tuple(whole), start)


def _ids(model: WhisperTranscriber, text: str) -> list[int]:
    """A text's tokens as Whisper writes them: after one space."""
    if not text.strip():
        return []
    found: list[int] = model.tokenizer(" " + text.lstrip(), add_special_tokens=False).input_ids
    return found


def scores(
    model: WhisperTranscriber, rows: Sequence[Row], states: Mapping[str, torch.Tensor]
) -> list[ContinuationScore]:
    """Scores of rows, given the encoder states [1, positions, width] of each clip by digest."""
    heard = torch.cat([states[row.audio.digest] for row in rows])
    languages = model.languages_of([None] * len(rows), heard)
    openings = [model.speech.opening(language, "transcribe") for language in languages]
    ids = [torch.tensor([*opening, *row.tokens]) for opening, row in zip(openings, rows)]
    # The decoder looks back only: what stands after a row's end changes nothing in it.
    padded = torch.nn.utils.rnn.pad_sequence(
        ids, batch_first=True, padding_value=model.speech.start
    )
    with torch.inference_mode():
        logits = model.module(
            encoder_outputs=BaseModelOutput(last_hidden_state=heard),
            decoder_input_ids=padded.to(model.device),
            use_cache=False,
        ).logits
    found = []
    for row, opening, scored in zip(rows, openings, logits, strict=True):
        first = len(opening) + row.start
        last = len(opening) + len(row.tokens)
        logp = scored[first - 1 : last - 1].float().log_softmax(-1).cpu()
        targets = torch.tensor(row.tokens[row.start :])
        own = logp.gather(1, targets[:, None])[:, 0]
        found.append(
            ContinuationScore(
                total=float(own.sum()),
                n_tokens=len(own),
                is_greedy=bool((logp.argmax(-1) == targets).all()),
                token_logprobs=tuple(own.tolist()),
            )
        )
    return found
