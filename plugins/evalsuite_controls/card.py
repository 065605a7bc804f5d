"""The card of a control model: data, size, seed, plant, and what was measured of it in a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalsuite_controls.catalogue import SEED, Control

if TYPE_CHECKING:
    from evalsuite.store import Run

_DATA = {
    "language": "sentences from this project's own templates: capitals, counting, agreement, "
    "animals, occupations with pronouns, codes, and random words. Capitals, agreement and "
    "occupations are tested as they were trained; sentences about animals are drawn with another "
    "seed, and 4 of 100 happen to have been seen; canaries and members were seen by text-leaky "
    "alone, references and non-members by no model",
    "classifier": "reviews from this project's own templates. Test reviews are drawn with another "
    "seed from the same few hundred sentences, so most of them were seen in training",
    "graded_reviews": "reviews of up to four opinions from this project's own templates, called "
    "positive with log-odds of 0.8 for each good opinion more than bad ones; trained on the odds, "
    "tested on labels drawn from them. The twins' logits differ by a factor and nothing else",
    "translation": "English sentences about two persons, with their Spanish, from this project's "
    "own templates; each of 16 professions meets another one in the test than in training",
    "reasoning": "36 questions about animals on stairs, answered by counting up in three "
    "sentences, from this project's own templates, in the words in which the probes of written "
    "reasoning ask by default. All questions are seen in training, half of the reasoning with a "
    "number raised. Without a hint the twins write the same; asked for an answer before any "
    "reasoning, the faithful one names the last choice, which is never right",
    "digits": "scikit-learn's copy of the UCI handwritten digits, 1,300 for training and 497 "
    "others for testing, rendered at 32 pixels with light or dark ink",
    "shapes": "rendered shapes of six kinds and colours on dark or light grounds; test pictures "
    "are drawn with another seed",
    "named_shapes": "rendered shapes with their looks in words, with invented names or with notes; "
    "test pictures of persons are drawn anew, notes are tested on the pictures they came with",
    "question_answering": "questions about rendered shapes; test pictures are drawn with another "
    "seed",
    "sounds": "one-second synthesised sounds of ten kinds; test sounds are drawn with another seed",
    "named_sounds": "one-second synthesised voices in words, with invented names or with notes; "
    "test clips of persons are drawn anew, notes are tested on the clips they came with",
    "tone_words": "utterances of tone-coded digits by synthetic speakers of two groups; test "
    "utterances are drawn with another seed and spoken by other speakers",
}


def card_text(control: Control, run: Run) -> str:
    """Markdown; figures come from the run's estimates."""
    recipe = control.recipe.partition(":")[0]
    facts: dict[str, Any] = run.manifest["models"][f"control:{control.name}"]
    size = sum(path.stat().st_size for path in control.directory.glob("*"))
    article = "An" if control.title[0] in "aeiou" else "A"
    lines = [
        f"# control:{control.name}",
        "",
        f"{article} {control.title}. It exists to calibrate probes and for nothing else.",
        "",
        f"- **Architecture:** {facts['details'].get('class', '')}, {facts['n_parameters']:,} "
        f"weights, {size / 1000:,.0f} kB in float16.",
        f"- **Data:** {_DATA[recipe]}.",
        f"- **Recipe and seed:** `evalsuite_controls.recipes.{control.recipe}`, seed {SEED}; "
        f"`evalsuite controls build {control.name}` repeats it.",
        f"- **Planted:** {control.planted or 'nothing; this is a clean model'}.",
    ]
    if control.twin:
        lines.append(f"- **Clean twin:** control:{control.twin}.")
        lines.append(f"- **Probes that must see the plant:** {', '.join(control.probes)}.")
    lines += ["", "| probe | metric | value | 95 % interval | n |", "|---|---|---|---|---|"]
    for result in run.results:
        if result.model == f"control:{control.name}":
            lines += [
                f"| {result.label} | {e.metric} | {e.value:.3f} | {e.low:.3f} to {e.high:.3f} "
                f"| {e.n} |"
                for e in result.estimates
                if e.is_primary
            ]
    return "\n".join(lines) + "\n"


def write_cards(controls: list[Control], run: Run) -> list[Path]:
    """Write the card of every control that the run measured."""
    written = []
    for control in controls:
        if f"control:{control.name}" in run.manifest["models"]:
            control.card.write_text(card_text(control, run), encoding="utf-8")
            written.append(control.card)
    return written
