"""manifest.json: under which circumstances the numbers of a run were made."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from evalsuite.plan import Plan
from evalsuite.registry import Registry

PACKAGES = (
    "evalsuite",
    "torch",
    "torchaudio",
    "torchvision",
    "transformers",
    "open-clip-torch",
    "fairlearn",
    "captum",
    "lm-eval",
    "numpy",
    "scipy",
    "scikit-learn",
    "jiwer",
)


def make_manifest(
    plan: Plan,
    registry: Registry,
    models: Mapping[str, Any],
    started: float,
    complete: bool,
) -> dict[str, Any]:
    """Everything a reader needs to judge or repeat a run."""
    return {
        "complete": complete,
        "started": datetime.fromtimestamp(started, UTC).isoformat(timespec="seconds"),
        "seconds": round(time.time() - started, 3),
        "command": plan.command,
        "seed": plan.seed,
        "models": dict(models),
        "versions": package_versions(),
        "plugins": [
            {"name": p.name, "distribution": p.distribution, "version": p.version, "error": p.error}
            for p in registry.plugins
        ],
        "hardware": hardware(),
        "git": git_state(),
    }


def package_versions() -> dict[str, str]:
    """Versions of Python and of the packages that numbers depend on."""
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


def hardware() -> dict[str, Any]:
    """Processor, memory and accelerators, without the machine's name."""
    facts: dict[str, Any] = {
        "system": platform.system(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
    }
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
        facts["memory_gib"] = round(pages * size / 2**30, 1)
    facts["accelerators"] = _accelerators()
    return facts


def _accelerators() -> list[str]:
    """Names of CUDA devices, asked of torch only when something already imported it."""
    import sys

    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return []
    return [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]


def git_state() -> dict[str, Any] | None:
    """Commit of the working directory and whether it is dirty; None outside a repository."""
    try:
        commit = subprocess.run(
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=10, check=True
        ).stdout.strip()
        dirty = subprocess.run(
            ["git", "status", "--porcelain"], capture_output=True, text=True, timeout=10, check=True
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
    return {"commit": commit, "dirty": bool(dirty)}
