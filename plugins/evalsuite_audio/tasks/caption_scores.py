"""How well given captions fit their clips, by a dual encoder: CLAPScore."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evalsuite import Card, DataError, EmbedAudio, EmbedText, Sample
from evalsuite.captions import EncoderScoresTask, cosine


@dataclass(frozen=True)
class ClapScore(EncoderScoresTask):
    """Compare the vectors of given captions with that of their clip.

    The score of a clip is the mean, over its captions, of the cosine of both vectors: neither cut
    at 0 nor multiplied, as CLIPScore is. Range [-1, 1]; higher is better.

    Args:
        caption: Field with the caption to judge, or a list of them.
        prefix: What stands before every caption.
    """

    caption: str = "captions"

    medium: ClassVar[str] = "audio"
    scored: ClassVar[Mapping[str, str]] = {"clap_score": "CLAPScore"}
    name: ClassVar[str] = "audio/caption-scores"
    needs: ClassVar[Any] = (EmbedAudio, EmbedText)
    card: ClassVar[Card] = Card(
        measures="How close given captions lie to their clips in the space of the evaluated dual "
        "encoder, as a cosine, against the same captions on other clips.",
        does_not_measure="The quality of the encoder as a judge: scores of different encoders do "
        "not compare, and the order of events hardly moves them.",
        reference="Huang et al. 2023, ICML (Make-An-Audio), and Xiao et al. 2024 (CLAPScore): the "
        "plain cosine, where CLIPScore (Hessel et al. 2021) is 2.5 max(cos, 0)",
        critique="A caption that names what is heard scores well even when its sentence is wrong.",
    )

    def captions_of(self, sample: Sample) -> list[str]:
        """The captions to judge, from one text or a list; raises DataError for none."""
        value = sample[self.caption]
        captions = [value] if isinstance(value, str) else list(value or ())
        if not captions or not all(isinstance(caption, str) for caption in captions):
            raise DataError(
                f"{self.caption} must be a text or a list of texts, at least one (got {value!r})"
            )
        return captions

    def scores_of(
        self, record: Mapping[str, Any], other: Mapping[str, Any]
    ) -> Mapping[str, float | None]:
        """The mean cosine; an empty caption scores -1, the worst, whatever vector it has."""
        cosines = [cosine(other["_medium"], caption) for caption in record["_captions"]]
        score = float(np.mean(np.where(record["_is_empty"], -1.0, cosines)))
        return {"clap_score": None if np.isnan(score) else score}
