"""CLIP and SigLIP of transformers opened up for gradient explainers, in pixels or embeddings."""

from __future__ import annotations

from math import isqrt
from typing import Any

import torch

from evalsuite import (
    DifferentiableView,
    EmbedImage,
    ForwardTrace,
    Image,
    SimilarityScale,
)
from evalsuite.content import Content
from evalsuite_transformers.differentiable.joined import joined_similarity
from evalsuite_transformers.differentiable.layers import eager_attention, traced
from evalsuite_transformers.differentiable.pictures import (
    mean_colour,
    picture_cells,
    spread_patches,
)
from evalsuite_transformers.differentiable.similarity import (
    pair_of,
    similarity_output,
    text_directions,
    token_spans,
    unit_mean,
)
from evalsuite_transformers.differentiable.views import (
    Scoring,
    absent_id,
    pooled,
    text_tower_view,
)


def similarity_view(
    model: Any,
    content: Content,
    target: str,
    medium: str,
    grid: tuple[int, int],
    against: tuple[tuple[str, ...], ...] = (),
) -> DifferentiableView:
    """A picture, a text or both; the output is their similarity as the model scales it."""
    pair = pair_of(content, target, Image, medium, against)
    (scale,) = model.similarity_scale([SimilarityScale()])
    if medium == "image":
        partner = text_directions(model, pair)
        return _picture_view(model, pair.medium, similarity_output(_same, partner, scale), grid)
    if medium == "joint":
        vectors = similarity_output(_same, None, scale)
        picture = _picture_view(model, pair.medium, vectors, grid)
        return joined_similarity(picture, _text_view(model, pair.text, vectors), scale)
    partner = unit_mean(model.embed_image([EmbedImage(pair.medium)]), model.device)
    return _text_view(model, pair.text, similarity_output(_same, partner, scale))


def _text_view(model: Any, text: str, score: Scoring) -> DifferentiableView:
    encoded = model._ids([text]).to(model.device)
    names = () if model.is_sigmoid else ("attention_mask",)
    tokenizer = model.processor.tokenizer
    ids = encoded["input_ids"]
    return text_tower_view(
        model.module,
        ids,
        {name: encoded[name] for name in names},
        token_spans(tokenizer, text, ids[0].tolist()),
        absent_id(tokenizer, int(ids[0, -1])),
        score,
    )


def _same(features: torch.Tensor) -> torch.Tensor:
    return features


def _picture_view(
    model: Any, image: Image, score: Scoring, grid: tuple[int, int]
) -> DifferentiableView:
    picture = image.load()

    def prepare(pil: Any) -> torch.Tensor:
        pixels: torch.Tensor = model.processor.image_processor(pil, return_tensors="pt")[
            "pixel_values"
        ]
        return pixels.to(model.device, torch.float32)

    cell_sums = picture_cells(prepare, picture.size, grid)
    inputs = prepare(picture)

    def encode(pixels: torch.Tensor, **further: Any) -> Any:
        return model.module.get_image_features(pixel_values=pixels.to(model.dtype), **further)

    def trace() -> ForwardTrace:
        with eager_attention(model.module):
            found = encode(inputs, output_attentions=True, output_hidden_states=True)
            spread = patch_tokens(inputs, found.last_hidden_state.shape[1])
            return traced(found, score(pooled(found))[0], spread)

    return DifferentiableView(
        inputs,
        mean_colour(inputs),
        lambda pixels: score(pooled(encode(pixels))),
        (),
        grid=grid,
        cell_sums=cell_sums,
        module=model.module,
        trace=trace,
    )


def patch_tokens(pixels: torch.Tensor, n_tokens: int) -> Any:
    """From one number per token, class tokens first, to a tensor like the pixels."""
    height, width = pixels.shape[-2:]
    columns = isqrt(round(n_tokens * width / height))
    rows = columns * height // width
    spread = spread_patches((rows, columns), pixels)
    return lambda values: spread(values[n_tokens - rows * columns :])
