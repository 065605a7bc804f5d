"""Gradient explainers on a model's differentiable view; named by requests, run by the harness.

Each returns one signed score per position: the sum over the position's features.
"""

from __future__ import annotations

from typing import Any

import torch
from captum.attr import InputXGradient, IntegratedGradients, Saliency

from evalsuite import Attribution, DifferentiableView

EXPLAINERS = {
    "integrated_gradients": "evalsuite_explain.gradients:integrated_gradients",
    "input_x_gradient": "evalsuite_explain.gradients:input_x_gradient",
    "saliency": "evalsuite_explain.gradients:saliency",
}


def integrated_gradients(view: DifferentiableView, *, n_steps: int = 32) -> Attribution:
    """Path integral of the gradient from the baseline to the input.

    The scores sum to f(input) - f(baseline) up to the quadrature error, which is given as
    ``convergence_delta``. Reference: Sundararajan et al. 2017, Axiomatic attribution.

    Args:
        view: One input of a model, opened up.
        n_steps: Points of the Gauss-Legendre quadrature.
    """
    with torch.enable_grad():
        scores = IntegratedGradients(view.output, multiply_by_inputs=True).attribute(
            view.inputs.detach(),
            baselines=view.baseline.detach(),
            n_steps=n_steps,
            internal_batch_size=n_steps,
        )
    return _attribution(view, scores)


def input_x_gradient(view: DifferentiableView) -> Attribution:
    """Input times gradient: a first-order guess that is not complete where f bends."""
    with torch.enable_grad():
        inputs = view.inputs.detach().clone().requires_grad_()
        scores = InputXGradient(view.output).attribute(inputs)
    return _attribution(view, scores)


def saliency(view: DifferentiableView) -> Attribution:
    """Absolute gradient, summed over features; it has no sign and is not complete."""
    with torch.enable_grad():
        inputs = view.inputs.detach().clone().requires_grad_()
        scores = Saliency(view.output).attribute(inputs, abs=True)
    return _attribution(view, scores)


def _attribution(view: DifferentiableView, scores: Any) -> Attribution:
    with torch.no_grad():
        total = float(view.output(view.inputs)[0] - view.output(view.baseline)[0])
    per_position = scores[0].detach().float().reshape(len(scores[0]), -1).sum(-1)
    return Attribution(
        scores=tuple(per_position.cpu().tolist()),
        spans=view.spans,
        total=total,
        convergence_delta=abs(float(per_position.sum()) - total),
    )
