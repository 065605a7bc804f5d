"""From token states to one vector, as the sentence-transformers layout of a checkpoint says it.

modules.json                       the steps, each with its class and folder
sentence_bert_config.json          max_seq_length, do_lower_case
1_Pooling/config.json              which pooling (Reimers and Gurevych 2019)
2_Dense/config.json                a further layer, where there is one
config_sentence_transformers.json  prompts that go before a text
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from safetensors.torch import load_file

from evalsuite import ModelError
from evalsuite_transformers.checkpoint import Checkpoint

MODES = ("mean", "cls", "max", "mean_sqrt_len", "weightedmean", "lasttoken")
_OLD_KEYS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
_ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "Tanh": torch.tanh,
    "Identity": lambda x: x,
    "ReLU": torch.relu,
    "GELU": torch.nn.functional.gelu,
    "Sigmoid": torch.sigmoid,
}


@dataclass(frozen=True)
class Dense:
    """One linear layer after pooling."""

    weight: torch.Tensor
    bias: torch.Tensor | None
    activation: str

    def __call__(self, vectors: torch.Tensor) -> torch.Tensor:
        """Vectors [batch, in] to [batch, out], in float32."""
        device = vectors.device
        bias = None if self.bias is None else self.bias.to(device)
        linear = torch.nn.functional.linear(vectors, self.weight.to(device), bias)
        return _ACTIVATIONS[self.activation](linear)


@dataclass(frozen=True)
class Layout:
    """How a sentence encoder makes a vector.

    Attributes:
        modes: Poolings whose results are put side by side.
        dense: Layers after pooling.
        max_length: Tokens read at once, or None for the model's own limit.
        lower_case: Whether texts are put in lower case first.
        prompts: Texts to put before a text, by name.
        default_prompt: The name of the one that is used unasked, or empty.
        pools_prompt: Whether the prompt's tokens take part in pooling.
    """

    modes: tuple[str, ...] = ("mean",)
    dense: tuple[Dense, ...] = ()
    max_length: int | None = None
    lower_case: bool = False
    prompts: tuple[tuple[str, str], ...] = ()
    default_prompt: str = ""
    pools_prompt: bool = True


def read_layout(checkpoint: Checkpoint) -> Layout:
    """The layout of a checkpoint; mean pooling for one that says nothing.

    Raises:
        ModelError: It has a step that evalsuite does not know.
    """
    modules = _json(checkpoint, "modules.json") or []
    steps = [(str(step["type"]).rsplit(".", 1)[-1], str(step["path"])) for step in modules]
    unknown = sorted({kind for kind, _ in steps} - {"Transformer", "Pooling", "Dense", "Normalize"})
    if unknown:
        raise ModelError(
            f"Model {checkpoint.reference!r} makes its vectors by {', '.join(unknown)}, which "
            "evalsuite does not know; it knows Transformer, Pooling, Dense and Normalize."
        )
    folder = next((path for kind, path in steps if kind == "Pooling"), "1_Pooling")
    pooling = _json(checkpoint, f"{folder}/config.json") or {}
    own = _json(checkpoint, "sentence_bert_config.json") or {}
    prompts = _json(checkpoint, "config_sentence_transformers.json") or {}
    return Layout(
        _modes(checkpoint, pooling),
        tuple(_dense(checkpoint, path) for kind, path in steps if kind == "Dense"),
        own.get("max_seq_length"),
        bool(own.get("do_lower_case", False)),
        tuple(sorted((prompts.get("prompts") or {}).items())),
        str(prompts.get("default_prompt_name") or ""),
        bool(pooling.get("include_prompt", True)),
    )


def _json(checkpoint: Checkpoint, path: str) -> Any:
    """A file's contents, or None where there is no such file."""
    found = checkpoint.file(path)
    if found is None:
        return None
    try:
        return json.loads(found.read_text("utf-8"))
    except ValueError as error:
        raise ModelError(f"{found} is not readable JSON: {error}") from error


def _modes(checkpoint: Checkpoint, pooling: dict[str, Any]) -> tuple[str, ...]:
    named = pooling.get("pooling_mode")
    if named:
        modes = (named,) if isinstance(named, str) else tuple(named)
    else:
        modes = tuple(mode for key, mode in _OLD_KEYS.items() if pooling.get(key))
    unknown = sorted(set(modes) - set(MODES))
    if unknown:
        raise ModelError(
            f"Model {checkpoint.reference!r} pools by {', '.join(unknown)}; evalsuite knows "
            f"{', '.join(MODES)}."
        )
    return modes or ("mean",)


def _dense(checkpoint: Checkpoint, folder: str) -> Dense:
    config = _json(checkpoint, f"{folder}/config.json") or {}
    activation = str(config.get("activation_function", "Tanh")).rsplit(".", 1)[-1].rstrip("()")
    weights = checkpoint.file(f"{folder}/model.safetensors")
    if activation not in _ACTIVATIONS:
        raise ModelError(
            f"Model {checkpoint.reference!r} has a dense layer with the activation {activation}; "
            f"evalsuite knows {', '.join(_ACTIVATIONS)}."
        )
    if weights is None:
        raise ModelError(
            f"Model {checkpoint.reference!r} has no {folder}/model.safetensors for its dense "
            "layer. Save it again with a present sentence-transformers."
        )
    tensors = load_file(weights)
    bias = tensors.get("linear.bias")
    return Dense(
        tensors["linear.weight"].float(), None if bias is None else bias.float(), activation
    )


def pooled(states: torch.Tensor, mask: torch.Tensor, modes: tuple[str, ...]) -> torch.Tensor:
    """Token states [batch, length, width] to vectors [batch, width x modes], in float32.

    Args:
        states: The last hidden states.
        mask: [batch, length], one where a token takes part; at least one in each row.
        modes: Some of ``MODES``.
    """
    states, weight = states.float(), mask[..., None].float()
    positions = torch.arange(1, mask.shape[1] + 1, device=mask.device)
    found = []
    for mode in modes:
        if mode == "cls":
            found.append(states[torch.arange(len(mask)), mask.argmax(1)])
        elif mode == "lasttoken":
            found.append(states[torch.arange(len(mask)), (mask * positions).argmax(1)])
        elif mode == "max":
            found.append(states.masked_fill(weight == 0, float("-inf")).amax(1))
        elif mode == "weightedmean":  # by position, for causal models (Muennighoff 2022)
            ranked = weight * positions[:, None]
            found.append((states * ranked).sum(1) / ranked.sum(1))
        else:
            count = weight.sum(1)
            divisor = count.sqrt() if mode == "mean_sqrt_len" else count
            found.append((states * weight).sum(1) / divisor)
    return torch.cat(found, dim=-1)
