"""Explain any answer of any model by several explainers, and hold each explanation to the model."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from evalsuite import Card, Mean, Metric, Null, Probe, Proportion, Sample
from evalsuite_explain.explainers.catalogue import COMPLETE, make_explainer, needs_of
from evalsuite_explain.explainers.game import COMPLETENESS_TOLERANCE, Explanation, Game
from evalsuite_explain.measures.complexity import entropy, gini
from evalsuite_explain.probes.chosen import SubjectChoice
from evalsuite_explain.probes.explaining import (
    advice_on,
    check_explainers,
    completeness_columns,
    rng_of_sample,
)
from evalsuite_explain.probes.measuring import MEASURES, Measured, Measuring, defined
from evalsuite_explain.probes.subjects import Subject

RANDOM_DRAWS = 3
_BLIND = Null(0.0, margin=0.01, side="above", why="no better than a random explainer")
_GAINS = (
    ("deletion_gain", "deletion gain over random"),
    ("insertion_gain", "insertion gain over random"),
    ("gain", "comprehensiveness over random"),
    ("area_gain", "normalised area over random"),
)


@dataclass(frozen=True)
class Attribution(SubjectChoice, Measuring, Probe):
    """Which parts of an input does an answer hang on, and is that so?

    Args:
        explainers: One or more, of which the first is judged. integrated_gradients,
            input_x_gradient, saliency, smooth_grad, deep_lift, grad_cam, attention_rollout,
            relevance and input_magnitude need a model whose gradients are open; occlusion, shapley,
            sampled_shapley, kernel_shap, lime and random its answers only.
        explainer_settings: Of those that have settings, {explainer: {setting: value}}.
        tolerance: By how much of the total a complete explainer's scores may miss it.
        steps: Points of the curves of inputs with more features than that and than ``longest``;
            others have one for each feature.
        sets: Random sets of features that are taken away, for infidelity and sensitivity-n.
        share: Of the features in each set.
        exact_up_to: Most features for exact bounds of NAOPC; they take 2 to its power of questions.
        beam: Width of the beam search for bounds of more features.
        longest: Most features for any bounds; 0 asks for none. The primary metric is then the gain
            of the deletion area, which compares explainers but not models.
    """

    explainers: tuple[str, ...] = ("integrated_gradients",)
    explainer_settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    tolerance: float = COMPLETENESS_TOLERANCE

    name: ClassVar[str] = "explain/attribution"
    family: ClassVar[Any] = "explainability"
    card: ClassVar[Card] = Card(
        measures="How much faster the answer falls when parts of the input are taken away in an "
        "explainer's order than in random order, and how much faster it rises when they are put "
        "back (deletion, insertion); what is lost without the parts ranked first "
        "(comprehensiveness) and with only them (sufficiency); how near the order comes to the "
        "best that the input allows (NAOPC: 0 the worst, 1 the best); and how well scores foresee "
        "drops (infidelity as the share left unexplained, sensitivity-n, completeness). Random "
        "explainers and occlusion go through the same.",
        does_not_measure="Whether people find the explanation plausible, or whether it follows the "
        "weights (see the sanity checks). Areas compare explainers on one model; between models "
        "use NAOPC, for flatter outputs have smaller areas.",
        reference="Petsiuk et al. 2018, RISE; DeYoung et al. 2020, ERASER; Edin et al. 2024, "
        "Normalized AOPC; Yeh et al. 2019; Ancona et al. 2018; Sundararajan et al. 2017",
        critique="Inputs with parts taken away are unlike any the model was trained on. Of more "
        "features than exact_up_to the bounds are a beam search's, of more than longest there are "
        "none.",
    )

    def __post_init__(self) -> None:
        """Refuse what is not known, or cannot be asked."""
        super().__post_init__()
        check_explainers(self.explainers, self.explainer_settings, fewest=1)

    @property
    def needs(self) -> tuple[type[Any], ...]:  # type: ignore[override]
        """What the subject asks, and gradients where an explainer takes them."""
        found = [need for name in self.explainers for need in needs_of(name, self.asked)]
        return tuple(dict.fromkeys(found))

    def advice(self, lacking: Sequence[str]) -> str:
        """The explainers that need answers only, where gradients are all that is lacking."""
        return advice_on("explainers", lacking)

    @property
    def _measures(self) -> Sequence[tuple[str, str, Any]]:
        """Those that are asked for."""
        return [row for row in MEASURES if self.longest or row[0] != "normalised_area"]

    @property
    def _beside(self) -> tuple[str, ...]:
        """What goes through the same as the first explainer: the others, occlusion, random ones."""
        first, *others = self.explainers
        named = (*(name for name in others if name != "random"), "occlusion", "random")
        return tuple(name for name in dict.fromkeys(named) if name not in {first} - {"random"})

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """Of the first explainer, then of what it stands beside."""
        return (
            *self._gains("", ""),
            *(Mean(c, name=name, direction=better) for c, name, better in self._measures),
            *(m for name in self._beside for m in self._metrics_beside(name)),
            *self._completeness(),
            Mean("gini", name="sparseness"),
            Mean("entropy", name="complexity", direction="neither"),
        )

    def _gains(self, suffix: str, told: str) -> Iterator[Metric]:
        primary = "area_gain" if self.longest else "deletion_gain"
        for column, name in _GAINS:
            if self.longest or column != "area_gain":
                yield Mean(
                    f"{column}{suffix}",
                    name=f"{name}{told}",
                    null=_BLIND,
                    direction="higher is better",
                    primary=column == primary and not suffix,
                )

    def _metrics_beside(self, name: str) -> Iterator[Metric]:
        told = " of a random explainer" if name == "random" else f" of {name}"
        if name in self.explainers:
            yield from self._gains(f" of {name}", told)
        for column, measure, _ in self._measures:
            yield Mean(f"{column} of {name}", name=f"{measure}{told}")

    def _completeness(self) -> Iterator[Metric]:
        yield Mean("completeness_error", name="completeness error", direction="lower is better")
        if any(name in COMPLETE for name in self.explainers):
            told = f"explanations that miss completeness by more than {self.tolerance:.3g}"
            yield Proportion("is_incomplete", name=told, direction="lower is better")
        if "integrated_gradients" in self.explainers:
            yield Mean("n_steps", name="steps of integrated gradients", direction="neither")

    def ask(self, sample: Sample, context: Any) -> Any:
        """Explain, then take parts away in the order of each explainer, occlusion and chance."""
        subject: Subject = yield from self.finder.subject(sample, context)
        rng, n = rng_of_sample(sample), len(subject.features)
        explained = yield from self._explained(subject, sample)
        rivals = [rng.standard_normal(n) for _ in range(RANDOM_DRAWS)]
        every = [*(own.scores for own in explained.values()), *rivals]
        found = yield from self.measured(subject, every, rng)
        measured = dict(zip(explained, found))
        random = Measured.mean(found[len(explained) :])
        first, *_ = self.explainers
        chosen = {name: explained[name] for name in self.explainers}
        return {
            "predicted": subject.predicted,
            "explainer": first,
            "output": float(random.curves.deletion[0]),
            **{name: defined(v) for name, v in measured[first].over(random).items()},
            **{name: defined(v) for name, v in measured[first].values.items()},
            **completeness_columns(chosen, self.tolerance),
            "gini": defined(gini(explained[first].scores)),
            "entropy": defined(entropy(explained[first].scores)),
            "n_features": n,
            **dict(self._columns_beside({**measured, "random": random})),
            **dict(self._drawn(subject, chosen, measured, random)),
        }

    def _explained(
        self, subject: Subject, sample: Sample
    ) -> Generator[Any, Any, dict[str, Explanation]]:
        """By each explainer, and by occlusion."""
        found = {}
        game = Game(subject.features, subject.explained)
        for name in dict.fromkeys((*self.explainers, "occlusion")):
            explainer = make_explainer(name, self.explainer_settings.get(name, {}))
            found[name] = yield from explainer.explain(game, rng_of_sample(sample))
        return found

    def _columns_beside(self, measured: Mapping[str, Measured]) -> Iterator[tuple[str, Any]]:
        for name in self._beside:
            values = dict(measured[name].values)
            if name in self.explainers:
                values |= measured[name].over(measured["random"])
            for column, value in values.items():
                yield f"{column} of {name}", defined(value)

    def _drawn(
        self,
        subject: Subject,
        explained: Mapping[str, Explanation],
        measured: Mapping[str, Measured],
        random: Measured,
    ) -> Iterator[tuple[str, str]]:
        """Each explainer's map and curves; the first one's are named for none."""
        for name, found in explained.items():
            suffix = f" of {name}" if name != self.explainers[0] else ""
            scores = found.scores.tolist()
            columns = {**subject.features.columns(scores), **measured[name].drawn(random)}
            for column, value in columns.items():
                yield f"{column}{suffix}", value
