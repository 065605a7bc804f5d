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
            "probes.text:TextFaithfulness",
            "do the words an explainer names decide the label?",
            "text",
        ),
        (
            "shortcut-word",
            "probes.shortcuts:ShortcutWord",
            "does the explainer find a word that the label was planted on?",
            "text",
        ),
        (
            "image-occlusion",
            "probes.occlusion:ImageOcclusion",
            "do the cells that occlusion names decide the class?",
            "image",
        ),
        (
            "shortcut-patch",
            "probes.shortcuts:ShortcutPatch",
            "does the explainer find a patch that the class was planted on?",
            "image",
        ),
        (
            "shortcut-tone",
            "probes.shortcuts:ShortcutTone",
            "does the explainer find a tone that the class was planted on?",
            "audio",
        ),
        (
            "audio-occlusion",
            "probes.occlusion:AudioOcclusion",
            "do the moments that occlusion names decide the class?",
            "audio",
        ),
        (
            "image-answer-modality",
            "modality.answered:ImageAnswerModality",
            "does an answer rest on the question or on the picture?",
            "image",
        ),
        (
            "audio-answer-modality",
            "modality.answered:AudioAnswerModality",
            "does an answer rest on the question or on the clip?",
            "audio",
        ),
        (
            "image-additive",
            "modality.additive:ImageAdditive",
            "how much accuracy needs question and picture together?",
            "image",
        ),
        (
            "audio-additive",
            "modality.additive:AudioAdditive",
            "how much accuracy needs question and clip together?",
            "audio",
        ),
        (
            "image-match-modality",
            "modality.matched:ImageMatchModality",
            "does a match rest on the words or on the picture?",
            "image",
        ),
        (
            "audio-match-modality",
            "modality.matched:AudioMatchModality",
            "does a match rest on the words or on the sound?",
            "audio",
        ),
    ):
        registry.add(
            f"explain/{name}",
            factory=f"evalsuite_explain.{factory}",
            summary=summary,
            tags=("explainability", modality),
        )


@hookimpl
def evalsuite_register_report_sections(registry: Catalogue) -> None:
    """Declare the bars of the modalities."""
    registry.add("explain/modalities", factory="evalsuite_explain.modality.section:bars")
