"""Multiple-choice questions about an image, by the log-likelihood of each choice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from evalsuite import Card, LogLikelihood, Metric, Probe, Proportion, Sample


@dataclass(frozen=True)
class VisualQuestionAnswering(Probe):
    """Rank the choices of a question by log P(choice | image, question).

    Args:
        without_image: Ask without the image: what the question alone gives away.
        delimiter: What stands between the prompt and a choice.
    """

    without_image: bool = False
    delimiter: str = " "

    name: ClassVar[str] = "vision/visual-question-answering"
    family: ClassVar[Any] = "task"
    needs: ClassVar[Any] = (LogLikelihood,)
    fields: ClassVar[Any] = ("image", "question", "choices", "answer")
    card: ClassVar[Card] = Card(
        measures="How often the most probable of the given answers, given the image and the "
        "question, is the right one.",
        does_not_measure="Free answers, and whether the image was needed: compare with "
        "`without_image: true`.",
        reference="Goyal et al. 2017 (the V in VQA matters); scoring by likelihood as in "
        "language-model multiple choice",
        critique="A model can do well on the prior of the answers alone.",
    )
    metrics: ClassVar[Sequence[Metric]] = (
        Proportion(
            "correct",
            name="accuracy",
            by="kind",
            chance="chance",
            direction="higher is better",
            primary=True,
        ),
    )

    def ask(self, sample: Sample, context: Any) -> Any:
        """Score every choice."""
        choices = [str(choice) for choice in sample["choices"]]
        answer = sample["answer"]
        target = answer if isinstance(answer, int) else choices.index(str(answer))
        question = sample["question"]
        prompt = question if self.without_image else (sample["image"], question)
        scores = yield tuple(LogLikelihood(prompt, self.delimiter + choice) for choice in choices)
        totals = [score.total for score in scores]
        best = max(totals)
        tied = totals.count(best)
        return {
            "correct": 1 / tied if totals[target] == best else 0.0,
            "predicted": choices[totals.index(best)],
            "target": choices[target],
            "margin": totals[target] - max(t for i, t in enumerate(totals) if i != target),
            "chance": 1 / len(choices),
            "kind": sample.get("kind") or "all",
        }
