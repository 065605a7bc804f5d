"""Explainers that look inside a transformer: Grad-CAM, attention rollout, Chefer's relevance.

captum has none of them for tokens. The rules are pure functions of tensors; what they are given is
recorded by the model in one forward pass with plain ("eager") attention.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from evalsuite import Attribution, DifferentiableView, Failure, ForwardTrace, RequestFailed
from evalsuite_explain.explainers.gradients import attribution


def attention_rollout(view: DifferentiableView) -> Attribution:
    """What the readout token attends to through all layers; blind to the target, unsigned.

    Of an encoder-decoder model, the encoder's tokens as the decoder sees them.
    Reference: Abnar and Zuidema 2020, Quantifying attention flow, section 4.
    """
    trace = _trace(view, needs_attention=True)
    means = [_mean(weights) for weights in trace.attentions]
    if trace.decoder is None:
        return attribution(view, trace.spread(_read(rollout(means), trace.readout)))
    layers = [(_mean(own), _mean(across)) for own, across in trace.decoder.layers]
    found = rollout_across(rollout(means), layers)
    return attribution(view, trace.spread(found[list(trace.decoder.readouts)].mean(dim=0)))


def relevance(view: DifferentiableView) -> Attribution:
    """Chefer's relevance: attention weighed by its positive gradient, added up over layers.

    Relevance of a token to itself, which every token starts with, is left out. Of a dual encoder
    each tower has its own; of an encoder-decoder model it is the encoder's tokens' relevance to
    what the decoder writes, the mean over the written tokens. Reference: Chefer et al. 2021,
    Generic attention-model explainability, equations 5 and 6; across, 8 to 10.
    """
    with torch.enable_grad():
        trace = _trace(view, needs_attention=True)
        across = (
            [weights for layer in trace.decoder.layers for weights in layer]
            if (trace.decoder)
            else []
        )
        cams = _cams(trace.output, [*trace.attentions, *across])
    found = relevance_of(cams[: len(trace.attentions)])
    if trace.decoder is not None:
        rest = cams[len(trace.attentions) :]
        written = relevance_across(found, list(zip(rest[::2], rest[1::2], strict=True)))
        return attribution(view, trace.spread(written[list(trace.decoder.readouts)].mean(dim=0)))
    start = torch.eye(len(found), dtype=found.dtype, device=found.device)
    return attribution(view, trace.spread(_read(found - start, trace.readout)))


def grad_cam(view: DifferentiableView) -> Attribution:
    """Positive part of a late layer's activations, its channels weighed by their mean gradient.

    Reference: Selvaraju et al. 2017, Grad-CAM, equations 1 and 2.
    """
    with torch.enable_grad():
        trace = _trace(view, needs_attention=False)
        (gradient,) = torch.autograd.grad(trace.output, trace.hidden)
    return attribution(view, trace.spread_hidden(cam_of(trace.hidden[0].detach(), gradient[0])))


def _trace(view: DifferentiableView, *, needs_attention: bool) -> ForwardTrace:
    if view.trace is None:
        raise RequestFailed(
            Failure(
                "layers not open",
                "this model's layers cannot be looked into. Use integrated_gradients or occlusion.",
            )
        )
    trace = view.trace()
    if needs_attention and not trace.attentions:
        raise RequestFailed(
            Failure(
                "no attention over all tokens",
                "this model attends within windows or not at all, so attention cannot be followed "
                "from layer to layer. Use grad_cam, integrated_gradients or occlusion.",
            )
        )
    return trace


def _mean(weights: torch.Tensor) -> torch.Tensor:
    """Attention of one layer [1, heads, tokens, tokens] as its mean over heads."""
    return weights[0].detach().float().mean(dim=0)


def _cams(output: torch.Tensor, attentions: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Each layer's attention weighed by its positive gradient; what moves nothing has none."""
    gradients = torch.autograd.grad(output, attentions, allow_unused=True)
    return [
        average_heads(weights[0].detach().float(), gradient[0].float())
        if gradient is not None
        else torch.zeros_like(weights[0, 0], dtype=torch.float32)
        for weights, gradient in zip(attentions, gradients, strict=True)
    ]


def _read(matrix: torch.Tensor, readout: int | None) -> torch.Tensor:
    """The row of the token that the output is read from, or the mean of all [tokens]."""
    return matrix.mean(dim=0) if readout is None else matrix[readout]


def average_heads(attention: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    """Mean over heads of the positive part of gradient times attention.

    Args:
        attention: Weights [heads, tokens, tokens].
        gradient: Of the target by them, of the same shape.

    Returns:
        Shape [tokens, tokens]. Reference: Chefer et al. 2021, equation 5.
    """
    return (gradient * attention).clamp(min=0).mean(dim=0)


def relevance_of(cams: Sequence[torch.Tensor]) -> torch.Tensor:
    """R <- R + cam R over layers, from the identity [tokens, tokens]; Chefer et al., equation 6."""
    found = torch.eye(cams[0].shape[-1], dtype=cams[0].dtype, device=cams[0].device)
    for cam in cams:
        found = found + cam @ found
    return found


def normalised_relevance(found: torch.Tensor) -> torch.Tensor:
    """Relevance with the rows of its own part, R - I, summing to one, and I put back.

    It weighs what a residual connection carries like what attention does, where relevance passes
    from one medium to another. Rows without relevance stay empty.
    Reference: Chefer et al. 2021, equations 8 and 9.
    """
    identity = torch.eye(len(found), dtype=found.dtype, device=found.device)
    own = found - identity
    sums = own.sum(dim=-1, keepdim=True)
    return torch.where(sums > 0, own / sums, torch.zeros_like(own)) + identity


def rollout(attentions: Sequence[torch.Tensor]) -> torch.Tensor:
    """Product of the layers' (A + I) / 2, the last on the left [tokens, tokens]; rows sum to 1.

    Args:
        attentions: Of each layer, first to last, the mean over heads [tokens, tokens].

    Reference: Abnar and Zuidema 2020, equation 1.
    """
    found = torch.eye(len(attentions[0]), dtype=attentions[0].dtype, device=attentions[0].device)
    for weights in attentions:
        mixed = (weights + torch.eye(len(weights), dtype=weights.dtype, device=weights.device)) / 2
        found = (mixed / mixed.sum(dim=-1, keepdim=True)) @ found
    return found


def relevance_across(
    encoder: torch.Tensor, cams: Sequence[tuple[torch.Tensor, torch.Tensor]]
) -> torch.Tensor:
    """Relevance of the encoder's tokens to the decoder's [written tokens, encoder tokens].

    Within a layer, R_dd <- R_dd + A R_dd and R_de <- R_de + A R_de by the decoder's attention to
    itself, then R_de <- R_de + N(R_dd)^T A N(R_ee) across, where N normalises (equation 8).

    Args:
        encoder: Its own relevance R_ee, with the identity [encoder tokens, encoder tokens].
        cams: Of each layer of the decoder, to itself and across.

    Reference: Chefer et al. 2021, equations 6, 7 and 10.
    """
    n_written = cams[0][0].shape[-1]
    own = torch.eye(n_written, dtype=encoder.dtype, device=encoder.device)
    found = encoder.new_zeros(n_written, len(encoder))
    heard = normalised_relevance(encoder)
    for to_itself, across in cams:
        own, found = own + to_itself @ own, found + to_itself @ found
        found = found + normalised_relevance(own).T @ across @ heard
    return found


def rollout_across(
    encoder: torch.Tensor, layers: Sequence[tuple[torch.Tensor, torch.Tensor]]
) -> torch.Tensor:
    """What the decoder's tokens see of the encoder's inputs [written tokens, encoder tokens].

    Each attention is averaged with what the residual connection carries, as within one tower.

    Args:
        encoder: Its rollout [encoder tokens, encoder tokens].
        layers: Of each layer of the decoder, attention to itself and across, means over heads.
    """
    found = encoder.new_zeros(len(layers[0][0]), len(encoder))
    for to_itself, across in layers:
        found = (found + to_itself @ found) / 2
        found = (found + across @ encoder) / 2
    return found


def cam_of(activations: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    """max(0, sum over channels of mean gradient x activation), [tokens] of [tokens, channels]."""
    weights = gradient.float().mean(dim=0)
    return (activations.float() @ weights).clamp(min=0)
