"""Audio-text retrieval, both ways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from evalsuite import Card, EmbedAudio, EmbedText
from evalsuite.retrieval import RetrievalTask


@dataclass(frozen=True)
class Retrieval(RetrievalTask):
    """Find the captions of a clip among all captions, and the clip of a caption."""

    medium: ClassVar[str] = "audio"
    caption_field: ClassVar[str] = "captions"
    name: ClassVar[str] = "audio/retrieval"
    needs: ClassVar[Any] = (EmbedAudio, EmbedText)
    card: ClassVar[Card] = Card(
        measures="How high the captions of a clip rank among all captions of the data, and the "
        "clip of a caption among all clips.",
        does_not_measure="Absolute quality: figures fall as the pool grows, so they compare only "
        "on the same data.",
        reference="Koepke et al. 2022, IEEE Trans. Multimedia (audio retrieval with natural "
        "language); mAP@10 as in DCASE 2022, task 6b; ties as in McSherry and Najork 2008",
        critique="Equal captions and equal clips count as right answers of each other; other "
        "captions that would also fit count as wrong.",
    )
