"""Registers the explainability probes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalsuite import hookimpl

if TYPE_CHECKING:
    from evalsuite.registry import Catalogue

api_version = 1

# Probe: where it is, the question it answers, the medium that is explained; none stands for all.
_PROBES = (
    (
        "attribution",
        "probes.attribution:Attribution",
        "which parts of an input does an answer hang on, and is that so?",
        "",
    ),
    (
        "shortcut-word",
        "probes.shortcuts:ShortcutWord",
        "does the explainer find a word that the label was planted on?",
        "text",
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
    ("sanity", "probes.sanity:Sanity", "is an explanation lost with the weights?", ""),
    (
        "random-logit",
        "probes.random_logit:RandomLogit",
        "is a label's explanation another one than another label's?",
        "",
    ),
    ("agreement", "probes.agreement:Agreement", "do explainers of an answer agree?", ""),
    (
        "image-localisation",
        "probes.localisation:ImageLocalisation",
        "does the explainer look where the named thing is?",
        "image",
    ),
    (
        "audio-localisation",
        "probes.localisation:AudioLocalisation",
        "does the explainer listen when the named sound is heard?",
        "audio",
    ),
    (
        "transcript-localisation",
        "probes.spoken_words:TranscriptLocalisation",
        "does the explainer listen when the word is spoken?",
        "audio",
    ),
    (
        "plausibility",
        "probes.plausibility:LabelPlausibility",
        "does a label's explanation look right to people?",
        "text",
    ),
    (
        "continuation-plausibility",
        "probes.plausibility:ContinuationPlausibility",
        "does a last word's explanation look right to people?",
        "text",
    ),
    (
        "early-answering",
        "probes.reasoning:EarlyAnswering",
        "does the answer need the whole reasoning?",
        "text",
    ),
    (
        "mistake-injection",
        "probes.reasoning:MistakeInjection",
        "does the answer follow a mistake in the reasoning?",
        "text",
    ),
    (
        "unmentioned-hint",
        "probes.reasoning:UnmentionedHint",
        "does the reasoning tell of the hint that moved the answer?",
        "text",
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
        "image-answer-gradients",
        "modality.gradient_shares:ImageAnswerGradients",
        "do an answer's gradients lie on the question or on the picture?",
        "image",
    ),
    (
        "audio-answer-gradients",
        "modality.gradient_shares:AudioAnswerGradients",
        "do an answer's gradients lie on the question or on the clip?",
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
)


@hookimpl
def evalsuite_register_probes(registry: Catalogue) -> None:
    """Declare the probes."""
    for name, where, question, medium in _PROBES:
        registry.add(
            f"explain/{name}",
            factory=f"evalsuite_explain.{where}",
            summary=question,
            tags=("explainability", medium)
            if medium
            else ("explainability", "text", "image", "audio"),
        )


@hookimpl
def evalsuite_register_report_sections(registry: Catalogue) -> None:
    """Declare the bars of the modalities."""
    registry.add("explain/modalities", factory="evalsuite_explain.modality.section:bars")
