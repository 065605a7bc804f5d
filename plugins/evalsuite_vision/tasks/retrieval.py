"""Image-text retrieval, both ways, with every figure expected under random breaking of ties."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from evalsuite import (
    Card,
    DataError,
    EmbedImage,
    EmbedText,
    Mean,
    Metric,
    Probe,
    Proportion,
    Sample,
)
from evalsuite_vision.metrics import expectation
from evalsuite_vision.metrics.expectation import First
from evalsuite_vision.metrics.median_rank import MedianRank
from evalsuite_vision.metrics.ranking import Pairs, Standing, all_tied, both_ways, standing

_AT = (1, 5, 10)
_WAYS = (("image_to_text", "image to text"), ("text_to_image", "text to image"))

Integers = npt.NDArray[np.int64]


def _metrics() -> Iterator[Metric]:
    better: Any = {"clusters": "image_id", "direction": "higher is better"}
    for way, words in _WAYS:
        for k in _AT:
            yield Proportion(
                f"{way}_at_{k}",
                name=f"R@{k} {words}",
                chance=f"{way}_chance_at_{k}",
                primary=k == 1,
                **better,
            )
        for name, column in (("MRR", "reciprocal_rank"), ("mAP", "average_precision")):
            yield Mean(
                f"{way}_{column}",
                name=f"{name} {words}",
                chance=f"{way}_chance_{column}",
                **better,
            )
        yield MedianRank(
            f"{way}_ranks",
            chance=f"{way}_chance_ranks",
            name=f"median rank {words}",
            clusters="image_id",
        )
    yield Mean("recall_sum", name="rsum", chance="chance_recall_sum", **better)


@dataclass(frozen=True)
class Retrieval(Probe):
    """Find the caption of an image among all captions, and the image of a caption.

    R@k, MRR, the mean of average precision over all right answers (mAP), the median rank, and
    rsum, the sum of the six R@k in percent. Text-to-image figures are averaged over the captions
    of an image first, which changes nothing where all images have as many.
    """

    name: ClassVar[str] = "vision/retrieval"
    family: ClassVar[Any] = "task"
    needs: ClassVar[Any] = (EmbedImage, EmbedText)
    fields: ClassVar[Any] = ("image", "caption")
    card: ClassVar[Card] = Card(
        measures="How high the right caption of an image ranks among all captions of the data, "
        "and the right image of a caption among all images.",
        does_not_measure="Absolute quality: figures fall as the pool grows, so they compare only "
        "on the same data.",
        reference="Karpathy and Fei-Fei 2015; Radford et al. 2021; ties as in McSherry and "
        "Najork 2008",
        critique="Equal captions and equal images count as right answers of each other; other "
        "captions that would also fit count as wrong (Chun et al. 2022, ECCV Caption).",
    )
    metrics: ClassVar[Sequence[Metric]] = tuple(_metrics())

    def ask(self, sample: Sample, context: Any) -> Any:
        """Embed the image and its captions."""
        captions = captions_of(sample["caption"])
        image, *texts = yield (
            EmbedImage(sample["image"]),
            *(EmbedText(caption) for caption in captions),
        )
        return {
            "image_id": sample["image"].sha256[:16],
            "captions": "\n".join(captions),
            "_image": image.vector,
            "_texts": np.stack([text.vector for text in texts]),
            "_captions": captions,
        }

    def tabulate(
        self, records: Sequence[Mapping[str, Any]], context: Any, rng: np.random.Generator
    ) -> Sequence[Mapping[str, Any]]:
        """Rank both ways; a sample with several captions averages its text-to-image figures."""
        if not records:
            return records
        owner = np.repeat(np.arange(len(records)), [len(r["_texts"]) for r in records])
        pairs = right_pairs(
            np.array([record["image_id"] for record in records]),
            np.array([caption for r in records for caption in r["_captions"]]),
            owner,
        )
        to_text, to_image = both_ways(
            np.stack([record["_image"] for record in records]),
            np.concatenate([record["_texts"] for record in records]),
        )
        n_images, n_texts = len(records), len(owner)
        texts = _figures("image_to_text", to_text, pairs, n_texts, np.arange(n_images))
        images = _figures("text_to_image", to_image, pairs.turned(n_images), n_images, owner)
        return [
            _with_sums({"image_id": r["image_id"], "captions": r["captions"], **text, **image})
            for r, text, image in zip(records, texts, images, strict=True)
        ]


def captions_of(value: Any) -> list[str]:
    """The captions of an image, from one text or a list; raises DataError for none."""
    captions = [value] if isinstance(value, str) else list(value or ())
    if not captions or not all(isinstance(caption, str) for caption in captions):
        raise DataError(f"caption must be a text or a list of texts, at least one (got {value!r})")
    return captions


def right_pairs(
    image_ids: npt.NDArray[np.str_], captions: npt.NDArray[np.str_], owner: Integers
) -> Pairs:
    """Which texts are right for which image: those of an equal image, and those equal to its own.

    Args:
        image_ids: What identifies the content of each image, [images].
        captions: The texts, [texts].
        owner: The image that each text came with, [texts].
    """
    _, same_image = np.unique(image_ids, return_inverse=True)
    _, same_words = np.unique(captions, return_inverse=True)
    by_image = _joined(same_image, same_image[owner])
    by_words = _joined(same_words, same_words)
    images = np.concatenate([by_image[0], owner[by_words[0]]])
    return Pairs.of(images, np.concatenate([by_image[1], by_words[1]]), len(captions))


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
        **{f"at_{k}": expectation.recall_at(k, first) for k in _AT},
    }


def _with_sums(record: dict[str, Any]) -> dict[str, Any]:
    """Add the sums of the six recalls, in percent."""
    for label in ("", "chance_"):
        recalls = [record[f"{way}_{label}at_{k}"] for way, _ in _WAYS for k in _AT]
        record[f"{label}recall_sum"] = 100 * sum(recalls)
    return record
