"""A transformers checkpoint: its configuration, its weights loaded completely, its fingerprint.

The same path serves a hub name (``gpt2``) and a local directory (``./my-model``).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import torch
from huggingface_hub.utils import logging as hub_logging
from transformers import (
    AutoConfig,
    AutoFeatureExtractor,
    AutoProcessor,
    AutoTokenizer,
    PreTrainedConfig,
)
from transformers.utils import logging as transformers_logging

from evalsuite import LoadSettings, ModelError, UsageError
from evalsuite_transformers.adapter import CONFIGURATION, Adapter, adapter_digest, hub_file
from evalsuite_transformers.allocator import keep_freed_memory
from evalsuite_transformers.device import apply_settings, resolve_device, resolve_dtype
from evalsuite_transformers.quantization import quantization_arguments, quantization_of

COMMON_OPTIONS = frozenset(
    {"trust_remote_code", "allow_pickle", "revision", "adapter", "quantization"}
)

Options = TypeVar("Options")
# Keeps transformers from laying an adapter over the model by itself: it would then report which
# weights the adapter lacks, and no longer which the base lacks.
_WITHOUT_ADAPTER = {"subfolder": "no-adapter-here"}


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint whose configuration has been read, but not its weights."""

    reference: str
    config: PreTrainedConfig
    settings: LoadSettings

    @property
    def hub_arguments(self) -> dict[str, Any]:
        """Keyword arguments that every ``from_pretrained`` call of this checkpoint takes."""
        options = self.settings.options
        arguments: dict[str, Any] = {
            "trust_remote_code": bool(options.get("trust_remote_code", False))
        }
        if options.get("revision"):
            arguments["revision"] = str(options["revision"])
        return arguments

    @cached_property
    def revision(self) -> str:
        """Commit of a hub checkpoint (none for a directory), and what is laid over the weights.

        An adapter adds ``+adapter:DIGEST``, quantisation ``+int8`` or ``+int4``. Fingerprints
        take this in, so that answers of the bare model are never taken for those of another.
        """
        commit = str(getattr(self.config, "_commit_hash", None) or "")
        if self.adapter:
            commit += f"+adapter:{adapter_digest(self.adapter)}"
        bits = quantization_of(self.settings)
        return f"{commit}+{bits}" if bits else commit

    @property
    def adapter(self) -> str:
        """Directory or hub name of the adapter asked for, or empty."""
        return str(self.settings.options.get("adapter") or "")

    def file(self, path: str) -> Path | None:
        """A further file of the checkpoint, fetched if need be; None where it has none."""
        return hub_file(self.reference, path, self.settings.options.get("revision"))

    def options_of(self, kind: type[Options]) -> Options:
        """The model options as a kind's own dataclass; raises UsageError for unknown ones."""
        names = [field.name for field in fields(kind)]
        self.refuse_unknown_options(frozenset(names))
        given = self.settings.options
        return kind(**{name: given[name] for name in names if name in given})

    def refuse_unknown_options(self, known: frozenset[str] = frozenset()) -> None:
        """Raise UsageError for a model option that this kind does not have."""
        allowed = COMMON_OPTIONS | known
        unknown = sorted(set(self.settings.options) - allowed)
        if unknown:
            raise UsageError(
                f"Model {self.reference!r} has no option {', '.join(map(repr, unknown))}; "
                f"its options are {', '.join(sorted(allowed))}."
            )


def is_directory_reference(reference: str) -> bool:
    """Whether a reference means a local path: it exists, or looks like one."""
    path = Path(reference).expanduser()
    return path.exists() or reference.startswith((".", "/", "~")) or path.is_absolute()


def open_checkpoint(reference: str, settings: LoadSettings) -> Checkpoint:
    """Read a checkpoint's configuration; no weights.

    Raises:
        ModelError: There is no such directory or hub model, or it has no readable configuration.
    """
    transformers_logging.disable_progress_bar()
    name = reference
    if is_directory_reference(reference):
        directory = Path(reference).expanduser()
        if not directory.is_dir():
            raise ModelError(f"Model directory {reference!r} does not exist.")
        if not (directory / "config.json").is_file():
            raise ModelError(
                f"Model directory {reference!r} has no config.json; it must be one that "
                "`save_pretrained` wrote."
            )
        name = str(directory)
    probe = Checkpoint(name, PreTrainedConfig(), settings)
    try:
        config = AutoConfig.from_pretrained(name, **probe.hub_arguments)
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(_why_unreadable(reference, error)) from error
    return Checkpoint(name, config, settings)


def _why_unreadable(reference: str, error: Exception) -> str:
    """One paragraph for a configuration that could not be read."""
    if "trust_remote_code" in str(error):
        return (
            f"Model {reference!r} brings its own Python code. Read that code, then allow it with "
            "`--model-option trust_remote_code=true` if you trust it."
        )
    first_line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return (
        f"Model {reference!r} could not be found: it is no directory here, and the hub gave no "
        f"configuration for that name ({first_line}). Check the spelling, the network, and, for a "
        "gated model, that you are logged in."
    )


def load_weights(auto_class: Any, checkpoint: Checkpoint, **extra: Any) -> torch.nn.Module:
    """Load a model completely, in evaluation mode, on the device and in the dtype asked for.

    Safetensors only, unless the option ``allow_pickle`` is set: a pickle can run any code. The
    option ``quantization`` rounds the weights; an adapter in the checkpoint's own folder, then the
    one of the option ``adapter``, is laid over them.

    Raises:
        ModelError: There are no weights, or some are missing (a head that would be random); or it
            is an adapter on the hub.
        UsageError: A package that an option needs is not installed.
    """
    settings = checkpoint.settings
    device = resolve_device(settings)
    dtype = resolve_dtype(settings, device)
    safe_only = not settings.options.get("allow_pickle", False)
    adapters = _adapters(checkpoint, safe_only)
    rounded = quantization_arguments(quantization_of(settings), device, dtype)
    try:
        model, report = auto_class.from_pretrained(
            checkpoint.reference,
            config=checkpoint.config,
            dtype=dtype,
            use_safetensors=True if safe_only else None,
            output_loading_info=True,
            adapter_kwargs=_WITHOUT_ADAPTER if adapters else None,
            **checkpoint.hub_arguments,
            **rounded,
            **extra,
        )
    except (OSError, ValueError, RuntimeError, ImportError) as error:
        raise ModelError(_why_unloadable(checkpoint, error, safe_only)) from error
    _refuse_incomplete(checkpoint, report, adapters)
    for adapter in adapters:
        model = adapter.laid_over(model, merge=not rounded)
    model = model.eval() if rounded else model.eval().to(device)
    apply_settings(settings, sum(weight.numel() for weight in model.parameters()))
    if device.type == "cpu":
        keep_freed_memory()
    return model


def _adapters(checkpoint: Checkpoint, safe_only: bool) -> tuple[Adapter, ...]:
    """The adapter in the checkpoint's own folder, then the one that was asked for."""
    names = [checkpoint.adapter] if checkpoint.adapter else []
    if checkpoint.file(CONFIGURATION) is not None:
        if not Path(checkpoint.reference).is_dir():
            raise ModelError(
                f"{checkpoint.reference!r} is an adapter on the hub. Name the model that it was "
                "trained on, and lay it over that: "
                f"`--model-option adapter={checkpoint.reference}`."
            )
        names = [checkpoint.reference, *names]
    return tuple(Adapter(name, allow_pickle=not safe_only) for name in names)


def load_tokenizer(checkpoint: Checkpoint) -> Any:
    """The checkpoint's tokenizer; raises ModelError when there is none."""
    return _load_reader(AutoTokenizer, "tokenizer", checkpoint)


def load_processor(checkpoint: Checkpoint) -> Any:
    """The checkpoint's processor of images or audio; raises ModelError when there is none."""
    return _load_reader(AutoProcessor, "processor", checkpoint)


def load_feature_extractor(checkpoint: Checkpoint) -> Any:
    """The checkpoint's feature extractor of audio; raises ModelError when there is none."""
    return _load_reader(AutoFeatureExtractor, "feature extractor", checkpoint)


def _load_reader(auto_class: Any, noun: str, checkpoint: Checkpoint) -> Any:
    try:
        return auto_class.from_pretrained(checkpoint.reference, **checkpoint.hub_arguments)
    except (OSError, ValueError, KeyError, TypeError, ImportError) as error:
        first_line = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelError(
            f"The {noun} of model {checkpoint.reference!r} could not be loaded: {first_line}"
        ) from error


def _why_unloadable(checkpoint: Checkpoint, error: Exception, safe_only: bool) -> str:
    directory = Path(checkpoint.reference)
    if safe_only and directory.is_dir() and list(directory.glob("*.bin")):
        return (
            f"Model {checkpoint.reference!r} has its weights only as a pickle (.bin), which can "
            "run any code when read. Convert it to safetensors, or allow it with "
            "`--model-option allow_pickle=true` if you trust its author."
        )
    first_line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return f"The weights of model {checkpoint.reference!r} could not be loaded: {first_line}"


def _refuse_incomplete(
    checkpoint: Checkpoint, report: dict[str, Any], adapters: Sequence[Adapter]
) -> None:
    """Raise when any weight would have been initialised at random."""
    missing = sorted(map(str, report.get("missing_keys") or ()))
    missing = [name for name in missing if not any(a.brings(name) for a in adapters)]
    mismatched = sorted(str(item[0]) for item in report.get("mismatched_keys") or ())
    wrong = missing + mismatched
    if wrong:
        shown = ", ".join(wrong[:5]) + (f" and {len(wrong) - 5} more" if len(wrong) > 5 else "")
        raise ModelError(
            f"Model {checkpoint.reference!r} lacks {len(wrong)} of its weights ({shown}); they "
            "would be random numbers, so nothing it said would mean anything. Use a checkpoint "
            "that was saved with this head."
        )


def fingerprint(
    reference: str, revision: str, dtype: torch.dtype, *facts: object, version: str = ""
) -> str:
    """Sha256 that changes with the weights, configuration, tokenizer, dtype and plugin version.

    A hub checkpoint at a known commit is identified by that commit; a directory by the bytes of
    all its files. ``revision`` also names what was laid over the weights.
    """
    digest = hashlib.sha256(repr((str(dtype), version, *map(str, facts))).encode())
    directory = Path(reference)
    if directory.is_dir():
        for path in sorted(p for p in directory.rglob("*") if p.is_file()):
            digest.update(str(path.relative_to(directory)).encode())
            digest.update(file_sha256(path).encode())
        digest.update(revision.encode())
    else:
        digest.update(f"{reference}@{revision}".encode())
    return digest.hexdigest()


def file_sha256(path: Path) -> str:
    """Sha256 of one file, read in blocks."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def quiet() -> None:
    """Keep transformers from writing progress bars and advice to the user's terminal."""
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
    hub_logging.set_verbosity_error()
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
