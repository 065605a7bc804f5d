"""Do several explainers say the same? Descriptive: neither agreement nor brevity is truth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, ClassVar

import numpy as np

from evalsuite import Card, Mean, Metric, Null, Probe, Sample
from evalsuite_explain.explainers.catalogue import make_explainer, needs_of
from evalsuite_explain.measures.agreement import (
    expected_top_jaccard,
    kendall,
    spearman,
    top_jaccard,
)
from evalsuite_explain.measures.complexity import entropy, gini
from evalsuite_explain.probes.chosen import SubjectChoice
from evalsuite_explain.probes.explaining import check_explainers, rng_of_sample
from evalsuite_explain.probes.measuring import defined
from evalsuite_explain.probes.subjects import Subject

_UNRELATED = Null(0.0, margin=0.05, side="above", why="unrelated explainers")


@dataclass(frozen=True)
class Agreement(SubjectChoice, Probe):
    """Agreement of explainers about the same answer, pair by pair.

    Args:
        explainers: Two or more; of those that explain/attribution takes.
        explainer_settings: Of those that have settings, {explainer: {setting: value}}.
        k: Features whose overlap is looked at.
    """

    explainers: tuple[str, ...] = ("integrated_gradients", "occlusion", "sampled_shapley")
    explainer_settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    k: int = 3

    name: ClassVar[str] = "explain/agreement"
    family: ClassVar[Any] = "explainability"
    card: ClassVar[Card] = Card(
        measures="How far explainers agree about the same input: rank correlations, and the "
        "overlap of the k features that each ranks first; and how concentrated each one's scores "
        "are.",
        does_not_measure="Which of them is right; two may agree and both be wrong.",
        reference="Krishna et al. 2022, The disagreement problem in explainable machine learning",
        critique="Explainers of one family agree by construction.",
    )

    def __post_init__(self) -> None:
        """Refuse what is no comparison of known explainers."""
        super().__post_init__()
        check_explainers(self.explainers, self.explainer_settings, fewest=2)

    @property
    def needs(self) -> tuple[type[Any], ...]:  # type: ignore[override]
        """What the subject asks, and gradients where an explainer takes them."""
        found = [kind for name in self.explainers for kind in needs_of(name, self.asked)]
        return tuple(dict.fromkeys(found))

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """Means over all pairs, then each pair and each explainer."""
        return (
            Mean("spearman", name="agreement in rank", null=_UNRELATED, primary=True),
            Mean("kendall", name="Kendall's tau", null=_UNRELATED),
            Mean(
                "top_jaccard",
                name=f"overlap of the first {self.k}",
                chance="chance",
                null=_UNRELATED,
            ),
            *(
                Mean(f"spearman {a} {b}", name=f"agreement in rank, {a} and {b}")
                for a, b in combinations(self.explainers, 2)
            ),
            *(Mean(f"gini {name}", name=f"sparseness of {name}") for name in self.explainers),
            *(Mean(f"entropy {name}", name=f"complexity of {name}") for name in self.explainers),
        )

    def ask(self, sample: Sample, context: Any) -> Any:
        """Ask every explainer, then compare."""
        subject: Subject = yield from self.finder.subject(sample, context)
        scores: dict[str, Any] = {}
        for name in self.explainers:
            explainer = make_explainer(name, self.explainer_settings.get(name, {}))
            found = yield from explainer.explain(subject.game, rng_of_sample(sample))
            scores[name] = found.scores
        n = len(subject.features)
        k = min(self.k, n)
        return {
            **dict(_pair_columns(scores, k)),
            "chance": expected_top_jaccard(n, k),
            **{f"gini {name}": defined(gini(own)) for name, own in scores.items()},
            **{f"entropy {name}": defined(entropy(own)) for name, own in scores.items()},
            "predicted": subject.predicted,
            **subject.features.columns(scores[self.explainers[0]].tolist()),
        }


def _pair_columns(scores: Mapping[str, Any], k: int) -> Iterator[tuple[str, float | None]]:
    pairs = list(combinations(scores, 2))
    ranks = {(a, b): spearman(scores[a], scores[b]) for a, b in pairs}
    for (a, b), value in ranks.items():
        yield f"spearman {a} {b}", defined(value)
    yield "spearman", _mean(list(ranks.values()))
    yield "kendall", _mean([kendall(scores[a], scores[b]) for a, b in pairs])
    yield "top_jaccard", _mean([top_jaccard(scores[a], scores[b], k) for a, b in pairs])


def _mean(values: Sequence[float]) -> float | None:
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else None
