"""How much of a model's accuracy needs question and picture (or clip) together: EMAP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evalsuite import Card, LogLikelihood, Mean, Metric, Null, Probe, Proportion, Sample, UsageError
from evalsuite.answers import choices_of, credit
from evalsuite.content import as_content
from evalsuite_explain.modality.shares import Floats, additive_projection


@dataclass(frozen=True)
class ImageAdditive(Probe):
    """Is the best additive approximation of a model as often right as the model?

    Samples that have the same choices are asked with each other's pictures: n samples cost n x n
    questions.

    Args:
        max_group: Samples of the same choices that are used, the first ones; the others are not
            measured.
        after: What stands between the question and an answer.
        delimiter: What stands before a choice.
    """

    max_group: int = 16
    after: str = "\nAnswer:"
    delimiter: str = " "

    medium: ClassVar[str] = "image"
    media: ClassVar[Any] = ("image",)
    name: ClassVar[str] = "explain/image-additive"
    family: ClassVar[Any] = "explainability"
    needs: ClassVar[Any] = (LogLikelihood,)
    fields: ClassVar[Any] = ("image", "question", "choices", "answer")
    card: ClassVar[Card] = Card(
        measures="The accuracy of the model, less that of its best approximation by a part for "
        "the question plus a part for the picture (or clip): what is left needs both together.",
        does_not_measure="Which of the two an answer rests on: see the shares of modalities.",
        reference="Hessel and Lee 2020, EMNLP (EMAP)",
        critique="The approximation is that of the samples asked with each other; a few samples "
        "approximate it roughly.",
    )
    metrics: ClassVar[Sequence[Metric]] = (
        Mean(
            "interaction_gain",
            name="accuracy that needs interaction",
            null=Null(0.0, side="above", why="the additive part is as often right"),
            primary=True,
        ),
        Proportion("correct", name="accuracy", chance="chance"),
        Proportion("correct_additive", name="accuracy of the additive part", chance="chance"),
    )

    def __post_init__(self) -> None:
        """Refuse groups in which nothing can be exchanged."""
        if self.max_group < 2:
            raise UsageError(f"max_group must be 2 or more (got {self.max_group}).")

    def prepare(self, samples: Sequence[Sample]) -> Any:
        """Score all pairs of question and picture of each group; returns the scores by id."""
        groups: dict[tuple[str, ...], list[Sample]] = {}
        # In an order of their own, so that theirs does not decide who is used.
        for sample in sorted(samples, key=lambda s: s.content_hash):
            if sample.broken is None:
                groups.setdefault(tuple(choices_of(sample)[0]), []).append(sample)
        used = [(c, some[: self.max_group]) for c, some in groups.items() if len(some) > 1]
        asked = tuple(
            self._request(read, seen, choice)
            for choices, some in used
            for read in some
            for seen in some
            for choice in choices
        )
        replies = iter((yield asked) if asked else ())
        found: dict[str, tuple[Floats, Floats]] = {}
        for choices, some in used:
            n = len(some)
            totals = [next(replies).total for _ in range(n * n * len(choices))]
            scores = np.array(totals).reshape(n, n, len(choices))
            projected = additive_projection(scores)
            found |= {s.id: (scores[i, i], projected[i]) for i, s in enumerate(some)}
        return found

    def _request(self, read: Sample, seen: Sample, choice: str) -> LogLikelihood:
        """One sample's question about another one's picture."""
        text = str(read["question"]) + self.after
        return LogLikelihood(as_content((seen[self.medium], text)), self.delimiter + choice)

    def ask(self, sample: Sample, context: Mapping[str, tuple[Floats, Floats]]) -> Any:
        """Nothing more; a sample whose group is full, or that is alone, is not measured."""
        choices, target = choices_of(sample)
        if sample.id not in context:
            return {"correct": None, "correct_additive": None, "interaction_gain": None,
                    "chance": None}  # fmt: skip
        scores, projected = context[sample.id]
        correct, additive = credit(scores.tolist(), target), credit(projected.tolist(), target)
        return {
            "correct": correct,
            "correct_additive": additive,
            "interaction_gain": correct - additive,
            "predicted": choices[int(np.argmax(scores))],
            "target": choices[target],
            "chance": 1 / len(choices),
        }
        yield  # makes this a generator


@dataclass(frozen=True)
class AudioAdditive(ImageAdditive):
    """The same with clips.

    Args:
        max_group, after, delimiter: As for pictures.
    """

    medium: ClassVar[str] = "audio"
    media: ClassVar[Any] = ("audio",)
    name: ClassVar[str] = "explain/audio-additive"
    fields: ClassVar[Any] = ("audio", "question", "choices", "answer")
