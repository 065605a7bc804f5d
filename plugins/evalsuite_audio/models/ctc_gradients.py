"""CTC transcribers opened up for gradient explainers: how well a clip fits given words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from evalsuite import Audio, DifferentiableView, Failure, RequestFailed
from evalsuite.content import Content
from evalsuite_audio.models.ctc_alignment import best_path, spelled_out
from evalsuite_transformers.differentiable.cells import cell_sums, cells_of_shares


def alignment_view(
    model: Any, content: Content, target: str, medium: str, grid: tuple[int, int]
) -> DifferentiableView:
    """What the extractor makes of a clip; the output is the best path's log-probability per frame.

    That is the score of an alignment with the same words; without a target, with the words that
    the model itself likes best. The baseline is silence. Moments are told apart, not bands: most
    such models hear the waveform.

    Raises:
        ValueError: There is not one clip and nothing else.
        RequestFailed: Bands are asked for, or the words cannot be aligned.
    """
    if medium != "audio" or len(content) != 1 or not isinstance(content[0], Audio):
        raise ValueError("a CTC transcriber explains how well words fit one clip, beside no text")
    rows, columns = grid
    if rows != 1:
        message = "this model's input is divided into moments, not into bands. Set bands to 1."
        raise RequestFailed(Failure("no bands", message))
    waveform, _ = content[0].load(model.sample_rate_hz)
    if not model.n_frames(len(waveform)):
        message = f"{len(waveform)} samples make no frame of this model"
        raise RequestFailed(Failure("too short", message))
    inputs, name, others = _heard(model, waveform)
    own = model.logits([waveform])[0]
    labelling = _labelling(model, own.log_softmax(-1), target)
    shares = (np.arange(inputs.shape[1]) + 0.5) / inputs.shape[1]
    cells = cells_of_shares(shares, columns).reshape(-1, *[1] * (inputs.ndim - 2))

    def output(values: torch.Tensor) -> torch.Tensor:
        scores = _log_probabilities(model, values, name, others)[:, : len(own)]
        return torch.stack([_fit(row, labelling, model.labels.blank) for row in scores])

    return DifferentiableView(
        inputs,
        _heard(model, np.zeros_like(waveform))[0],
        output,
        (),
        grid=grid,
        cell_sums=cell_sums(cells, columns),
        module=model.module,
    )


def _heard(model: Any, waveform: Any) -> tuple[torch.Tensor, str, dict[str, torch.Tensor]]:
    """The module's input [1, time, ...], its name, and what else the module is given."""
    made = model.extractor(
        [waveform], sampling_rate=model.sample_rate_hz, padding=model.can_pad, return_tensors="pt"
    ).to(model.device)
    name = next(key for key in ("input_values", "input_features") if key in made)
    others = {key: value for key, value in made.items() if key != name}
    return made[name].float(), name, others


def _log_probabilities(
    model: Any, values: torch.Tensor, name: str, others: dict[str, torch.Tensor]
) -> torch.Tensor:
    """Of the labels at each frame [batch, frames, labels]."""
    rows = {key: value.expand(len(values), -1) for key, value in others.items()}
    logits: torch.Tensor = model.module(**{name: values.to(model.dtype)}, **rows).logits
    return logits.float().log_softmax(-1)


def _labelling(model: Any, scores: torch.Tensor, target: str) -> Sequence[int]:
    """The labels of the target, or of the likeliest path through scores [frames, labels]."""
    blank = model.labels.blank
    if target:
        found = spelled_out(target, model.labels)
        if isinstance(found, Failure):
            raise RequestFailed(found)
    else:
        path = torch.unique_consecutive(scores.argmax(-1)).tolist()
        found = [label for label in path if label != blank]
        if not found:
            raise RequestFailed(Failure("no words", "the model hears nothing in this clip"))
    if best_path(scores.cpu(), found, blank) is None:
        message = f"{len(scores)} frames cannot hold the {len(found)} labels of the text"
        raise RequestFailed(Failure("too short", message))
    return found


def _fit(scores: torch.Tensor, labelling: Sequence[int], blank: int) -> torch.Tensor:
    """The best path's mean log-probability; its gradient is that along the path."""
    found = best_path(scores.detach().cpu(), labelling, blank)
    assert found is not None  # as many frames as the clip itself has, which hold the labels
    path = torch.tensor(found[0], device=scores.device)
    return scores.gather(1, path[:, None]).mean()
