"""Gradient explainers on a model's differentiable view; named by requests, run by the harness.

Each returns one score per feature: the sum over its channels, or over the pixels of a cell.
captum computes what it can; gradients are switched on for the while of it and nowhere else.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import torch
from captum.attr import DeepLift, InputXGradient, IntegratedGradients, NoiseTunnel, Saliency

from evalsuite import (
    Attribution,
    DifferentiableView,
    Failure,
    RequestFailed,
    is_device_lost,
    is_out_of_memory,
)
from evalsuite_explain.explainers.game import COMPLETENESS_TOLERANCE

# A rescale rule that misses the total by more than this share did not see all non-linear steps.
_MISSED = 0.02
_FIRST_STEPS = 32
_MOST_AT_ONCE = 64


def integrated_gradients(
    view: DifferentiableView,
    *,
    n_steps: int = 0,
    tolerance: float = COMPLETENESS_TOLERANCE,
    most_steps: int = 512,
) -> Attribution:
    """Path integral of the gradient from the baseline to the input.

    The scores sum to f(input) - f(baseline) up to the quadrature error, which is given as
    ``convergence_delta``. Reference: Sundararajan et al. 2017, Axiomatic attribution.

    Args:
        view: One input of a model, opened up.
        n_steps: Points of the Gauss-Legendre quadrature. With 0 they are doubled, from 32 on, until
            the error is at most ``tolerance`` of the total or there are ``most_steps``: rough
            functions take more, and how rough one is shows only then.
        tolerance: Largest error, as a share of |f(input) - f(baseline)|.
        most_steps: Where doubling ends, whatever the error.
    """
    steps = n_steps or _FIRST_STEPS
    found = _integrated(view, steps)
    while not n_steps and steps < most_steps and found.relative_error > tolerance:
        steps = min(2 * steps, most_steps)
        found = _integrated(view, steps)
    return found


def _integrated(view: DifferentiableView, n_steps: int) -> Attribution:
    with torch.enable_grad():
        scores = IntegratedGradients(view.output, multiply_by_inputs=True).attribute(
            view.inputs.detach(),
            baselines=view.baseline.detach(),
            n_steps=n_steps,
            internal_batch_size=min(n_steps, view.most_at_once or _MOST_AT_ONCE),
        )
    return replace(attribution(view, scores), n_steps=n_steps)


def input_x_gradient(view: DifferentiableView) -> Attribution:
    """Input times gradient: a first-order guess that is not complete where f bends."""
    with torch.enable_grad():
        scores = InputXGradient(view.output).attribute(_leaf(view))
    return attribution(view, scores)


def saliency(view: DifferentiableView) -> Attribution:
    """Absolute gradient, summed over features; it has no sign and is not complete.

    Reference: Simonyan et al. 2014, Deep inside convolutional networks.
    """
    with torch.enable_grad():
        scores = Saliency(view.output).attribute(_leaf(view), abs=True)
    return attribution(view, scores)


def smooth_grad(
    view: DifferentiableView, *, n_samples: int = 16, noise: float = 0.15, seed: int = 0
) -> Attribution:
    """The mean absolute gradient over inputs with Gaussian noise; not complete.

    Reference: Smilkov et al. 2017, SmoothGrad.

    Args:
        view: One input of a model, opened up.
        n_samples: Noisy inputs.
        noise: Standard deviation, as a share of the input's range; of each medium's own, where
            several are explained jointly.
        seed: Of the noise; the global generator is left as it was.
    """
    media = parts_of(view, view.inputs.detach())

    def output(*moved: torch.Tensor) -> torch.Tensor:
        whole = moved[0] if len(moved) == 1 else torch.cat(moved, dim=1)
        values: torch.Tensor = view.output(whole)
        return values

    devices = [view.inputs.device] if view.inputs.is_cuda else []
    with torch.enable_grad(), torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        scores = NoiseTunnel(Saliency(output)).attribute(
            tuple(medium.clone().requires_grad_() for medium in media),
            nt_type="smoothgrad",
            nt_samples=n_samples,
            nt_samples_batch_size=min(n_samples, view.most_at_once or n_samples),
            stdevs=tuple(noise * float(medium.max() - medium.min()) for medium in media),
            abs=True,
        )
    return attribution(view, torch.cat(scores, dim=1))


def parts_of(view: DifferentiableView, values: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """A tensor like the inputs, taken apart into those of each medium."""
    return values.split(view.parts, dim=1) if view.parts else (values,)


def deep_lift(view: DifferentiableView) -> Attribution:
    """Differences from the baseline handed back through the layers by the rescale rule.

    captum sees the non-linear steps that are modules of their own. Where others bend the output
    too (the softmax of an attention, a product), its scores miss f(input) - f(baseline).
    Reference: Shrikumar et al. 2017, DeepLIFT.

    Raises:
        RequestFailed: The model is none whose steps captum sees.
    """
    wrapped = _Wrapped(view)
    try:
        with torch.enable_grad(), warnings.catch_warnings(action="ignore"):
            scores = DeepLift(wrapped).attribute(_leaf(view), baselines=view.baseline.detach())
    except (RuntimeError, AssertionError, AttributeError, TypeError) as error:
        if is_out_of_memory(error) or is_device_lost(error):
            raise
        first_line = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise _unsupported(f"captum cannot hook it: {first_line}") from error
    found = attribution(view, scores)
    if not found.relative_error <= _MISSED:
        raise _unsupported(
            f"its scores sum to {sum(found.scores):.4g} where the output changes by "
            f"{found.total:.4g}, so steps that are no modules of their own bend the output"
        )
    return found


def _unsupported(reason: str) -> RequestFailed:
    advice = "Use integrated_gradients, which is complete for any differentiable model."
    return RequestFailed(Failure("not supported by deep_lift", f"{reason}. {advice}"))


def input_magnitude(view: DifferentiableView) -> Attribution:
    """How far each position is from its baseline: a null explainer, blind to model and target."""
    return attribution(view, (view.inputs - view.baseline).abs())


class _Wrapped(torch.nn.Module):
    """A view as the module that captum hooks."""

    def __init__(self, view: DifferentiableView) -> None:
        super().__init__()
        self.inside = view.module
        self.view = view

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        outputs: torch.Tensor = self.view.output(inputs)
        return outputs


def _leaf(view: DifferentiableView) -> torch.Tensor:
    leaf: torch.Tensor = view.inputs.detach().clone().requires_grad_()
    return leaf


def attribution(view: DifferentiableView, scores: Any) -> Attribution:
    """Scores like the inputs, summed to one for each feature, with the total they explain."""
    with torch.no_grad():
        total = float(view.output(view.inputs)[0] - view.output(view.baseline)[0])
    detached = scores.detach().float()
    if view.cell_sums is not None:
        per_feature = view.cell_sums(detached)
    else:
        per_feature = detached[0].reshape(len(detached[0]), -1).sum(-1)
    return Attribution(
        scores=tuple(per_feature.cpu().tolist()),
        spans=view.spans,
        total=total,
        convergence_delta=abs(float(per_feature.sum()) - total),
        grid=view.grid,
    )
