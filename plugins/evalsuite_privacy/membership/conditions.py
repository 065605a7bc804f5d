"""What a model is shown before the text that a sample is about."""

from __future__ import annotations

from typing import Any

from evalsuite import Sample
from evalsuite.content import Content, as_content


def shown_before(sample: Sample, medium: str, prompt: str) -> Content:
    """A sample's picture or clip, then what is said; an empty text where there is neither.

    Args:
        sample: The sample.
        medium: Field of the picture or clip; empty for none.
        prompt: Field of what is said; a sample may lack it.
    """
    told = str(sample.get(prompt) or "")
    media: tuple[Any, ...] = (sample[medium],) if medium else ()
    return as_content((*media, *((told,) if told or not media else ())))
