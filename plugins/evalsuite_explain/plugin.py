"""Registers the explainability probes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalsuite import hookimpl

if TYPE_CHECKING:
    from evalsuite.registry import Catalogue

api_version = 1


@hookimpl
def evalsuite_register_probes(registry: Catalogue) -> None:
    """Declare the probes."""
    for name, factory, summary, modality in (
        (
            "text-faithfulness",
            "text:TextFaithfulness",
            "do the words an explainer names decide the label?",
            "text",
        ),
        (
            "shortcut-word",
            "text:ShortcutWord",
            "does the explainer find a word that the label was planted on?",
            "text",
        ),
        (
            "image-occlusion",
            "occlusion_probes:ImageOcclusion",
            "do the cells that occlusion names decide the class?",
            "image",
        ),
        (
            "shortcut-patch",
            "occlusion_probes:ShortcutPatch",
            "does occlusion find a patch that the class was planted on?",
            "image",
        ),
        (
            "audio-occlusion",
            "occlusion_probes:AudioOcclusion",
            "do the moments that occlusion names decide the class?",
            "audio",
        ),
    ):
        registry.add(
            f"explain/{name}",
            factory=f"evalsuite_explain.{factory}",
            summary=summary,
            tags=("explainability", modality),
        )
