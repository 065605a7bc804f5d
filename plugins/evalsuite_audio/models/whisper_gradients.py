"""Whisper opened up for gradient explainers: given words, or its own, by the cells of a clip."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from evalsuite import (
    Audio,
    DifferentiableView,
    Failure,
    LogLikelihood,
    RequestFailed,
    Transcribe,
    Transcript,
)
from evalsuite.content import Content
from evalsuite_audio.models.whisper_scores import row_of
from evalsuite_transformers.differentiable.cells import cell_sums
from evalsuite_transformers.differentiable.encoder_decoder import Writing, Written
from evalsuite_transformers.differentiable.spectrograms import (
    mean_level,
    mel_cells,
    spread_moments,
)

if TYPE_CHECKING:
    from evalsuite_audio.models.whisper import WhisperTranscriber


def words_view(
    model: WhisperTranscriber, content: Content, target: str, medium: str, grid: tuple[int, int]
) -> DifferentiableView:
    """The log-mel of a clip; the output is log P(target | clip and text) in nats.

    That is the score of a LogLikelihood; without a target, of the words that the model writes. The
    baseline is the mean level, of each band where only moments are told apart.

    Raises:
        ValueError: Something else than the clip is to be explained.
        RequestFailed: There is not one clip, of one window at most, or no word.
    """
    if medium != "audio":
        raise ValueError(f"the clip of a transcriber is explained, not its {medium}")
    row = row_of(model, LogLikelihood(content, target or heard_words(model, content)))
    if isinstance(row, Failure):
        raise RequestFailed(row)
    waveform, _ = row.audio.load(model.sample_rate_hz)
    features = model.features.windows([waveform]).to(model.device)
    cells = mel_cells(model.extractor, (1, *features.shape[1:]), row.audio, grid)
    (language,) = model.languages_of([None], model.states_of(features))
    opening = model.speech.opening(language, "transcribe")
    ids = (*opening, *row.tokens)
    first = len(opening) + row.start
    encoder = model.module.get_encoder()

    def encode(spectrograms: torch.Tensor, **asked: Any) -> Any:
        return encoder(spectrograms.to(model.dtype), **asked)

    inputs = features.float()
    written = Written(model.module, encode, Writing(ids[:-1], first - 1, ids[first:]))
    spread = spread_moments(int(model.module.config.max_source_positions), inputs)
    return DifferentiableView(
        inputs,
        mean_level(inputs[None], cells, grid[0])[0],
        written.output,
        (),
        grid=grid,
        cell_sums=cell_sums(cells[0], grid[0] * grid[1]),
        module=model.module,
        trace=lambda: written.trace(inputs, spread),
        most_at_once=1,
    )


def heard_words(model: Any, content: Content) -> str:
    """What a transcriber writes for the one clip of a content.

    Raises:
        ValueError: There is not one clip, before any text.
        RequestFailed: It hears nothing, or cannot hear the clip.
    """
    if not content or not isinstance(content[0], Audio):
        raise ValueError("words are explained by one clip, before any text")
    (found,) = model.transcribe([Transcribe(content[0])])
    if not isinstance(found, Transcript):
        raise RequestFailed(found)
    if not found.text.strip():
        raise RequestFailed(Failure("no words", "the model hears nothing in this clip"))
    return found.text
