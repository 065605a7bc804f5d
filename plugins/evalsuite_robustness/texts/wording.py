"""The same question in other words around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evalsuite_robustness.texts.change import TextChange

PLACE = "{}"
WORDINGS: Mapping[str, str] = {
    "headed": "Here is what this is about:\n{}",
    "polite": "Could you please look at the following? {} Thank you!",
    "terse": "Now: {}",
    "quoted": '"{}"',
    "careful": "Read this carefully before you decide. {}",
    "forwarded": "A colleague passed this on to me: {}",
}


@dataclass(frozen=True)
class Wording(TextChange):
    """Neutral words around each text, which change nothing of what is asked.

    Args:
        wording: One of headed, polite, terse, quoted, careful, forwarded.
    """

    wording: str = "headed"

    name: ClassVar[str] = "text/wording"
    dial: ClassVar[str] = "wording"
    sweep: ClassVar[tuple[str, ...]] = tuple(WORDINGS)
    about: ClassVar[str] = (
        "Neutral words around the question (spread over formats: Sclar et al. 2024, ICLR). For "
        "other wordings of a whole prompt, see `other_prompts` of the text probes."
    )

    def __post_init__(self) -> None:
        """Refuse a wording that there is not."""
        if self.wording not in WORDINGS:
            raise ValueError(f"wording must be one of {', '.join(WORDINGS)} (got {self.wording!r})")

    def text(self, text: str, rng: np.random.Generator) -> str:
        """The words around it."""
        return WORDINGS[self.wording].replace(PLACE, text)


@dataclass(frozen=True)
class Template(TextChange):
    """Words of one's own around each text.

    Args:
        template: With ``{}`` in the place of the text.
    """

    template: str = PLACE

    name: ClassVar[str] = "text/template"
    about: ClassVar[str] = "The texts named by `fields` within a `template` of one's own."

    def __post_init__(self) -> None:
        """Refuse a template without a place."""
        if self.template.count(PLACE) != 1:
            raise ValueError(f"template must hold {{}} once (got {self.template!r})")

    def text(self, text: str, rng: np.random.Generator) -> str:
        """The template with the text in its place."""
        return self.template.replace(PLACE, text)
