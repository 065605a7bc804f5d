"""Two images and two captions with the same words: which belongs to which?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from typing import Any, ClassVar

from evalsuite import Card, DataError, Metric, Null, Proportion, Sample
from evalsuite_vision.tasks.matching import MatchingProbe, credit

_CHANCE = {
    "text": Null(1 / 4, why="two choices of two, both guessed"),
    "image": Null(1 / 4, why="two choices of two, both guessed"),
    "group": Null(1 / 6, why="the two right pairs first of four in random order"),
}
Scores = Sequence[Sequence[float]]


@dataclass(frozen=True)
class Winoground(MatchingProbe):
    """Match two captions with two images, both ways.

    With s(c, i) the score of caption c and image i, the text score asks that each image prefers
    its caption, s(0,0) > s(1,0) and s(1,1) > s(0,1); the image score that each caption prefers its
    image, s(0,0) > s(0,1) and s(1,1) > s(1,0); the group score asks both. A tie is broken at
    random: the scores are their expectation, so that a constant model gets 1/4, 1/4 and 1/6. The
    strict ones, as published, count every tie as wrong.

    No blind score goes with it: without an image each caption scores the same for both, so that
    the text score is 0 (or 1/4 where the captions tie), whatever the captions are like.
    """

    name: ClassVar[str] = "vision/winoground"
    fields: ClassVar[Any] = ("image_0", "image_1", "caption_0", "caption_1")
    card: ClassVar[Card] = Card(
        measures="Whether each of two images prefers its caption over the other (text), each "
        "caption its image (image), and both (group), where the captions have the same words in "
        "another order.",
        does_not_measure="Recognition of the things named: images and captions are chosen to need "
        "the order.",
        reference="Thrush et al. 2022, CVPR",
        critique="Many items need unusual images or world knowledge rather than word order "
        "(Diwan et al. 2022, EMNLP).",
    )
    metrics: ClassVar[Sequence[Metric]] = (
        *(
            Proportion(
                score,
                name=f"{score} score",
                by="kind",
                null=null,
                direction="higher is better",
                primary=score == "group",
            )
            for score, null in _CHANCE.items()
        ),
        *(
            Proportion(
                f"{score}_strict", name=f"{score} score, strict", direction="higher is better"
            )
            for score in _CHANCE
        ),
    )

    def ask(self, sample: Sample, context: Any) -> Any:
        """Score both captions with both images."""
        captions = [sample["caption_0"], sample["caption_1"]]
        for number, caption in enumerate(captions):
            if not isinstance(caption, str) or not caption.strip():
                raise DataError(f"caption_{number} must be a text that is not empty")
        images = [sample["image_0"], sample["image_1"]]
        replies = yield self.requests(images, captions)
        scores = self.scores(replies, len(images))
        expected = {
            "text": text_score(scores),
            "image": text_score(list(zip(*scores, strict=True))),
            "group": group_score(scores),
        }
        return {
            **expected,
            # a right one without ties is worth 1, anything else less
            **{f"{name}_strict": float(value == 1) for name, value in expected.items()},
            "kind": str(sample.get("kind") or "all"),
            **{f"score_{c}{i}": scores[c][i] for c in (0, 1) for i in (0, 1)},
        }


def text_score(scores: Scores) -> float:
    """Expected text score of scores [caption, image]; transposed, the image score.

    The two comparisons share no score, so their ties are broken independently.
    """
    return credit(scores[0][0], [scores[1][0]]) * credit(scores[1][1], [scores[0][1]])


def group_score(scores: Scores) -> float:
    """Expected group score: P(both right pairs come before both wrong ones).

    It asks min(s(0,0), s(1,1)) > max(s(0,1), s(1,0)). Where these are equal, r right and w wrong
    scores tie there, and all r come first in 1 of C(r + w, r) orders.
    """
    right, wrong = (scores[0][0], scores[1][1]), (scores[0][1], scores[1][0])
    lowest, highest = min(right), max(wrong)
    if lowest != highest:
        return float(lowest > highest)
    n_right, n_wrong = right.count(lowest), wrong.count(lowest)
    return 1 / comb(n_right + n_wrong, n_right)
