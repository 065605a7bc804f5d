"""Which device and number format a model runs in."""

from __future__ import annotations

import torch

from evalsuite import LoadSettings, UsageError
from evalsuite_transformers.attention import mend_attention

_DTYPES = {
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
}


def resolve_device(settings: LoadSettings) -> torch.device:
    """The device to run on; ``auto`` takes CUDA, then Apple's MPS, then the CPU.

    Raises:
        UsageError: The name is not a device, or the device is not on this machine.
    """
    name = settings.device
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        device = torch.device("meta")
    if device.type not in ("cpu", "cuda", "mps"):
        raise UsageError(f"device must be auto, cpu, cuda, cuda:N or mps (got {name!r}).")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UsageError(
            f"device {name!r} was asked for, but this machine has {torch.cuda.device_count()} "
            "CUDA devices. `evalsuite doctor` shows what there is."
        )
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise UsageError("device 'mps' was asked for, but torch finds no Apple GPU here.")
    return device


def resolve_dtype(settings: LoadSettings, device: torch.device) -> torch.dtype:
    """The weights' number format; ``auto`` is float32 on CPU and bfloat16 on an accelerator.

    Scores are summed in float32 whatever the weights are.
    """
    if settings.dtype == "auto":
        return torch.float32 if device.type == "cpu" else torch.bfloat16
    try:
        return _DTYPES[settings.dtype]
    except KeyError:
        raise UsageError(
            f"dtype must be auto, {', '.join(_DTYPES)} (got {settings.dtype!r})."
        ) from None


def apply_settings(settings: LoadSettings, n_parameters: int) -> None:
    """Set what holds for the whole process: right numbers on GPUs, and torch's CPU threads.

    By default torch rounds what goes into convolutions on NVIDIA GPUs to 10 bits (TF32) where
    float32 was asked for; recognisers and image towers would then differ from the CPU's in the
    third digit. What its attention gets wrong there is told in ``attention``.

    Threads are as asked, else one for tiny models.

    On a busy machine two threads were measured to be up to fifty times slower than one for models
    of under a few million weights, because every small matrix product waits for both.
    """
    torch.backends.cudnn.allow_tf32 = False
    mend_attention()
    if settings.threads:
        torch.set_num_threads(settings.threads)
    elif n_parameters < 5_000_000:
        torch.set_num_threads(1)
