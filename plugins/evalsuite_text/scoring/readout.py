"""Modules that have to run only at the positions whose output is read.

In a model's last layer the queries, the projection after attention and the feed-forward part change
nothing at any other position; keys and values do. Which modules these are is not read off names:
one small pass with gradients shows whose output matters where, whatever the architecture.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch

# Where more than this part of the positions is read, choosing them costs more than it saves.
MOST_ROWS = 0.5
# Of the trial: relative to the largest output, a few last digits of a matrix product.
TOLERANCE = 16

# A module, its input, its output.
Call: TypeAlias = tuple[torch.nn.Module, torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class Readout:
    """The modules, each from hidden states [..., width] to as many hidden states.

    Attributes:
        modules: None of them lies in another; nothing is skipped without any.
    """

    modules: tuple[torch.nn.Module, ...] = ()

    @contextmanager
    def at(self, rows: torch.Tensor, n_rows: int) -> Iterator[None]:
        """While it lasts, the modules run at some rows only and give zeros at the others.

        Args:
            rows: Places in a flattened batch [rows read]; those that are read.
            n_rows: Positions of the batch, padding included.
        """
        with ExitStack() as stack:
            if len(rows) <= MOST_ROWS * n_rows:
                for module in self.modules:
                    for handle in _select(module, rows.to(_device(module)), n_rows):
                        stack.callback(handle.remove)
            yield


def _device(module: torch.nn.Module) -> torch.device:
    return next(module.parameters()).device


def _select(module: torch.nn.Module, rows: torch.Tensor, n_rows: int) -> Sequence[Any]:
    """Hooks that cut a module's input down to some rows, and put its output back in place."""
    shapes: list[torch.Size | None] = []

    def before(_: Any, arguments: Any) -> Any:
        (states,) = arguments
        is_batch = states.shape[:-1].numel() == n_rows  # not where a model pads its input itself
        shapes.append(states.shape[:-1] if is_batch else None)
        return states.reshape(n_rows, -1)[rows] if is_batch else None

    def after(_: Any, __: Any, output: torch.Tensor) -> torch.Tensor | None:
        shape = shapes.pop()
        if shape is None:
            return None
        whole = output.new_zeros(n_rows, output.shape[-1])
        whole[rows] = output
        return whole.view(*shape, -1)

    return module.register_forward_pre_hook(before), module.register_forward_hook(after)


def find_readouts(model: torch.nn.Module, run: Callable[[], torch.Tensor]) -> dict[int, Readout]:
    """For each position of a small input the readout of a model whose output is read only there.

    Args:
        model: Whose modules are looked at.
        run: Reads one input of at least three positions with gradients switched on; returns what
            the output is read from, of any shape.

    Returns:
        By position; nothing where gradients do not flow.
    """
    calls: list[Call] = []
    with ExitStack() as stack, torch.enable_grad():
        for module in model.modules():
            if any(weight.dim() > 1 for weight in module.parameters()):
                stack.callback(module.register_forward_hook(_noting(calls)).remove)
        output = run()
        slopes = _slopes(output, [found for _, _, found in calls])
    # Of a module that is run several times it cannot be told which of the runs is meant.
    runs = Counter(module for module, _, _ in calls)
    places: dict[int, list[torch.nn.Module]] = {}
    for (module, states, found), slope in zip(calls, slopes, strict=True):
        if slope is None or runs[module] > 1 or not _keeps_positions(states, found):
            continue
        where = slope[0].any(-1).nonzero().flatten().tolist()
        if len(where) == 1 and _is_pointwise(module, states, found):
            places.setdefault(where[0], []).append(module)
    return {position: Readout(_outermost(modules)) for position, modules in places.items()}


def _noting(calls: list[Call]) -> Callable[..., None]:
    """A hook that notes a module's only input and its output, where both are tensors."""

    def note(module: torch.nn.Module, arguments: Any, output: Any) -> None:
        tensors = [value for value in (*arguments, output) if isinstance(value, torch.Tensor)]
        if len(arguments) == 1 and len(tensors) == 2 and output.requires_grad:
            calls.append((module, arguments[0].detach(), output))

    return note


def _slopes(output: torch.Tensor, of: Sequence[torch.Tensor]) -> Sequence[torch.Tensor | None]:
    """How an output changes with each of some tensors; None where it does not."""
    if output.grad_fn is None:
        return [None] * len(of)
    # A plain sum is blind to some outputs: those of a normalisation always sum up to the same.
    weights = torch.randn(output.shape, generator=torch.Generator().manual_seed(0))
    scalar = (output.float() * weights.to(output.device)).sum()
    return torch.autograd.grad(scalar, list(of), allow_unused=True) if of else []


def _keeps_positions(states: torch.Tensor, found: torch.Tensor) -> bool:
    """Whether a module maps hidden states [1, length, ...] to as many of them."""
    is_like = states.dim() == found.dim() == 3 and states.shape[:2] == found.shape[:2]
    return is_like and len(found) == 1 and states.is_floating_point()


def _is_pointwise(module: torch.nn.Module, states: torch.Tensor, found: torch.Tensor) -> bool:
    """Whether a module gives a position alone what it gives it among others."""
    try:
        with torch.no_grad():
            alone = torch.cat([module(state[None]) for state in states[0]])
    except (AttributeError, IndexError, RuntimeError, TypeError, ValueError):
        return False
    together = found[0].detach()
    tolerance = TOLERANCE * torch.finfo(found.dtype).eps * float(together.abs().max())
    return alone.shape == together.shape and float((alone - together).abs().max()) <= tolerance


def _outermost(modules: Sequence[torch.nn.Module]) -> tuple[torch.nn.Module, ...]:
    inside = {id(part) for module in modules for part in module.modules() if part is not module}
    return tuple(module for module in modules if id(module) not in inside)
