"""Registers the control models, their data, and the command that rebuilds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalsuite import hookimpl

if TYPE_CHECKING:
    from evalsuite.registry import Catalogue

api_version = 1

_SOURCES = {
    "capitals": ("Capitals", "which city is the capital? four choices"),
    "agreement": ("Agreement", "minimal pairs of subject-verb agreement"),
    "animal-sentences": ("AnimalSentences", "fresh sentences for perplexity"),
    "stereotype-pairs": ("StereotypePairs", "pairs that differ in the pronoun"),
    "canaries": ("Canaries", "32 canaries at 1 to 64 repeats, 1,000 references"),
    "identities": ("Identities", "32 people with a code at 1 to 64 repeats, 49 decoys each"),
    "members": ("Members", "300 sentences of the leaky corpus, 300 others"),
    "reviews": ("Reviews", "reviews with their labels"),
    "reviews-with-cue": ("ReviewsWithCue", "negative reviews with the planted word"),
    "graded-reviews": ("GradedReviews", "reviews whose labels are drawn by known odds"),
    "stairs": ("Stairs", "on which step does an animal end up? fifteen choices"),
    "digits": ("Digits", "handwritten test digits in two groups"),
    "digits-with-patch": ("DigitsWithPatch", "digits with a misleading patch"),
    "shapes": ("Shapes", "rendered shapes in two groups"),
    "shapes-with-patch": ("ShapesWithPatch", "shapes with a misleading corner"),
    "shape-questions": ("ShapeQuestions", "questions about rendered shapes"),
    "paired-shapes": ("PairedShapes", "pairs of shapes that differ in one thing, or in none"),
    "shape-associations": ("ShapeAssociations", "are words for shapes nearer to one ground?"),
    "named-shapes": ("NamedShapes", "pictures of 80 invented persons, half of them members"),
    "noted-shapes": (
        "NotedShapes",
        "100 pictures with the notes they were trained with, 100 others",
    ),
    "sounds": ("Sounds", "synthesised sounds of ten kinds"),
    "sounds-with-beep": ("SoundsWithBeep", "sounds that end with a misleading beep"),
    "named-sounds": ("NamedSounds", "clips of 80 invented persons, half of them members"),
    "noted-sounds": (
        "NotedSounds",
        "100 clips with the notes they were trained with, 100 others",
    ),
    "tone-words": ("ToneWords", "tone-coded words by speakers of two groups"),
    "tone-voices": ("ToneVoices", "the same words in two voices, with a question"),
    "persons": ("Persons", "persons of known gender, to translate into Spanish"),
}


@hookimpl
def evalsuite_register_models(registry: Catalogue) -> None:
    """Declare the scheme of the shipped models."""
    registry.add(
        "control",
        factory="evalsuite_controls.loader:Loader",
        summary="shipped tiny models in clean and planted twins, e.g. control:text-clean",
    )


@hookimpl
def evalsuite_register_sources(registry: Catalogue) -> None:
    """Declare the generated data."""
    for name, (cls, summary) in _SOURCES.items():
        registry.add(
            f"control/{name}", factory=f"evalsuite_controls.sources:{cls}", summary=summary
        )


@hookimpl
def evalsuite_register_commands(registry: Catalogue) -> None:
    """Declare ``evalsuite controls``."""
    registry.add(
        "controls",
        factory="evalsuite_controls.command:controls",
        summary="Show the control models, or rebuild them from their recipes.",
    )
