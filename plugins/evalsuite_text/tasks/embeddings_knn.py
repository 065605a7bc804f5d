"""Sentence vectors: does nearness in the model's space mean the same class?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from evalsuite import Card, EmbedText, Metric, Null, Probe, Proportion, Sample
from evalsuite.classification.agreement import BalancedAccuracy, MacroF1

# Cosines of this many queries with all neighbours are held at a time.
BLOCK = 512


@dataclass(frozen=True)
class NearestNeighbours(Probe):
    """Give each text the label of most of its k nearest neighbours, by cosine.

    Args:
        k: How many neighbours vote.
        split: Field that tells texts to learn from (``train``) from those to classify (any other
            value); empty to leave out one text at a time.
    """

    k: int = 5
    split: str = ""

    name: ClassVar[str] = "text/embedding-knn"
    family: ClassVar[Any] = "representation"
    needs: ClassVar[Any] = (EmbedText,)
    fields: ClassVar[Any] = ("text", "label")
    card: ClassVar[Card] = Card(
        measures="How often most of the nearest texts, by the cosine of their vectors, have the "
        "right label, against always saying the most frequent one.",
        does_not_measure="What a trained classifier could read from the vectors.",
        reference="Cover and Hart 1967; as a probe of representations, Wu et al. 2018, CVPR",
        critique="In high dimensions a few texts are neighbours of very many (hubs).",
    )
    metrics: ClassVar[Sequence[Metric]] = (
        Proportion(
            "correct",
            name="accuracy",
            null=Null(0.0, margin=0.02, side="above", why="always the most frequent label"),
            chance="majority_share",
            direction="higher is better",
            primary=True,
        ),
        BalancedAccuracy(margin=0.02),
        MacroF1(margin=0.02),
    )

    def __post_init__(self) -> None:
        """Refuse a number of neighbours below one."""
        if self.k < 1:
            raise ValueError(f"k must be at least 1 (got {self.k})")

    def ask(self, sample: Sample, context: Any) -> Any:
        """Embed one text."""
        text = str(sample["text"])
        found = yield EmbedText(text)
        is_known = bool(self.split) and str(sample[self.split]) == "train"
        return {
            "vector": np.asarray(found.vector, dtype=np.float32),
            "text": text,
            "target": str(sample["label"]),
            "role": "neighbour only" if is_known else "classified",
        }

    def tabulate(
        self, records: Sequence[Mapping[str, Any]], context: Any, rng: np.random.Generator
    ) -> Sequence[Mapping[str, Any]]:
        """Let the neighbours vote; a text is never the neighbour of its own copy.

        The neighbours of a text are the training texts, or without a split all others. Equal
        votes go to the label whose votes are nearest in sum; of labels that tie there too, each
        gets its share of the credit.
        """
        del context, rng
        queries = [i for i, r in enumerate(records) if r["role"] == "classified"]
        others = [i for i, r in enumerate(records) if r["role"] != "classified"]
        known = others if self.split else queries
        made = [
            {name: value for name, value in r.items() if name not in ("vector", "text")}
            for r in records
        ]
        votes = self._votes(records, queries, known)
        targets = Counter(records[i]["target"] for i in votes)
        share = max(targets.values(), default=0) / max(1, len(votes))
        for row in queries:
            if row in votes:
                made[row] |= _verdict(votes[row], records[row]["target"])
                made[row]["majority_share"] = share
        return [{**_NO_VERDICT, **record} for record in made]

    def _votes(
        self, records: Sequence[Mapping[str, Any]], queries: list[int], known: list[int]
    ) -> dict[int, list[tuple[str, float]]]:
        """Label and cosine of the k nearest of each query; none where there is no neighbour."""
        votes: dict[int, list[tuple[str, float]]] = {}
        if not known:
            return votes
        base = np.stack([_unit(records[i]["vector"]) for i in known])
        texts = np.array([records[i]["text"] for i in known], dtype=object)
        labels = [records[i]["target"] for i in known]
        for start in range(0, len(queries), BLOCK):
            rows = queries[start : start + BLOCK]
            cosines = np.stack([_unit(records[i]["vector"]) for i in rows]) @ base.T
            for row, near in zip(rows, cosines, strict=True):
                # Rounded, so that the order in which texts come cannot break a tie.
                near = np.where(texts == records[row]["text"], -np.inf, near.round(6))
                if nearest := _nearest(near, labels, self.k):
                    votes[row] = nearest
        return votes


_NO_VERDICT = {"predicted": None, "correct": None, "similarity": None, "majority_share": None}


def _unit(vector: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """The vector at length one; a vector of zeros stays one."""
    wide = np.asarray(vector, dtype=float)
    return np.asarray(wide / max(float(np.linalg.norm(wide)), 1e-12))


def _nearest(
    cosines: npt.NDArray[np.float64], labels: Sequence[str], k: int
) -> list[tuple[str, float]]:
    """Label and cosine of the k nearest, the nearest first; ties by label, not by position."""
    possible = np.flatnonzero(np.isfinite(cosines))
    if not len(possible):
        return []
    reach = np.sort(cosines[possible])[-k:][0]
    close = [(labels[i], float(cosines[i])) for i in possible.tolist() if cosines[i] >= reach]
    return sorted(close, key=lambda vote: (-vote[1], vote[0]))[:k]


def _verdict(votes: Sequence[tuple[str, float]], target: str) -> dict[str, Any]:
    """The label with most votes, and the credit for it."""
    counts = Counter(label for label, _ in votes)
    sums = {label: sum(c for name, c in votes if name == label) for label in counts}
    best = max((counts[label], sums[label]) for label in counts)
    winners = sorted(label for label in counts if (counts[label], sums[label]) == best)
    return {
        "predicted": winners[0],
        "correct": 1 / len(winners) if target in winners else 0.0,
        "similarity": votes[0][1],
    }
