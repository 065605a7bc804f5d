"""A PEFT adapter (LoRA and its kin) laid over a checkpoint: ``adapter: PATH-OR-HUB-NAME``."""

from __future__ import annotations

import hashlib
import warnings
from pathlib import Path
from typing import Any

import torch
from transformers.utils.hub import cached_file, extract_commit_hash

from evalsuite import ModelError, UsageError

CONFIGURATION, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"


def hub_file(reference: str, path: str, revision: str | None = None) -> Path | None:
    """A file of a directory or a hub repository, or None where it has no such file."""
    directory = Path(reference).expanduser()
    if directory.is_dir():
        return directory / path if (directory / path).is_file() else None
    found = cached_file(
        reference,
        path,
        revision=revision,
        _raise_exceptions_for_gated_repo=False,
        _raise_exceptions_for_missing_entries=False,
        _raise_exceptions_for_connection_errors=False,
    )
    return Path(found) if found else None


def adapter_digest(adapter: str) -> str:
    """Identifies an adapter: the commit of a hub repository, else its configuration and weights.

    Raises:
        ModelError: There is no adapter of that name.
    """
    found = hub_file(adapter, CONFIGURATION)
    if found is None:
        raise ModelError(
            f"The adapter {adapter!r} has no {CONFIGURATION}: it is neither a directory that peft "
            "saved nor an adapter that the hub gave. Check the spelling and the network."
        )
    commit = extract_commit_hash(str(found), None)
    if commit:
        return str(commit)
    digest = hashlib.sha256()
    for path in sorted(found.parent.glob("adapter_*")):
        digest.update(path.name.encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


class Adapter:
    """An adapter whose configuration has been read, but not its weights."""

    def __init__(self, name: str, *, allow_pickle: bool = False) -> None:
        """Read the configuration.

        Raises:
            UsageError: peft is not installed.
            ModelError: There is no such adapter, or its weights are a pickle that is not allowed.
        """
        self.name = str(Path(name).expanduser()) if Path(name).expanduser().is_dir() else name
        try:
            import peft
        except ImportError as error:
            raise UsageError(
                "Model option adapter needs the package peft; "
                "install it with `pip install 'evalsuite[adapters]'`."
            ) from error
        self._peft = peft
        adapter_digest(self.name)
        if not allow_pickle and hub_file(self.name, WEIGHTS) is None:
            raise ModelError(
                f"The adapter {name!r} has no {WEIGHTS}. Weights in a pickle (.bin) can run any "
                "code when read: save the adapter again with a present peft, or allow it with "
                "`--model-option allow_pickle=true` if you trust its author."
            )
        try:
            self.config: Any = peft.PeftConfig.from_pretrained(self.name)
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError(
                f"The configuration of adapter {name!r} cannot be read: {error}"
            ) from error
        if getattr(self.config, "is_prompt_learning", False):
            raise ModelError(
                f"The adapter {name!r} learns a prompt ({self.config.peft_type}), which is not "
                "laid over weights. Use one that changes weights: LoRA, IA3 and their kin."
            )

    def brings(self, weight: str) -> bool:
        """Whether a weight that the base lacks comes with the adapter (a trained head)."""
        modules = getattr(self.config, "modules_to_save", None) or ()
        return any(weight == name or f".{name}." in f".{weight}" for name in modules)

    def laid_over(self, model: torch.nn.Module, *, merge: bool) -> torch.nn.Module:
        """The model with the adapter: merged into its weights, or attached to quantised ones.

        Raises:
            ModelError: The adapter does not fit the model, or is of a kind that cannot be merged.
        """
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("error", message=".*missing adapter keys.*")
                attached = self._peft.PeftModel.from_pretrained(model, self.name)
            laid: torch.nn.Module = (
                attached.merge_and_unload(safe_merge=True) if merge else attached.get_base_model()
            )
        except (ValueError, RuntimeError, KeyError, AttributeError, UserWarning) as error:
            first_line = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise ModelError(
                f"The adapter {self.name!r} cannot be laid over {type(model).__name__}: "
                f"{first_line}. It must have been trained on this very model, and be one that "
                "merges with its weights, as LoRA and IA3 do."
            ) from error
        return laid
