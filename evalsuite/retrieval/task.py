"""Retrieval of captions and images, or clips: every figure expected when ties break at random."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from evalsuite.errors import DataError
from evalsuite.identity import medium_id
from evalsuite.metric import Metric
from evalsuite.probe import Asking, Probe
from evalsuite.request import EmbedText
from evalsuite.retrieval import expectation
from evalsuite.retrieval.expectation import First
from evalsuite.retrieval.median_rank import MedianRank
from evalsuite.retrieval.ranking import Pairs, Standing, all_tied, both_ways, standing
from evalsuite.source import Sample
from evalsuite.summaries import Mean, Proportion
from evalsuite.zero_shot import embed

_AT = (1, 5, 10)
_CUT = 10

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class RetrievalTask(Probe):
    """Base: find the caption of an image or clip among all captions, and the other way.

    R@k; MRR; the mean of average precision over all right answers (mAP), and of that over the
    first ten places (mAP@10: the share of right ones down to each right one among them, over
    min(R, 10) of R right ones); the median rank; and rsum, the sum of the six R@k in percent.
    Figures of captions are averaged over the captions of an image or clip first, which changes
    nothing where all have as many. Range of all but ranks and rsum: [0, 1], higher is better.

    A subclass says in ``medium`` which field holds the image or clip, ``image`` or ``audio``, and
    in ``caption_field`` which one holds a caption or a list of them.
    """

    medium: ClassVar[str] = "image"
    caption_field: ClassVar[str] = "caption"
    family: ClassVar[Any] = "task"

    @property
    def fields(self) -> tuple[str, ...]:  # type: ignore[override]
        """The fields that every sample must have."""
        return (self.medium, self.caption_field)

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """The same for both ways, then the sum of recalls."""
        return tuple(self._metrics())

    def _metrics(self) -> Iterator[Metric]:
        unit = f"{self.medium}_id"
        better: Any = {"clusters": unit, "direction": "higher is better"}
        means = {
            "MRR": "reciprocal_rank",
            "mAP": "average_precision",
            f"mAP@{_CUT}": f"average_precision_at_{_CUT}",
        }
        for way in self._ways:
            words, chance = way.replace("_", " "), f"{way}_chance"
            for k in _AT:
                yield Proportion(
                    f"{way}_at_{k}",
                    name=f"R@{k} {words}",
                    chance=f"{chance}_at_{k}",
                    primary=k == 1,
                    **better,
                )
            for name, column in means.items():
                yield Mean(
                    f"{way}_{column}", name=f"{name} {words}", chance=f"{chance}_{column}", **better
                )
            yield MedianRank(
                f"{way}_ranks",
                chance=f"{chance}_ranks",
                name=f"median rank {words}",
                clusters=unit,
            )
        yield Mean("recall_sum", name="rsum", chance="chance_recall_sum", **better)

    @property
    def _ways(self) -> tuple[str, str]:
        return (f"{self.medium}_to_text", f"text_to_{self.medium}")

    def ask(self, sample: Sample, context: Any) -> Asking:
        """Embed the image or clip and its captions."""
        captions = captions_of(sample, self.caption_field)
        medium, *texts = yield (
            embed(sample[self.medium]),
            *(EmbedText(caption) for caption in captions),
        )
        return {
            f"{self.medium}_id": medium_id(sample, self.medium),
            "captions": "\n".join(captions),
            "_medium": medium.vector,
            "_texts": np.stack([text.vector for text in texts]),
            "_captions": captions,
        }

    def tabulate(
        self, records: Sequence[Mapping[str, Any]], context: Any, rng: np.random.Generator
    ) -> Sequence[Mapping[str, Any]]:
        """Rank both ways; a sample with several captions averages the figures of these."""
        if not records:
            return records
        unit, (to_text, from_text) = f"{self.medium}_id", self._ways
        owner = np.repeat(np.arange(len(records)), [len(r["_texts"]) for r in records])
        pairs = right_pairs(
            np.array([record[unit] for record in records]),
            np.array([caption for r in records for caption in r["_captions"]]),
            owner,
        )
        of_media, of_texts = both_ways(
            np.stack([record["_medium"] for record in records]),
            np.concatenate([record["_texts"] for record in records]),
        )
        n_media, n_texts = len(records), len(owner)
        texts = _figures(to_text, of_media, pairs, n_texts, np.arange(n_media))
        media = _figures(from_text, of_texts, pairs.turned(n_media), n_media, owner)
        return [
            self._with_sums({unit: r[unit], "captions": r["captions"], **text, **medium})
            for r, text, medium in zip(records, texts, media, strict=True)
        ]

    def _with_sums(self, record: dict[str, Any]) -> dict[str, Any]:
        """Add the sums of the six recalls, in percent."""
        for label in ("", "chance_"):
            recalls = [record[f"{way}_{label}at_{k}"] for way in self._ways for k in _AT]
            record[f"{label}recall_sum"] = 100 * sum(recalls)
        return record


def captions_of(sample: Sample, field: str) -> list[str]:
    """The captions of a sample, from one text or a list; raises DataError for none."""
    value = sample[field]
    captions = [value] if isinstance(value, str) else list(value or ())
    if not captions or not all(isinstance(caption, str) for caption in captions):
        raise DataError(f"{field} must be a text or a list of texts, at least one (got {value!r})")
    return captions


def right_pairs(
    media_ids: npt.NDArray[np.str_], captions: npt.NDArray[np.str_], owner: Integers
) -> Pairs:
    """Which texts are right for which image: those of an equal image, and those equal to its own.

    Args:
        media_ids: What identifies the content of each image or clip, [media].
        captions: The texts, [texts].
        owner: The image or clip that each text came with, [texts].
    """
    _, same_medium = np.unique(media_ids, return_inverse=True)
    _, same_words = np.unique(captions, return_inverse=True)
    by_medium = _joined(same_medium, same_medium[owner])
    by_words = _joined(same_words, same_words)
    media = np.concatenate([by_medium[0], owner[by_words[0]]])
    return Pairs.of(media, np.concatenate([by_medium[1], by_words[1]]), len(captions))


def _joined(left: Integers, right: Integers) -> tuple[Integers, Integers]:
    """All index pairs (i, j) with left[i] == right[j]."""
    order = np.argsort(right, kind="stable")
    begin = np.searchsorted(right, left, side="left", sorter=order)
    sizes = np.searchsorted(right, left, side="right", sorter=order) - begin
    starts = np.cumsum(sizes) - sizes
    places = np.arange(int(sizes.sum())) - np.repeat(starts - begin, sizes)
    return np.repeat(np.arange(len(left)), sizes), order[places]


def _figures(
    way: str, scores_of: Any, pairs: Pairs, n_candidates: int, owner: Integers
) -> list[dict[str, Any]]:
    """The columns of each sample, averaged over its queries."""
    n_queries = np.bincount(owner)
    columns: dict[str, list[Any]] = {}
    for label, found in (
        ("", standing(scores_of, pairs)),
        ("chance_", all_tied(pairs, n_candidates)),
    ):
        for name, values in _of_queries(found).items():
            means = np.bincount(owner, values) / n_queries
            columns[f"{way}_{label}{name}"] = means.tolist()
            if name == "rank":
                lists = np.split(values, np.cumsum(n_queries)[:-1])
                columns[f"{way}_{label}ranks"] = [json.dumps(part.tolist()) for part in lists]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _of_queries(found: Standing) -> dict[str, npt.NDArray[np.float64]]:
    first = First.of(found)
    return {
        "rank": expectation.rank(first),
        "reciprocal_rank": expectation.reciprocal_rank(first),
        "average_precision": expectation.average_precision(found),
        f"average_precision_at_{_CUT}": expectation.average_precision(found, at=_CUT),
        **{f"at_{k}": expectation.recall_at(k, first) for k in _AT},
    }
