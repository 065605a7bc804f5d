"""Explanations of zero-shot decisions: which of several described classes, and why?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from evalsuite import Sample
from evalsuite.zero_shot import Classes, ZeroShotProbe, embed, predict
from evalsuite_explain.explainers.game import Explanation
from evalsuite_explain.probes.explaining import ExplainerChoice
from evalsuite_explain.targets import ClassScore


@dataclass(frozen=True)
class Described:
    """Classes with the prompts that they were embedded from.

    Attributes:
        classes: As a zero-shot task has them.
        prompts: Of each class.
    """

    classes: Classes
    prompts: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Explained:
    """A predicted class and why.

    Attributes:
        predicted: Its name.
        probability: Of the predicted class.
        target: Its probability; what was explained are the log-odds.
        explanation: One score for each cell.
    """

    predicted: str
    probability: float
    target: ClassScore
    explanation: Explanation


@dataclass(frozen=True)
class DescribedClasses(ZeroShotProbe):
    """Base of probes that need to know a class's prompts beside its vector."""

    def prepare(self, samples: Sequence[Sample]) -> Any:
        """Embed every prompt of every class once; returns the Described."""
        classes = yield from super().prepare(samples)
        return Described(classes, tuple(tuple(own) for own in self._prompts(samples).texts))


@dataclass(frozen=True)
class ExplainedClass(ExplainerChoice, DescribedClasses):
    """Base of probes that explain which of several described classes an input is put in."""

    def explained_class(self, cells: Any, sample: Sample, context: Described) -> Any:
        """Classify first, then explain the class that was found; returns an Explained."""
        classes = context.classes
        whole = yield embed(sample[cells.medium])
        found = predict(whole.vector, classes.vectors, classes.similarity, 0)
        own, others = context.prompts[found.index], list(context.prompts)
        del others[found.index]
        target = ClassScore(classes, found.index, own, tuple(others))
        log_odds = replace(target, scale="log_odds")
        explanation = yield from self.explained(cells, log_odds, sample)
        return Explained(classes.names[found.index], found.confidence, target, explanation)
