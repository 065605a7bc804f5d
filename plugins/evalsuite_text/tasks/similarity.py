"""Semantic textual similarity: does the cosine of two sentences follow people's judgement?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evalsuite import Card, EmbedText, Metric, Probe, Sample
from evalsuite_text.metrics.correlation import Pearson, Spearman


@dataclass(frozen=True)
class SentenceSimilarity(Probe):
    """Correlate the cosine of two sentences' vectors with the field ``score``."""

    name: ClassVar[str] = "text/sts"
    family: ClassVar[Any] = "representation"
    needs: ClassVar[Any] = (EmbedText,)
    fields: ClassVar[Any] = ("sentence1", "sentence2", "score")
    card: ClassVar[Card] = Card(
        measures="Correlation of the cosine of two sentences' vectors with graded human "
        "judgements of their similarity, by rank (Spearman) and linearly (Pearson).",
        does_not_measure="Whether a cosine means the same for every pair; only order counts.",
        reference="Cer et al. 2017, SemEval task 1; Reimers et al. 2016 on rank correlation",
        critique="What people call similar differs from task to task.",
    )
    metrics: ClassVar[Sequence[Metric]] = (Spearman(primary=True), Pearson())

    def ask(self, sample: Sample, context: Any) -> Any:
        """Embed both sentences."""
        first, second = yield (
            EmbedText(str(sample["sentence1"])),
            EmbedText(str(sample["sentence2"])),
        )
        one, other = (np.asarray(found.vector, dtype=float) for found in (first, second))
        length = float(np.linalg.norm(one) * np.linalg.norm(other))
        return {
            "similarity": float(one @ other) / length if length else None,
            "score": float(sample["score"]),
        }
