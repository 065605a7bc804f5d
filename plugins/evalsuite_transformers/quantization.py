"""Weights in 8 or 4 bits: ``quantization: int8`` or ``int4``.

On CUDA by bitsandbytes (LLM.int8, Dettmers et al. 2022; NF4, Dettmers et al. 2023) where that is
installed; anywhere by torchao (weight-only rounding to integers) where that is.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import torch

from evalsuite import LoadSettings, UsageError

BITS = ("int8", "int4")


def quantization_of(settings: LoadSettings) -> str:
    """What was asked for, or empty; raises UsageError for anything but int8 and int4."""
    asked = settings.options.get("quantization")
    if asked is None:
        return ""
    if asked not in BITS:
        raise UsageError(f"Model option quantization must be int8 or int4 (got {asked!r}).")
    return str(asked)


def quantization_arguments(bits: str, device: torch.device, dtype: torch.dtype) -> dict[str, Any]:
    """Keyword arguments of ``from_pretrained`` that round the weights while they are read.

    Raises:
        UsageError: No package that can do it here is installed.
    """
    if not bits:
        return {}
    if device.type == "cuda" and find_spec("bitsandbytes") is not None:
        return {"quantization_config": _bitsandbytes(bits, dtype), "device_map": {"": device}}
    if find_spec("torchao") is not None:
        return {"quantization_config": _torchao(bits), "device_map": {"": device}}
    where = "bitsandbytes or torchao" if device.type == "cuda" else "torchao"
    raise UsageError(
        f"Model option quantization={bits} on {device.type} needs the package {where}, which is "
        f"not installed; `pip install {where.split()[0]} accelerate` brings it."
    )


def _bitsandbytes(bits: str, dtype: torch.dtype) -> Any:
    from transformers import BitsAndBytesConfig

    if bits == "int8":
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype
    )


def _torchao(bits: str) -> Any:
    from torchao.quantization import Int4WeightOnlyConfig, Int8WeightOnlyConfig
    from transformers import TorchAoConfig

    return TorchAoConfig(Int8WeightOnlyConfig() if bits == "int8" else Int4WeightOnlyConfig())
