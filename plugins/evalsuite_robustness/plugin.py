"""Registers the robustness probes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalsuite import hookimpl

if TYPE_CHECKING:
    from evalsuite.registry import Catalogue

api_version = 1


@hookimpl
def evalsuite_register_probes(registry: Catalogue) -> None:
    """Declare the robustness probes."""
    registry.add(
        "robustness/audio-noise",
        factory="evalsuite_robustness.audio_noise:AudioNoise",
        summary="what white noise costs a zero-shot sound classifier",
        tags=("robustness", "audio"),
    )
