"""Is there such an object in the image? Yes/no questions that show invented objects (POPE)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from evalsuite import (
    Card,
    DataError,
    Generate,
    LogLikelihood,
    Metric,
    Null,
    Probe,
    Proportion,
    Request,
    Sample,
)
from evalsuite.answers import yes_or_no
from evalsuite.identity import medium_id
from evalsuite_vision.metrics.yes_no import YesF1, YesPrecision, YesRatio, YesRecall

_LABELS = {"yes": True, "no": False, "true": True, "false": False}


@dataclass(frozen=True)
class ObjectExistence(Probe):
    """Ask whether an object is in the image, and compare yes and no.

    Args:
        by: ``likelihood`` compares log P(yes | image, question) with log P(no | ...);
            ``generation`` takes the first word of what the model writes, if it is yes or no.
        without_image: Ask without the image: what the question alone gives away.
        words: The model's words for yes and no.
        delimiter: What stands between the prompt and the word.
        prompt: What stands after the image; ``{question}`` is the question.
        max_tokens: Longest written answer.
    """

    by: Literal["likelihood", "generation"] = "likelihood"
    without_image: bool = False
    words: tuple[str, str] = ("yes", "no")
    delimiter: str = " "
    prompt: str = "{question}"
    max_tokens: int = 16

    name: ClassVar[str] = "vision/object-existence"
    family: ClassVar[Any] = "task"
    fields: ClassVar[Any] = ("image", "question", "label")
    card: ClassVar[Card] = Card(
        measures="How often a model knows whether an object is in the image: accuracy, and "
        "precision, recall and F1 of yes; and whether it says yes more often than is true.",
        does_not_measure="Invented objects in free descriptions (see CHAIR in vision/captioning), "
        "or wrong attributes and relations.",
        reference="Li et al. 2023, Evaluating object hallucination in large vision-language "
        "models, EMNLP",
        critique="Labels come from annotations that miss objects. Unlike the published program, "
        "which takes every answer without a no for a yes, a written answer that begins with "
        "neither word counts as wrong.",
    )

    def __post_init__(self) -> None:
        """Refuse what cannot be asked."""
        if self.by not in ("likelihood", "generation"):
            raise ValueError(f"by must be likelihood or generation (got {self.by!r})")
        if "{question}" not in self.prompt:
            raise ValueError(f"the prompt must contain {{question}} (got {self.prompt!r})")
        if len({word.casefold() for word in self.words}) != 2:
            raise ValueError(f"words must be two different ones, yes first (got {self.words!r})")

    @property
    def needs(self) -> tuple[type[Request], ...]:  # type: ignore[override]
        """What is asked of the model."""
        return (Generate,) if self.by == "generation" else (LogLikelihood,)

    @property
    def media(self) -> tuple[Literal["image", "audio"], ...]:  # type: ignore[override]
        """The image, where it is shown."""
        return () if self.without_image else ("image",)

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """Accuracy by kind of question, scores of yes, and unparsed answers where written."""
        accuracy = Proportion(
            "correct",
            name="accuracy",
            by="kind",
            clusters="image_id",
            null=Null(0.5, margin=0.01, side="above", why="always the more frequent label"),
            chance="majority_share",
            direction="higher is better",
            primary=True,
        )
        scores = (
            accuracy,
            YesPrecision(name="precision of yes", clusters="image_id", margin=0.01),
            YesRecall(name="recall of yes", clusters="image_id"),
            YesF1(name="F1 of yes", clusters="image_id", margin=0.01, by="kind", primary=True),
            YesRatio(
                name="share of yes",
                clusters="image_id",
                margin=0.02,
                direction="closer to null is better",
                by="kind",
            ),
        )
        if self.by == "likelihood":
            return scores
        unparsed = Proportion(
            "unparsed", name="unparsed answers", clusters="image_id", direction="lower is better"
        )
        return (*scores, unparsed)

    def ask(self, sample: Sample, context: Any) -> Any:
        """Ask one question."""
        is_yes = _label_of(sample)
        text = self.prompt.replace("{question}", str(sample["question"]))
        content: Any = text if self.without_image else (sample["image"], text)
        ask = self._written if self.by == "generation" else self._scored
        found = yield from ask(content)
        said = found["said_yes"]
        correct = said if is_yes else 1 - said
        return {
            **found,
            "correct": 0.0 if found.get("unparsed") else correct,
            "is_yes": float(is_yes),
            "image_id": medium_id(sample, "image"),
            "kind": sample.get("kind") or "all",
        }

    def _scored(self, content: Any) -> Any:
        """Which word is more probable; a tie is half a yes."""
        scores = yield tuple(LogLikelihood(content, self.delimiter + word) for word in self.words)
        margin = scores[0].total - scores[1].total
        return {"said_yes": (1 + float(np.sign(margin))) / 2, "log_odds_of_yes": margin}

    def _written(self, content: Any) -> Any:
        """What the first word of the answer is; neither yes nor no is no yes, and wrong."""
        reply = yield Generate(content, max_tokens=self.max_tokens)
        words = self.words[0].casefold(), self.words[1].casefold()
        said = yes_or_no(reply.text, words)
        return {
            "said_yes": float(bool(said)),
            "unparsed": float(said is None),
            "answer": reply.text.strip(),
        }

    def tabulate(
        self, records: Sequence[Mapping[str, Any]], context: Any, rng: np.random.Generator
    ) -> Sequence[Mapping[str, Any]]:
        """Add the share of the more frequent label among the answered samples of each kind."""
        del context, rng
        labels: dict[str, list[float]] = {}
        for record in records:
            labels.setdefault(record["kind"], []).append(record["is_yes"])
        shares = {kind: sum(values) / len(values) for kind, values in labels.items()}
        return [
            {**r, "majority_share": max(shares[r["kind"]], 1 - shares[r["kind"]])} for r in records
        ]


def _label_of(sample: Sample) -> bool:
    """Whether the object is there; raises DataError unless the label is yes or no."""
    value = sample["label"]
    if isinstance(value, bool):
        return value
    text = str(value).strip().casefold()
    if text not in _LABELS:
        raise DataError(f"label must be yes or no (got {value!r})")
    return _LABELS[text]
