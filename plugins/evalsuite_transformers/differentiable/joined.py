"""Views of two media as one: a picture's pixels, or a clip's spectrogram, and a text's words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from evalsuite import DifferentiableView, Similarity


def joined(
    cells: DifferentiableView,
    words: DifferentiableView,
    output: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
) -> DifferentiableView:
    """All numbers of a picture or clip, then of a text, as one input [1, numbers].

    Its features are the cells, then the positions of the text. Layers are not open: attention goes
    from one medium to the other, and the rules for that differ with the model.

    Args:
        cells: The view of the picture or clip, with ``cell_sums``.
        words: That of the text [1, positions, width].
        output: Maps inputs of the first and of the second [batch, ...] to the target's [batch].
    """
    shapes = [tuple(view.inputs.shape[1:]) for view in (cells, words)]
    parts = (cells.inputs.numel(), words.inputs.numel())

    def apart(rows: torch.Tensor) -> tuple[torch.Tensor, ...]:
        pieces = rows.split(parts, dim=1)
        return tuple(one.reshape(len(rows), *shape) for one, shape in zip(pieces, shapes))

    def sums(rows: torch.Tensor) -> torch.Tensor:
        first, second = apart(rows)
        assert cells.cell_sums is not None
        return torch.cat([cells.cell_sums(first), second[0].sum(-1)])

    def both(name: str) -> Any:
        return torch.cat([getattr(v, name).reshape(1, -1) for v in (cells, words)], dim=1)

    return DifferentiableView(
        both("inputs"),
        both("baseline"),
        lambda rows: output(*apart(rows)),
        words.spans,
        grid=cells.grid,
        cell_sums=sums,
        module=cells.module,
        parts=parts,
        most_at_once=cells.most_at_once,
    )


def joined_similarity(
    cells: DifferentiableView, words: DifferentiableView, scale: Similarity
) -> DifferentiableView:
    """Both sides of a dual encoder at once; their outputs are unit vectors [batch, dimensions]."""

    def output(medium: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
        cosine: torch.Tensor = (cells.output(medium) * words.output(text)).sum(-1)
        return scale.scale * cosine + scale.bias

    return joined(cells, words, output)
