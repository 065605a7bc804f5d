"""CLAP opened up for gradient explainers, in log-mel features or embeddings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from evalsuite import (
    Audio,
    DifferentiableView,
    EmbedAudio,
    Failure,
    ForwardTrace,
    RequestFailed,
    SimilarityScale,
)
from evalsuite.content import Content
from evalsuite_transformers.differentiable.cells import (
    bands_of_hertz,
    cell_sums,
    cells_of_shares,
    crossed,
)
from evalsuite_transformers.differentiable.joined import joined_similarity
from evalsuite_transformers.differentiable.similarity import (
    pair_of,
    similarity_output,
    text_directions,
    token_spans,
    unit_mean,
)
from evalsuite_transformers.differentiable.views import absent_id, pooled, text_tower_view


def similarity_view(
    model: Any,
    content: Content,
    target: str,
    medium: str,
    grid: tuple[int, int],
    against: tuple[tuple[str, ...], ...] = (),
) -> DifferentiableView:
    """A clip, a text or both; the output is their similarity as the model scales it."""
    pair = pair_of(content, target, Audio, medium, against)
    (scale,) = model.similarity_scale([SimilarityScale()])
    if medium == "audio":
        partner = text_directions(model, pair)
        return _clip_view(model, pair.medium, partner, scale, grid)
    if medium == "joint":
        clip = _clip_view(model, pair.medium, None, scale, grid)
        return joined_similarity(clip, _text_view(model, pair.text, None, scale), scale)
    partner = unit_mean(model.embed_audio([EmbedAudio(pair.medium)]), model.device)
    return _text_view(model, pair.text, partner, scale)


def _text_view(
    model: Any, text: str, partner: torch.Tensor | None, scale: Any
) -> DifferentiableView:
    encoded = model._ids([text]).to(model.device)
    ids, tokenizer = encoded["input_ids"], model.processor.tokenizer
    return text_tower_view(
        model.module,
        ids,
        {"attention_mask": encoded["attention_mask"]},
        token_spans(tokenizer, text, ids[0].tolist()),
        absent_id(tokenizer, int(ids[0, -1])),
        similarity_output(lambda features: features, partner, scale),
    )


def _clip_view(
    model: Any, clip: Audio, partner: torch.Tensor | None, scale: Any, grid: tuple[int, int]
) -> DifferentiableView:
    """Features [1, pieces, channels, frames, bands].

    The baseline is no silence, which is as far from what models have heard as a black picture, but
    a mean level: of each band where moments are told apart, as a steady sound sets none of them
    apart; of everything where bands are told apart too.
    """
    waveform, _ = clip.load(model.sample_rate_hz)
    heard = model.features.hear(waveform)
    inputs = heard.features[None].to(model.device, torch.float32)
    is_longer = torch.tensor([[heard.is_longer]], device=model.device)

    def run(features: torch.Tensor, **further: Any) -> Any:
        pieces = features.flatten(0, 1).to(model.dtype)
        flags = is_longer.expand(len(pieces), 1)
        return model.module.get_audio_features(input_features=pieces, is_longer=flags, **further)

    def encode(features: torch.Tensor) -> torch.Tensor:
        vectors = torch.nn.functional.normalize(pooled(run(features)).float(), dim=-1)
        return vectors.view(len(features), -1, vectors.shape[-1]).mean(dim=1)

    output = similarity_output(encode, partner, scale)
    rows, columns = grid
    moments = cells_of_shares(model.features.shares(waveform), columns)
    bands = bands_of_hertz(model.features.band_hz, rows, clip.header.sample_rate_hz / 2)
    cells = crossed(bands, moments[..., None], columns)
    return DifferentiableView(
        inputs,
        inputs.mean(dim=(1, 2, 3, 4) if rows > 1 else (1, 2, 3), keepdim=True)
        .expand_as(inputs)
        .clone(),
        output,
        (),
        grid=grid,
        cell_sums=cell_sums(cells, rows * columns),
        module=model.module,
        trace=lambda: _trace(model.module, run, partner, scale, inputs),
    )


def _trace(
    module: Any, run: Any, partner: torch.Tensor | None, scale: Any, inputs: torch.Tensor
) -> ForwardTrace:
    """The map that the tower of shifted windows ends with; its attention stays within windows."""
    if inputs.shape[1] > 1:
        message = "the clip is heard in several windows, each with a map of its own"
        raise RequestFailed(Failure("layers not open", message))
    encoder = module.audio_model.audio_encoder
    maps: list[torch.Tensor] = []
    handle = encoder.norm.register_forward_hook(lambda layer, given, found: maps.append(found))
    try:
        found = run(inputs)
    finally:
        handle.remove()
    spread = spread_tokens_of(encoder, inputs)
    return ForwardTrace(
        output=similarity_output(pooled, partner, scale)(found)[0],
        attentions=(),
        hidden=maps[0],
        readout=None,
        spread=spread,
        spread_hidden=spread,
    )


def spread_tokens_of(encoder: Any, inputs: torch.Tensor) -> Callable[[Any], Any]:
    """A function from one number per token of the last stage to a tensor like the features.

    The tower reads a long spectrogram as a square: stretches of time above one another.
    """
    n_frames, n_bands = inputs.shape[-2:]
    folds, side = int(encoder.freq_ratio), int(encoder.spec_size)
    rows, columns = encoder.input_resolutions[-1]
    height, width = side // folds, side * folds  # of the spectrogram as the tower stretches it
    time = torch.arange(n_frames) * width // n_frames
    band = torch.arange(n_bands) * height // n_bands
    down = (time // (width // folds))[:, None] * height + band[None, :]
    across = (time % (width // folds))[:, None]
    tokens = (down * rows // side * columns + across * columns // side).to(inputs.device)
    counts = torch.bincount(tokens.reshape(-1), minlength=rows * columns).clamp(min=1)

    def spread(values: Any) -> Any:
        found = torch.zeros_like(inputs, dtype=torch.float32)
        found[0, 0, 0] = (values.float() / counts)[tokens]
        return found

    return spread
