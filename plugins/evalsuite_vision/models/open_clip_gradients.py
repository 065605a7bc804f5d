"""open_clip models opened up for gradient explainers, in pixels or embeddings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from evalsuite import (
    DifferentiableView,
    EmbedImage,
    Failure,
    ForwardTrace,
    Image,
    RequestFailed,
    SimilarityScale,
)
from evalsuite.content import Content
from evalsuite_transformers.differentiable.joined import joined_similarity
from evalsuite_transformers.differentiable.layers import (
    output_replaced,
    readout_of,
    spread_tokens,
)
from evalsuite_transformers.differentiable.pictures import mean_colour, picture_cells
from evalsuite_transformers.differentiable.similarity import (
    pair_of,
    similarity_output,
    text_directions,
    token_spans,
    unit_mean,
)
from evalsuite_transformers.differentiable.views import NO_SPAN, absent_id
from evalsuite_vision.models.gradients import patch_tokens
from evalsuite_vision.models.open_clip_layers import recorded
from evalsuite_vision.models.text_tower import text_tower

Output = Callable[[torch.Tensor], torch.Tensor]


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

    def encode(pixels: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = model.module.encode_image(pixels.to(model.dtype))
        return features

    if medium == "image":
        partner = text_directions(model, pair)
        return _picture_view(model, pair.medium, similarity_output(encode, partner, scale), grid)
    if medium == "joint":
        vectors = similarity_output(encode, None, scale)
        picture = _picture_view(model, pair.medium, vectors, grid)
        return joined_similarity(picture, _text_view(model, pair.text, None, scale), scale)
    partner = unit_mean(model.embed_image([EmbedImage(pair.medium)]), model.device)
    return _text_view(model, pair.text, partner, scale)


def _picture_view(
    model: Any, image: Image, output: Output, grid: tuple[int, int]
) -> DifferentiableView:
    picture = image.load()

    def prepare(pil: Any) -> torch.Tensor:
        pixels: torch.Tensor = model.transform(pil)[None].to(model.device, torch.float32)
        return pixels

    inputs = prepare(picture)
    return DifferentiableView(
        inputs,
        mean_colour(inputs),
        output,
        (),
        grid=grid,
        cell_sums=picture_cells(prepare, picture.size, grid),
        module=model.module,
        trace=lambda: (
            _trace(
                model.module.visual.transformer, output, inputs, lambda n: patch_tokens(inputs, n)
            )
            if hasattr(model.module.visual, "transformer")
            else _closed(model)
        ),
    )


def _text_view(
    model: Any, text: str, partner: torch.Tensor | None, scale: Any
) -> DifferentiableView:
    tower = text_tower(model.module)
    layer = getattr(tower, "token_embedding", None)
    if layer is None:
        layer = tower.transformer.get_input_embeddings()
    ids = model.tokenizer([text]).to(model.device)
    spans = _spans(model.tokenizer, text, ids[0].tolist())
    is_content = torch.tensor([span != NO_SPAN for span in spans], device=model.device)
    inner = getattr(model.tokenizer, "tokenizer", model.tokenizer)
    blank = absent_id(inner, int(ids[0, -1]))
    with torch.no_grad():
        inputs = layer(ids).float()
        baseline = layer(torch.where(is_content, blank, ids)).float()

    def encode(embeddings: torch.Tensor) -> torch.Tensor:
        with output_replaced(layer, embeddings):
            features: torch.Tensor = model.module.encode_text(ids.expand(len(embeddings), -1))
        return features

    output = similarity_output(encode, partner, scale)
    return DifferentiableView(
        inputs,
        baseline,
        output,
        spans,
        module=model.module,
        trace=lambda: _trace(
            tower.transformer, output, inputs, lambda n: spread_tokens(inputs[:, :n])
        ),
    )


def _trace(
    transformer: Any, output: Output, inputs: torch.Tensor, spread: Callable[[int], Any]
) -> ForwardTrace:
    with recorded(transformer) as found:
        score = output(inputs)[0]
    spreading = spread(found.attentions[0].shape[-1])
    readout = readout_of(score, found.leaving)
    return ForwardTrace(
        output=score,
        attentions=tuple(found.attentions),
        hidden=found.entering,
        readout=readout,
        spread=spreading,
        spread_hidden=spreading,
    )


def _closed(model: Any) -> ForwardTrace:
    name = type(model.module.visual).__name__
    raise RequestFailed(Failure("layers not open", f"{name} is no transformer of open_clip's own"))


def _spans(tokenizer: Any, text: str, ids: list[int]) -> tuple[tuple[int, int], ...]:
    """Of a tokenizer of transformers its own offsets; of CLIP's, that of the word around a token.

    CLIP's tokenizer cuts at white space first, so that words can be encoded one by one.
    """
    inner = getattr(tokenizer, "tokenizer", None)
    if inner is not None:
        return token_spans(inner, text, ids)
    spans, wanted, begin = [NO_SPAN], [], 0
    for word in text.split():
        begin = text.index(word, begin)
        pieces = tokenizer.encode(word)
        wanted += pieces
        spans += [(begin, begin + len(word))] * len(pieces)
        begin += len(word)
    kept = min(len(wanted), len(ids) - 2)
    if ids[1 : 1 + kept] != wanted[:kept]:
        raise RequestFailed(
            Failure(
                "no character offsets",
                f"{type(tokenizer).__name__} does not cut this text at its white space, so its "
                "tokens have no known words. Use occlusion.",
            )
        )
    return tuple(spans[: 1 + kept] + [NO_SPAN] * (len(ids) - 1 - kept))
