"""How strongly a model's weights would have to change for one answer: norms of the gradient."""

from __future__ import annotations

import torch

from evalsuite import Attribution, DifferentiableView

NORMS = (1.0, 2.0, float("inf"))


def gradient_norms(view: DifferentiableView) -> Attribution:
    """Norms over all weights at once of the gradient of an answer's log-probability.

    ``scores`` are the norms of order 1, 2 and infinity; ``total`` is the log-probability. Weights
    that the answer does not run through count nothing: those are the input embeddings, unless the
    head shares them, since a view begins behind them.
    Reference: Wang et al. 2024 (2402.17012).
    """
    weights = [weight for weight in view.module.parameters() if weight.is_floating_point()]
    frozen = [weight for weight in weights if not weight.requires_grad]
    for weight in frozen:
        weight.requires_grad_(True)
    try:
        with torch.enable_grad():
            output = view.output(view.inputs.detach()).sum()
        found = torch.autograd.grad(output, weights, allow_unused=True)
    finally:
        for weight in frozen:
            weight.requires_grad_(False)
    gradients = [gradient.float() for gradient in found if gradient is not None]
    each = torch.stack(
        [torch.stack([torch.linalg.vector_norm(g, order) for g in gradients]) for order in NORMS]
    )
    whole = [float(torch.linalg.vector_norm(row, order)) for row, order in zip(each, NORMS)]
    return Attribution(tuple(whole), (), float(output.detach()), 0.0)
