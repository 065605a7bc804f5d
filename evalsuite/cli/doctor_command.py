"""``evalsuite doctor``: what this machine has, to paste into an issue."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import click

from evalsuite.cli.conventions import answer, json_option, plain_table, print_json
from evalsuite.errors import PluginError
from evalsuite.executor import cache_directory
from evalsuite.manifest import hardware, package_versions
from evalsuite.registry import import_object, installed


@click.command("doctor", short_help="Show what this machine has.")
@json_option
def command(as_json: bool) -> None:
    """Show versions, devices, codecs, folders and broken plugins."""
    facts = examine()
    if as_json:
        print_json(facts)
        return
    table = plain_table("what", "found")
    for section, values in facts.items():
        for name, value in values.items():
            table.add_row(f"{section}: {name}", str(value))
    answer().print(table)


def examine() -> dict[str, dict[str, Any]]:
    """Everything that doctor prints."""
    import_error = _import_torch()
    return {
        "versions": package_versions(),
        "hardware": hardware(),
        "torch": import_error or _torch_facts(),
        "audio": _audio_facts(),
        "folders": _folders(),
        "plugins": {p.name: p.error or f"ok ({p.version})" for p in installed().plugins},
    }


def _import_torch() -> dict[str, Any] | None:
    try:
        import_object("torch:Tensor")
    except PluginError as error:
        return {"import": str(error)}
    return None


def _torch_facts() -> dict[str, Any]:
    import torch

    facts: dict[str, Any] = {"threads": torch.get_num_threads()}
    for index in range(torch.cuda.device_count()):
        facts[f"cuda:{index}"] = torch.cuda.get_device_name(index)
    facts["mps"] = torch.backends.mps.is_available()
    for package in ("torchvision", "torchaudio"):
        try:
            import_object(f"{package}:__version__")
            facts[package] = "imports"
        except PluginError as error:  # a build for another torch
            facts[package] = str(error)
    return facts


def _audio_facts() -> dict[str, Any]:
    try:
        formats = sorted(import_object("soundfile:available_formats")())
    except PluginError as error:
        return {"soundfile": str(error)}
    return {"reads": ", ".join(formats)}


def _folders() -> dict[str, Any]:
    found = {}
    for name, path in (("current", Path()), ("cache", cache_directory())):
        existing = next(p for p in (path.resolve(), *path.resolve().parents) if p.exists())
        writable = "writable" if os.access(existing, os.W_OK) else "NOT writable"
        free = shutil.disk_usage(existing).free / 2**30
        found[name] = f"{path} ({writable}, {free:.1f} GiB free)"
    return found
