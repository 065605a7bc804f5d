"""Which of several captions with the same words, or nearly so, fits an image?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from evalsuite import (
    Card,
    DataError,
    LogLikelihood,
    Mean,
    Metric,
    Null,
    Proportion,
    Request,
    Sample,
)
from evalsuite.identity import medium_id
from evalsuite_vision.metrics.macro import MacroMean
from evalsuite_vision.tasks.matching import MatchingProbe, credit

GUESSING = Null(0.0, why="guessing among the captions")


@dataclass(frozen=True)
class CaptionChoice(MatchingProbe):
    """Choose the true caption of an image among false ones.

    Args:
        by: As for all matching, or ``text``: log P(caption) without the image, of any language
            model. What it gets right the captions give away.
        blind: Ask log P(caption) without the image too, next to the scores; reports its accuracy,
            the gain over it, and (by ``likelihood``) the accuracy of log P(caption | image) -
            log P(caption).
        least_per_kind: Samples that a kind must have to count in the macro accuracy.
    """

    by: Literal["embedding", "likelihood", "yes-no", "text"] = "embedding"
    blind: bool = False
    least_per_kind: int = 1

    name: ClassVar[str] = "vision/caption-choice"
    fields: ClassVar[Any] = ("image", "caption", "false_captions")
    card: ClassVar[Card] = Card(
        measures="How often the true caption scores above every false one of the same image; a "
        "tie of k is worth 1/k. Over all samples, for each kind (relation, attribute, file), and "
        "as the mean over kinds.",
        does_not_measure="Whether the image was needed: many false captions are implausible by "
        "themselves. `blind: true`, or `by: text` with a language model, shows how many.",
        reference="Hsieh et al. 2023, SugarCrepe; Yuksekgonul et al. 2023, ARO; by likelihood and "
        "relative to it without the image as in Lin et al. 2024, ICML",
        critique="Likelihood favours short captions; a dual encoder's vectors favour frequent "
        "words.",
    )

    def __post_init__(self) -> None:
        """Refuse a blind score next to one that is blind already."""
        super().__post_init__()
        if self.blind and self.by == "text":
            raise ValueError("`by: text` is the blind score already; leave out `blind: true`")
        if self.least_per_kind < 1:
            raise ValueError(f"least_per_kind must be at least 1 (got {self.least_per_kind})")

    @property
    def needs(self) -> tuple[type[Request], ...]:  # type: ignore[override]
        """The kinds of request that the way of scoring, and a blind score, ask."""
        more = (LogLikelihood,) if self.blind else ()
        return tuple(dict.fromkeys((*super().needs, *more)))

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """Accuracy over samples and over kinds, and against the blind score where asked."""
        return tuple(self._metrics())

    def _metrics(self) -> Iterator[Metric]:
        shared: Any = {
            "clusters": "image_id",
            "null": GUESSING,
            "chance": "chance",
            "direction": "higher is better",
        }
        yield Proportion("correct", name="accuracy", by="kind", primary=True, **shared)
        yield MacroMean(
            "correct", "kind", least=self.least_per_kind, name="macro accuracy", **shared
        )
        if self.by in ("likelihood", "text"):
            yield Proportion("correct_per_token", name="accuracy per token", **shared)
        if not self.blind:
            return
        yield Proportion("blind_correct", name="blind accuracy", by="kind", **shared)
        yield Mean(
            "gain_over_blind",
            name="gain over blind",
            clusters="image_id",
            null=Null(0.0, side="above", why="the image adds nothing"),
            direction="higher is better",
        )
        if self.by == "likelihood":
            yield Proportion("correct_relative", name="accuracy relative to blind", **shared)

    def ask(self, sample: Sample, context: Any) -> Any:
        """Score the true caption and the false ones; the true one comes first."""
        captions = [_text(sample["caption"], "caption"), *_texts(sample["false_captions"])]
        asked = self._asked(sample, captions)
        blind = tuple(map(self.likelihood, captions)) if self.blind else ()
        replies = yield (*asked, *blind)
        answers, blind_answers = replies[: len(asked)], replies[len(asked) :]
        scores = self._scores(answers)
        best = max(scores)
        record = {
            "correct": credit(scores[0], scores[1:]),
            "kind": str(sample.get("kind") or "all"),
            "target": captions[0],
            # of several the first by the alphabet: the true one has no advantage
            "predicted": min(c for c, s in zip(captions, scores, strict=True) if s == best),
            "margin": scores[0] - max(scores[1:]),
            "chance": 1 / len(captions),
            "image_id": str(sample.get("image_id") or medium_id(sample, "image")),
        }
        if self.by in ("likelihood", "text"):
            per_token = [reply.total / max(1, reply.n_tokens) for reply in answers]
            record["correct_per_token"] = credit(per_token[0], per_token[1:])
        if self.blind:
            record |= _against_blind(scores, [reply.total for reply in blind_answers])
        return record

    def _asked(self, sample: Sample, captions: Sequence[str]) -> tuple[Request, ...]:
        if self.by == "text":
            return tuple(map(self.likelihood, captions))
        return self.requests([sample["image"]], captions)

    def _scores(self, answers: Sequence[Any]) -> list[float]:
        if self.by == "text":
            return [reply.total for reply in answers]
        return [row[0] for row in self.scores(answers, 1)]


def _against_blind(scores: Sequence[float], blind: Sequence[float]) -> dict[str, float]:
    relative = [score - alone for score, alone in zip(scores, blind, strict=True)]
    right, blind_right = credit(scores[0], scores[1:]), credit(blind[0], blind[1:])
    return {
        "blind_correct": blind_right,
        "gain_over_blind": right - blind_right,
        "correct_relative": credit(relative[0], relative[1:]),
    }


def _text(value: Any, field: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise DataError(f"{field} must be a text that is not empty (got {value!r})")
    return value


def _texts(value: Any) -> list[str]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list | tuple) or not texts:
        raise DataError(f"false_captions must be a text or a list of at least one (got {value!r})")
    return [_text(text, "false_captions") for text in texts]
