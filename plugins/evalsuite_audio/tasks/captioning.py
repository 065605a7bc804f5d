"""Captions that a model writes of clips, against reference captions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from evalsuite import Card
from evalsuite.captions import CaptioningTask


@dataclass(frozen=True)
class Captioning(CaptioningTask):
    """Write a caption of every clip and compare it with the references.

    Args:
        prompt: What stands after the clip; may be empty.
        max_tokens: Longest caption.
    """

    prompt: str = "Describe the sound in one sentence."

    medium: ClassVar[Any] = "audio"
    name: ClassVar[str] = "audio/captioning"
    card: ClassVar[Card] = Card(
        measures="How close the captions that a model writes come to what people wrote about the "
        "same clip: CIDEr-D (n-grams that are rare elsewhere), BLEU-4 and ROUGE-L.",
        does_not_measure="Whether a caption is true or good in other words than the references. "
        "METEOR, SPICE and SPIDEr, the mean of SPICE and CIDEr-D, are left out: SPICE and its "
        "parser are Java programs. Published figures differ a little, since words are cut here "
        "by rules in Python.",
        reference="Vedantam et al. 2015 (CIDEr-D); Papineni et al. 2002; Lin 2004; on clips as in "
        "Drossos et al. 2020, ICASSP (Clotho)",
        critique="CIDEr-D depends on the set of clips that is evaluated together: figures of a "
        "subset and of the whole set do not compare.",
    )
