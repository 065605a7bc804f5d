"""Log-likelihood of given words under a Whisper decoder, teacher-forced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from transformers.modeling_outputs import BaseModelOutput

from evalsuite import Audio, ContinuationScore, Failure, LogLikelihood, Request
from evalsuite.content import text_of

if TYPE_CHECKING:
    from evalsuite_audio.models.whisper import WhisperTranscriber

# Texts of one batch at most, however short the clips.
_MOST_ROWS = 64


@dataclass(frozen=True)
class Row:
    """One text about one clip: its tokens, those from ``start`` on scored."""

    audio: Audio
    tokens: tuple[int, ...]
    start: int


def batches_by_clip(
    model: WhisperTranscriber, requests: Sequence[Request], budget: int
) -> Iterator[Sequence[Request]]:
    """Requests in batches of about ``budget``, those about one clip together, the longest first.

    A batch encodes each of its clips once, and most of the work is the encoder's.
    """

    def order(request: Request) -> tuple[int, str, str]:
        clip = next((part for part in request.parts if isinstance(part, Audio)), None)
        return -model.cost(request), clip.digest if clip else "", request.digest

    ordered = sorted(requests, key=order)
    begin = 0
    while begin < len(ordered):
        size = max(1, min(_MOST_ROWS, budget // max(1, model.cost(ordered[begin]))))
        yield ordered[begin : begin + size]
        begin += size


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


def all_scores(
    model: WhisperTranscriber, requests: Sequence[LogLikelihood]
) -> list[ContinuationScore | Failure]:
    """Scores in the order of the requests; each clip is encoded once."""
    found = [row_of(model, request) for request in requests]
    rows = {i: row for i, row in enumerate(found) if isinstance(row, Row)}
    answers: dict[int, Any] = {i: row for i, row in enumerate(found) if i not in rows}
    about: dict[str, list[int]] = {}
    for index, row in rows.items():
        about.setdefault(row.audio.digest, []).append(index)
    for digests in model.groups(list(about)):
        clips = [rows[about[digest][0]].audio for digest in digests]
        waveforms = [clip.load(model.sample_rate_hz)[0] for clip in clips]
        states = dict(zip(digests, model.encoded(waveforms).split(1), strict=True))
        for group in model.groups([index for digest in digests for index in about[digest]]):
            answers.update(zip(group, _scores(model, [rows[i] for i in group], states)))
    return [answers[index] for index in range(len(requests))]


def _scores(
    model: WhisperTranscriber, rows: Sequence[Row], states: Mapping[str, torch.Tensor]
) -> list[ContinuationScore]:
    """Scores of rows, given the encoder states [1, positions, width] of each clip by digest."""
    clips = list({row.audio.digest: None for row in rows})
    spoken = model.languages_of([None] * len(clips), torch.cat([states[clip] for clip in clips]))
    by_clip = dict(zip(clips, spoken, strict=True))
    heard = torch.cat([states[row.audio.digest] for row in rows])
    openings = [model.speech.opening(by_clip[row.audio.digest], "transcribe") for row in rows]
    ids = [torch.tensor([*opening, *row.tokens]) for opening, row in zip(openings, rows)]
    # The decoder looks back only: what stands after a row's end changes nothing in it.
    padded = torch.nn.utils.rnn.pad_sequence(
        ids, batch_first=True, padding_value=model.speech.start
    ).to(model.device)
    with torch.inference_mode():
        logits = model.module(
            encoder_outputs=BaseModelOutput(last_hidden_state=heard),
            decoder_input_ids=padded,
            use_cache=False,
        ).logits
    starts = [len(opening) + row.start for opening, row in zip(openings, rows, strict=True)]
    ends = [len(opening) + len(row.tokens) for opening, row in zip(openings, rows, strict=True)]
    # All on the device and brought over at once: a row's logits are as wide as the vocabulary.
    parts = [
        _of_targets(scored[first - 1 : last - 1], own[first:last])
        for scored, own, first, last in zip(logits, padded, starts, ends, strict=True)
    ]
    lengths = [last - first for first, last in zip(starts, ends, strict=True)]
    numbers = torch.cat(parts, dim=1).cpu().split(lengths, dim=1)
    return [_score(own, is_best) for own, is_best in numbers]


def _of_targets(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Log-probabilities of tokens, in float32, and whether each is the likeliest [2, tokens]."""
    logp = logits.float().log_softmax(-1)
    own = logp.gather(1, targets[:, None])[:, 0]
    return torch.stack([own, (logp.argmax(-1) == targets).float()])


def _score(logprobs: torch.Tensor, is_best: torch.Tensor) -> ContinuationScore:
    return ContinuationScore(
        total=float(logprobs.sum()),
        n_tokens=len(logprobs),
        is_greedy=bool(is_best.all()),
        token_logprobs=tuple(logprobs.tolist()),
    )
