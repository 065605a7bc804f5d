"""Registers the explainability probes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalsuite import hookimpl

if TYPE_CHECKING:
    from evalsuite.registry import Catalogue

api_version = 1

# Probe: where it is, the question it answers, the medium that is explained.
_PROBES = (
    (
        "text-faithfulness",
        "text:TextFaithfulness",
        "do the words an explainer names decide the label?",
        "text",
    ),
    (
        "image-occlusion",
        "occlusion:ImageOcclusion",
        "do the cells an explainer names decide the class?",
        "image",
    ),
    (
        "audio-occlusion",
        "occlusion:AudioOcclusion",
        "do the cells an explainer names decide the class?",
        "audio",
    ),
    (
        "shortcut-word",
        "shortcuts:ShortcutWord",
        "does the explainer find a word that the label was planted on?",
        "text",
    ),
    (
        "shortcut-patch",
        "shortcuts:ShortcutPatch",
        "does the explainer find a patch that the class was planted on?",
        "image",
    ),
    (
        "shortcut-tone",
        "shortcuts:ShortcutTone",
        "does the explainer find a tone that the class was planted on?",
        "audio",
    ),
    (
        "text-fidelity",
        "fidelity:TextFidelity",
        "do the scores of words foresee the label's probability?",
        "text",
    ),
    (
        "continuation-fidelity",
        "fidelity:ContinuationFidelity",
        "do the scores of words foresee what follows?",
        "text",
    ),
    (
        "image-fidelity",
        "fidelity:ImageFidelity",
        "do the scores of cells foresee the class's probability?",
        "image",
    ),
    (
        "audio-fidelity",
        "fidelity:AudioFidelity",
        "do the scores of cells foresee the class's probability?",
        "audio",
    ),
    (
        "transcript-fidelity",
        "fidelity:TranscriptFidelity",
        "do the scores of moments foresee which words are heard?",
        "audio",
    ),
    ("text-sanity", "sanity:TextSanity", "is a label's explanation lost with the weights?", "text"),
    (
        "continuation-sanity",
        "sanity:ContinuationSanity",
        "is a continuation's explanation lost with the weights?",
        "text",
    ),
    (
        "image-sanity",
        "sanity:ImageSanity",
        "is a picture's explanation lost with the weights?",
        "image",
    ),
    (
        "audio-sanity",
        "sanity:AudioSanity",
        "is a clip's explanation lost with the weights?",
        "audio",
    ),
    ("text-agreement", "agreement:TextAgreement", "do explainers of a label agree?", "text"),
    (
        "continuation-agreement",
        "agreement:ContinuationAgreement",
        "do explainers of a continuation agree?",
        "text",
    ),
    (
        "image-agreement",
        "agreement:ImageAgreement",
        "do explainers of a picture's class agree?",
        "image",
    ),
    (
        "audio-agreement",
        "agreement:AudioAgreement",
        "do explainers of a clip's class agree?",
        "audio",
    ),
    (
        "image-localisation",
        "localisation:ImageLocalisation",
        "does the explainer look where the named thing is?",
        "image",
    ),
    (
        "audio-localisation",
        "localisation:AudioLocalisation",
        "does the explainer listen when the named sound is heard?",
        "audio",
    ),
    (
        "plausibility",
        "plausibility:LabelPlausibility",
        "does a label's explanation look right to people?",
        "text",
    ),
    (
        "continuation-plausibility",
        "plausibility:ContinuationPlausibility",
        "does a last word's explanation look right to people?",
        "text",
    ),
    (
        "early-answering",
        "reasoning:EarlyAnswering",
        "does the answer need the whole reasoning?",
        "text",
    ),
    (
        "mistake-injection",
        "reasoning:MistakeInjection",
        "does the answer follow a mistake in the reasoning?",
        "text",
    ),
    (
        "unmentioned-hint",
        "reasoning:UnmentionedHint",
        "does the reasoning tell of the hint that moved the answer?",
        "text",
    ),
)


@hookimpl
def evalsuite_register_probes(registry: Catalogue) -> None:
    """Declare the probes."""
    for name, where, question, medium in _PROBES:
        registry.add(
            f"explain/{name}",
            factory=f"evalsuite_explain.probes.{where}",
            summary=question,
            tags=("explainability", medium),
        )
