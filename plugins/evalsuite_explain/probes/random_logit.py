"""Is the explanation of a label another one than that of another label?"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evalsuite import Card, Failure, Mean, Metric, Null, Probe, RequestFailed, Sample, UsageError
from evalsuite_explain.explainers.catalogue import Explainer, make_explainer
from evalsuite_explain.explainers.game import Game, Scores
from evalsuite_explain.explainers.occlusion import Occlusion
from evalsuite_explain.measures.randomisation import random_logit
from evalsuite_explain.probes.chosen import SubjectChoice
from evalsuite_explain.probes.explaining import ExplainerChoice, rng_of_sample
from evalsuite_explain.probes.measuring import defined
from evalsuite_explain.probes.subjects import Subject
from evalsuite_explain.targets import Target

# Targets that have rivals: what else could have been found.
_OF_SEVERAL = ("label", "class", "answer", "filling", "word-label")


@dataclass(frozen=True)
class RandomLogit(SubjectChoice, ExplainerChoice, Probe):
    """Does an explainer look at which of several labels it explains?

    The target is a label, a class, a word's label, or an answer or a filling with ``choices``.

    Args:
        n_others: Other labels that are drawn for each sample, at most all there are.
    """

    n_others: int = 1

    name: ClassVar[str] = "explain/random-logit"
    family: ClassVar[Any] = "explainability"
    card: ClassVar[Card] = Card(
        measures="How far the explanation of the label that a model found differs from that of "
        "another label, drawn at random: 1 - Spearman's correlation of their scores (0 the same "
        "explanation, 1 unrelated ones, 2 the opposite). What is explained is each label's own "
        "logit, where the model gives it; beside it, occlusion and unrelated random scores.",
        does_not_measure="Whether either explanation is right: random scores pass, so that passing "
        "is needed, and not enough.",
        reference="Sixt et al. 2020, When explanations lie: why many modified BP attributions fail",
        critique="A classifier that is only asked gives probabilities, which fall for one label as "
        "they rise for others: of two labels every explainer by answers finds opposites. Labels "
        "that a model tells by the same cue have like explanations for a good reason.",
    )
    metrics: ClassVar[Sequence[Metric]] = (
        Mean(
            "loss",
            name="explanation changed with the label",
            null=Null(0.0, margin=0.5, side="above", why="an explainer blind to the label"),
            direction="higher is better",
            primary=True,
        ),
        Mean(
            "similarity",
            name="similarity to another label's explanation",
            direction="lower is better",
        ),
        Mean("occlusion_similarity", name="similarity to another label's by occlusion"),
        Mean("random_similarity", name="similarity of unrelated random explanations"),
    )

    def __post_init__(self) -> None:
        """Refuse what has no rivals, and a comparison with none of them."""
        super().__post_init__()
        if self.target not in _OF_SEVERAL:
            raise UsageError(
                f"A {self.target} is no choice among several, so there is no other one to compare "
                f"its explanation with. Set target to one of {', '.join(_OF_SEVERAL)}."
            )
        if self.n_others < 1:
            raise UsageError(f"n_others must be 1 or more (got {self.n_others}).")

    def ask(self, sample: Sample, context: Any) -> Any:
        """Explain the label that was found and others, each by itself."""
        subject: Subject = yield from self.finder.subject(sample, context)
        rng, n = rng_of_sample(sample), len(subject.features)
        drawn = self._drawn(subject, rng)
        labels = [subject.each[name] for name in drawn]
        chosen = make_explainer(self.explainer, self.settings)
        explained = yield from _each_explained(chosen, subject, labels, sample)
        occluded = yield from _each_explained(Occlusion(), subject, labels, sample)
        similarity = defined(random_logit(explained[0], explained[1:]))
        unrelated = rng.standard_normal((len(labels), n))
        return {
            "loss": None if similarity is None else 1 - similarity,
            "similarity": similarity,
            "occlusion_similarity": defined(random_logit(occluded[0], occluded[1:])),
            "random_similarity": defined(random_logit(unrelated[0], unrelated[1:])),
            "predicted": subject.predicted,
            "compared_with": ", ".join(drawn[1:]),
            **subject.features.columns(explained[0].tolist()),
            **{
                f"{column} of another label": value
                for column, value in subject.features.columns(explained[1].tolist()).items()
            },
        }

    def _drawn(self, subject: Subject, rng: np.random.Generator) -> list[str]:
        """The label that was found, then others in random order."""
        if len(subject.each) < 2:
            raise RequestFailed(
                Failure("no other label", "there is nothing else that could have been found")
            )
        own, *others = subject.each
        drawn = rng.permutation(len(others))[: self.n_others]
        return [own, *(others[i] for i in drawn)]


def _each_explained(
    explainer: Explainer, subject: Subject, labels: Sequence[Target], sample: Sample
) -> Generator[Any, Any, list[Scores]]:
    """Scores for each label; what an explainer draws is the same for all of them."""
    found = []
    for label in labels:
        game = Game(subject.features, label)
        told = yield from explainer.explain(game, rng_of_sample(sample))
        found.append(told.scores)
    return found
