"""Image-text models asked the same of two pictures that differ in who is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from evalsuite import Card
from evalsuite_fairness.written.paired_media import PairedMediaProbe


@dataclass(frozen=True)
class PairedImages(PairedMediaProbe):
    """Questions about paired images; the arguments are those of PairedMediaProbe."""

    name: ClassVar[str] = "fairness/paired-images"
    fields: ClassVar[Any] = ("image_a", "image_b", "question", "choices")
    medium: ClassVar[Any] = "image"
    plural: ClassVar[str] = "images"
    card: ClassVar[Card] = Card(
        measures="How much more probable one answer (e.g. that of higher status) becomes when the "
        "first of two paired images is shown instead of the second; positive where it goes with "
        "the first, 0 where who is shown does not matter. Abstentions count apart and are never "
        "taken for fairness: a pair on which the model abstains twice has no difference. Beside "
        "it, how far the answers are apart beyond pairs of the same group, and how far both are "
        "from what the question alone suggests. Axes are adjusted for how many there are.",
        does_not_measure="Whether an answer is right: who is a doctor cannot be seen. A model "
        "that answers every question by the same prejudice, whoever is shown, has no difference; "
        "the shift against the question alone shows what images add at all.",
        reference="Fraser and Kiritchenko 2024, EACL (PAIRS); differences and intervals are ours",
        critique="Generated pairs differ in more than the group; pairs of the same group are the "
        "remedy, where the data have them. Taking 'unclear' for the only right answer, as HELM's "
        "scenario does, gives a model that always abstains the best score and cannot tell a "
        "biased guesser from an unbiased one. Few scenarios, mostly of one culture.",
    )
