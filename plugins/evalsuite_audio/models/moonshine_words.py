"""Given words under a Moonshine decoder: their scores, and their gradients by the waveform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from evalsuite import (
    Audio,
    ContinuationScore,
    DifferentiableView,
    Failure,
    LogLikelihood,
    RequestFailed,
)
from evalsuite.content import Content, text_of
from evalsuite_audio.models.whisper_gradients import heard_words
from evalsuite_transformers.differentiable.cells import cell_sums, cells_of_shares
from evalsuite_transformers.differentiable.encoder_decoder import Writing, Written
from evalsuite_transformers.differentiable.spectrograms import spread_moments

if TYPE_CHECKING:
    from evalsuite_audio.models.moonshine import MoonshineTranscriber


def score_of(model: MoonshineTranscriber, request: LogLikelihood) -> ContinuationScore | Failure:
    """Log P(continuation | clip and text), in nats, without the end token."""
    opened = _opened(model, request)
    if isinstance(opened, Failure):
        return opened
    values, written = opened
    with torch.inference_mode():
        logp = written.scored(values)[0]
    targets = torch.tensor(written.writing.targets, device=logp.device)
    own = logp.gather(1, targets[:, None])[:, 0]
    return ContinuationScore(
        total=float(own.sum()),
        n_tokens=len(targets),
        is_greedy=bool((logp.argmax(-1) == targets).all()),
        token_logprobs=tuple(own.tolist()),
    )


def words_view(
    model: MoonshineTranscriber, content: Content, target: str, medium: str, grid: tuple[int, int]
) -> DifferentiableView:
    """The waveform [1, samples]; the output is log P(target | clip and text) in nats.

    Without a target, that of the words that the model writes. The baseline is silence. Moments are
    told apart, not bands: the model hears the waveform.

    Raises:
        ValueError: Something else than the clip is to be explained.
        RequestFailed: Bands are asked for, or the words cannot be scored.
    """
    if medium != "audio":
        raise ValueError(f"the clip of a transcriber is explained, not its {medium}")
    rows, columns = grid
    if rows != 1:
        message = "this model's input is divided into moments, not into bands. Set bands to 1."
        raise RequestFailed(Failure("no bands", message))
    opened = _opened(model, LogLikelihood(content, target or heard_words(model, content)))
    if isinstance(opened, Failure):
        raise RequestFailed(opened)
    inputs, written = opened
    n_samples = inputs.shape[1]
    cells = cells_of_shares((np.arange(n_samples) + 0.5) / n_samples, columns)
    n_positions = int(model.module._get_feat_extract_output_lengths(torch.tensor(n_samples)))
    spread = spread_moments(n_positions, inputs)
    return DifferentiableView(
        inputs,
        torch.zeros_like(inputs),
        written.output,
        (),
        grid=grid,
        cell_sums=cell_sums(cells, columns),
        module=model.module,
        trace=lambda: written.trace(inputs, spread),
        most_at_once=1,
    )


def _opened(
    model: MoonshineTranscriber, request: LogLikelihood
) -> tuple[torch.Tensor, Written] | Failure:
    """A waveform [1, samples] in float32, and what is to be written; or why it cannot."""
    clips = [part for part in request.context if isinstance(part, Audio)]
    if len(clips) != 1 or request.context[0] is not clips[0]:
        return Failure("one clip", "Moonshine hears exactly one clip, before any text")
    values = model.heard(clips[0])
    if isinstance(values, Failure):
        return values
    before = text_of(request.context)
    context, whole = _ids(model, before), _ids(model, before + request.continuation)
    shorter = min(len(context), len(whole))
    first = next((i for i in range(shorter) if context[i] != whole[i]), shorter)
    if first >= len(whole):
        return Failure("empty continuation", "it has no token to score")
    room = int(model.module.config.max_position_embeddings)
    if len(whole) > room:
        return Failure("text too long", f"{len(whole)} tokens; the decoder reads {room}")
    start = int(model.module.config.decoder_start_token_id)
    writing = Writing((start, *whole[:-1]), first, tuple(whole[first:]))
    encoder = model.module.get_encoder()

    def encode(waveforms: torch.Tensor, **asked: Any) -> Any:
        return encoder(waveforms.to(model.dtype), **asked)

    return values.float(), Written(model.module, encode, writing)


def _ids(model: MoonshineTranscriber, text: str) -> list[int]:
    """A text's tokens as the model writes them: nothing before the first word."""
    if not text.strip():
        return []
    found: list[int] = model.tokenizer(text.lstrip(), add_special_tokens=False).input_ids
    return found
