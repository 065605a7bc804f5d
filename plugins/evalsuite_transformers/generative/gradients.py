"""A generative model opened up for gradient explainers: an answer, given a picture's pixels."""

from __future__ import annotations

from typing import Any

import torch

from evalsuite import DifferentiableView, Failure, Image, RequestFailed
from evalsuite.content import Content
from evalsuite_transformers.differentiable.pictures import mean_colour, picture_cells
from evalsuite_transformers.generative.plain import extended
from evalsuite_transformers.generative.prompt import Prompt

_PIXELS = "pixel_values"


def answer_view(
    model: Any, content: Content, target: str, medium: str, grid: tuple[int, int]
) -> DifferentiableView:
    """The pixels of the one picture of a prompt; the output is log P(target | prompt) in nats.

    The baseline is the picture's mean colour.

    Raises:
        ValueError: There is not one picture, or no answer.
        RequestFailed: Words or clips are asked for, or the model takes no grid of pixels.
    """
    if medium != "image":
        message = f"only the picture of this model is open, not its {medium}. Use occlusion."
        raise RequestFailed(Failure("medium not open", message))
    pictures = [part for part in content if isinstance(part, Image)]
    if len(pictures) != 1:
        raise ValueError(f"one picture is explained at a time (got {len(pictures)})")
    prompt, tail = _row(model, content, target)
    plain = model.paths.plain
    whole = plain.on_device(extended(plain.prepare(prompt), tail[:-1]))
    picture = pictures[0].load()

    def prepare(pil: Any) -> torch.Tensor:
        given = model.processor(text=[prompt.text], images=[pil], return_tensors="pt")
        pixels: torch.Tensor = given[_PIXELS]
        return pixels.to(model.device, torch.float32)

    cell_sums = picture_cells(prepare, picture.size, grid)
    inputs = whole.pop(_PIXELS).float()
    targets = torch.tensor(tail, device=model.device)

    def output(pixels: torch.Tensor) -> torch.Tensor:
        # One picture after another: models place several by how many a prompt holds.
        rows = [
            model.module(**whole, **{_PIXELS: one[None].to(model.dtype)}, use_cache=False).logits
            for one in pixels
        ]
        scores = torch.cat(rows)[:, -len(tail) :].float().log_softmax(-1)
        return scores.gather(-1, targets.expand(len(scores), -1)[..., None]).sum((1, 2))

    return DifferentiableView(
        inputs,
        mean_colour(inputs),
        output,
        (),
        grid=grid,
        cell_sums=cell_sums,
        module=model.module,
    )


def _row(model: Any, content: Content, target: str) -> tuple[Prompt, tuple[int, ...]]:
    """The prompt, and the answer's tokens after it."""
    prompt = model.writer.write(content)
    if isinstance(prompt, Failure):
        raise RequestFailed(prompt)
    text, tail = model.writer.joint(prompt.text, target)
    if not tail:
        raise ValueError("the target is the answer whose log-probability is explained; it is empty")
    return Prompt(text, prompt.media), tail
