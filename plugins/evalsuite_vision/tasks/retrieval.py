"""Image-text retrieval, both ways, with exact expected ranks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from evalsuite import Card, EmbedImage, EmbedText, Mean, Metric, Probe, Proportion, Sample

_CHUNK = 1024
_AT = (1, 5, 10)


def best_ranks(
    queries: npt.NDArray[np.float32],
    candidates: npt.NDArray[np.float32],
    is_positive: Any,
) -> npt.NDArray[np.float64]:
    """Expected rank of the best positive of each query, 1 is best, ties in random order.

    With the best positive's score s: 1 + #{negatives above s} + #{negatives equal to s} times
    1 / (number of positives at s + 1), the expected number of them that come first.

    Args:
        queries: Shape [queries, dimensions].
        candidates: Shape [candidates, dimensions].
        is_positive: Maps a slice of queries to a boolean matrix [queries, candidates].
    """
    ranks = np.empty(len(queries))
    for begin in range(0, len(queries), _CHUNK):
        part = slice(begin, min(begin + _CHUNK, len(queries)))
        scores = queries[part] @ candidates.T
        positive = is_positive(part)
        best = np.where(positive, scores, -np.inf).max(axis=1, keepdims=True)
        tied_positives = np.sum(positive & (scores == best), axis=1)
        above = np.sum(~positive & (scores > best), axis=1)
        tied = np.sum(~positive & (scores == best), axis=1)
        ranks[part] = 1 + above + tied / (tied_positives + 1)
    return ranks


def _metrics() -> Iterator[Metric]:
    for way, words in (("image_to_text", "image to text"), ("text_to_image", "text to image")):
        for k in _AT:
            yield Proportion(
                f"{way}_at_{k}",
                name=f"R@{k} {words}",
                clusters="image_id",
                chance=f"{way}_chance_at_{k}",
                direction="higher is better",
                primary=k == 1,
            )
        yield Mean(
            f"{way}_reciprocal_rank",
            name=f"MRR {words}",
            clusters="image_id",
            direction="higher is better",
        )


@dataclass(frozen=True)
class Retrieval(Probe):
    """Find the caption of an image among all captions, and the image of a caption."""

    name: ClassVar[str] = "vision/retrieval"
    family: ClassVar[Any] = "task"
    needs: ClassVar[Any] = (EmbedImage, EmbedText)
    fields: ClassVar[Any] = ("image", "caption")
    card: ClassVar[Card] = Card(
        measures="How high the right caption of an image ranks among all captions of the data, "
        "and the right image of a caption among all images.",
        does_not_measure="Absolute quality: figures fall as the pool grows, so they compare only "
        "on the same data.",
        reference="Karpathy and Fei-Fei 2015; Radford et al. 2021",
        critique="Equal captions and equal images count as right answers of each other; other "
        "captions that would also fit count as wrong.",
    )
    metrics: ClassVar[Sequence[Metric]] = tuple(_metrics())

    def ask(self, sample: Sample, context: Any) -> Any:
        """Embed the image and its captions."""
        captions = sample["caption"]
        captions = [captions] if isinstance(captions, str) else list(captions)
        image, *texts = yield (
            EmbedImage(sample["image"]),
            *(EmbedText(caption) for caption in captions),
        )
        return {
            "image_id": sample["image"].sha256[:16],
            "captions": "\n".join(captions),
            "_image": image.vector,
            "_texts": np.stack([text.vector for text in texts]),
        }

    def tabulate(
        self, records: Sequence[Mapping[str, Any]], context: Any, rng: np.random.Generator
    ) -> Sequence[Mapping[str, Any]]:
        """Ranks both ways; a sample with several captions averages its text-to-image figures."""
        if not records:
            return records
        images = np.stack([record["_image"] for record in records])
        texts = np.concatenate([record["_texts"] for record in records])
        owner = np.repeat(np.arange(len(records)), [len(r["_texts"]) for r in records])
        words = np.array([c for r in records for c in r["captions"].split("\n")])
        image_ids = np.array([record["image_id"] for record in records])
        own = [set(record["captions"].split("\n")) for record in records]

        def right_texts(part: slice) -> Any:
            chosen = range(part.start, part.stop)
            same_image = image_ids[part][:, None] == image_ids[owner][None, :]
            same_words = np.array([[w in own[i] for w in words] for i in chosen])
            return same_image | same_words

        def right_images(part: slice) -> Any:
            same_image = image_ids[owner[part]][:, None] == image_ids[None, :]
            return same_image | np.array([[w in own_i for own_i in own] for w in words[part]])

        to_text = best_ranks(images, texts, right_texts)
        to_image = best_ranks(texts, images, right_images)
        return [
            {
                "image_id": record["image_id"],
                "captions": record["captions"],
                **_figures("image_to_text", to_text[i : i + 1], len(texts)),
                **_figures("text_to_image", to_image[owner == i], len(images)),
            }
            for i, record in enumerate(records)
        ]


def _figures(way: str, ranks: npt.NDArray[np.float64], pool: int) -> dict[str, float]:
    """Recall at k, reciprocal rank and chance, averaged over the ranks of one sample."""
    figures = {
        f"{way}_rank": float(ranks.mean()),
        f"{way}_reciprocal_rank": float((1 / ranks).mean()),
    }
    for k in _AT:
        figures[f"{way}_at_{k}"] = float((ranks <= k).mean())
        figures[f"{way}_chance_at_{k}"] = min(1.0, k / pool)
    return figures
