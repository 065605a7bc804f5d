"""An explainer of a model with some layers drawn anew, or of an input moved a little.

Named by requests as any gradient explainer is, with the explainer that they run as an option. A
model's weights are back, bit for bit, before the answer is given, so that its fingerprint holds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeAlias

import torch

from evalsuite import Attribution, DifferentiableView, Failure, RequestFailed
from evalsuite.registry import import_object
from evalsuite_explain.explainers.gradients import parts_of

Layer: TypeAlias = tuple[torch.Tensor, ...]


def redrawn(
    view: DifferentiableView, *, explainer: str, share: float, draw: int, **options: Any
) -> Attribution:
    """What an explainer says once the layers next to the output hold random weights.

    Every weight tensor of the layers is replaced by normal numbers of its own mean and standard
    deviation, so that outputs neither vanish nor explode. What is the input (token embeddings,
    pixels), the other tower of a dual encoder and running averages stay.
    Reference: Adebayo et al. 2018, Sanity checks for saliency maps, section 3.2 (cascading).

    Args:
        view: One input of a model, opened up.
        explainer: ``package.module:function`` of the explainer that is checked.
        share: Of the layers, from the output backwards, rounded up; 1 is all.
        draw: Seed of the weights.
        options: The explainer's own.

    Raises:
        RequestFailed: The weights are not open.
    """
    layers = layers_of(view)
    chosen = layers[len(layers) - math.ceil(share * len(layers)) :]
    with _drawn_anew(chosen, draw):
        found: Attribution = import_object(explainer)(view, **options)
    return found


def nearby(
    view: DifferentiableView, *, explainer: str, radius: float, draw: int, **options: Any
) -> Attribution:
    """What an explainer says of an input whose every number is moved by up to a radius.

    Args:
        view: One input of a model, opened up.
        explainer: ``package.module:function``; none that looks at a trace of the layers.
        radius: Largest change, as a share of the inputs' standard deviation, of each medium's own.
        draw: Seed of the uniform noise.
        options: The explainer's own.
    """
    noise = (2 * torch.rand(view.inputs.shape, generator=_generator(draw)) - 1).to(view.inputs)
    media = zip(parts_of(view, view.inputs), parts_of(view, noise), strict=True)
    moved = torch.cat([own + radius * own.std() * drawn for own, drawn in media], dim=1)
    found: Attribution = import_object(explainer)(
        replace(view, inputs=moved, trace=None), **options
    )
    return found


def layers_of(view: DifferentiableView) -> list[Layer]:
    """The weights that the output is computed with, module by module, first to last.

    The order is that of execution, read off the graph of one pass, so that it needs no knowledge
    of the architecture. Tied weights count once, where they are used first.
    """
    owners = {
        id(weight): name.rpartition(".")[0] for name, weight in view.module.named_parameters()
    }
    with _tracked(list(view.module.parameters())), torch.enable_grad():
        first_use = _first_use(view.output(view.inputs.detach()))
    grouped: dict[str, list[torch.Tensor]] = {}
    for weight in sorted(first_use, key=lambda used: first_use[used]):
        grouped.setdefault(owners.get(id(weight), f"weight {id(weight)}"), []).append(weight)
    if not grouped:
        raise RequestFailed(
            Failure(
                "weights not open",
                "this model's weights are not floating-point tensors that its output hangs on, so "
                "they cannot be drawn anew. Load it without quantization.",
            )
        )
    return [tuple(layer) for layer in grouped.values()]


def _first_use(output: torch.Tensor) -> dict[torch.Tensor, int]:
    """For each weight in a graph, when the first step that takes it was executed."""
    found: dict[torch.Tensor, int] = {}
    seen, waiting = set(), [output.grad_fn]
    while waiting:
        step = waiting.pop()
        if step is None or step in seen:
            continue
        seen.add(step)
        for before, _ in step.next_functions:
            weight = getattr(before, "variable", None)
            if weight is not None:
                when = step._sequence_nr()
                found[weight] = min(when, found.get(weight, when))
            waiting.append(before)
    return found


@contextmanager
def _tracked(weights: Sequence[torch.Tensor]) -> Iterator[None]:
    """While it lasts, gradients could be taken by these weights."""
    changed = [w for w in weights if w.is_floating_point() and not w.requires_grad]
    for weight in changed:
        weight.requires_grad_(True)
    try:
        yield
    finally:
        for weight in changed:
            weight.requires_grad_(False)


@contextmanager
def _drawn_anew(layers: Sequence[Layer], draw: int) -> Iterator[None]:
    weights = [weight for layer in layers for weight in layer]
    kept = [weight.detach().to("cpu", copy=True) for weight in weights]
    generator = _generator(draw)
    try:
        with torch.no_grad():
            for weight, own in zip(weights, kept, strict=True):
                values = own.float()
                anew = torch.randn(own.shape, generator=generator) * values.std(correction=0)
                weight.copy_(anew + values.mean())
        yield
    finally:
        with torch.no_grad():
            for weight, own in zip(weights, kept, strict=True):
                weight.copy_(own)


def _generator(draw: int) -> torch.Generator:
    return torch.Generator().manual_seed(draw)
