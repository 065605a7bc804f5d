"""What probes that let an explainer be chosen have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from evalsuite import Attribute, Metric, Sample, UsageError
from evalsuite_explain.explainers.catalogue import ASKING, COMPLETE, make_explainer, needs_of
from evalsuite_explain.explainers.game import (
    COMPLETENESS_TOLERANCE,
    Explaining,
    Explanation,
    Game,
)
from evalsuite_explain.targets import Target


@dataclass(frozen=True)
class ExplainerChoice:
    """The options of a probe that explains, beside those of the probe's own kind.

    Args:
        explainer: One of integrated_gradients, input_x_gradient, saliency, smooth_grad, deep_lift,
            grad_cam, attention_rollout, relevance, input_magnitude, which need a model whose
            gradients are open; or occlusion, shapley, sampled_shapley, kernel_shap, lime, random,
            which need its answers only.
        settings: The explainer's own: of integrated_gradients n_steps (without it they are doubled
            until the completeness error is under tolerance, up to most_steps), tolerance and
            most_steps; n_samples, noise and seed of smooth_grad, window of occlusion,
            n_permutations of sampled_shapley, n_samples of kernel_shap and lime, kernel_width and
            ridge of lime.
    """

    explainer: str = "integrated_gradients"
    settings: Mapping[str, Any] = field(default_factory=dict)

    asked: ClassVar[tuple[type[Any], ...]] = ()

    def __post_init__(self) -> None:
        """Refuse an unknown explainer, or settings that it does not have."""
        getattr(super(), "__post_init__", lambda: None)()
        make_explainer(self.explainer, self.settings)

    @property
    def needs(self) -> tuple[type[Any], ...]:
        """What the probe asks itself, and gradients where its explainer is of that kind."""
        return needs_of(self.explainer, self.asked)

    def advice(self, lacking: Sequence[str]) -> str:
        """The explainers that need answers only, where gradients are all that is lacking."""
        return advice_on("explainer", lacking)

    def explained(self, features: Any, target: Target, sample: Sample) -> Explaining:
        """Ask the explainer; whatever it draws depends on the sample alone."""
        rng = rng_of_sample(sample)
        explainer = make_explainer(self.explainer, self.settings)
        return (yield from explainer.explain(Game(features, target), rng))


@dataclass(frozen=True)
class UnitChoice:
    """The option of a probe whose samples may belong together, beside those of its own kind.

    Args:
        cluster_by: Field whose samples belong together (a document, a drawing, a speaker), and are
            resampled whole for the intervals; samples are the unit without.
    """

    cluster_by: str = ""

    def over_units(self, metrics: Sequence[Any]) -> Sequence[Metric]:
        """Summaries over samples, whose intervals resample the unit."""
        return tuple(replace(metric, clusters=self.cluster_by or None) for metric in metrics)

    def unit(self, sample: Sample) -> dict[str, Any]:
        """The unit's column; raises DataError where the sample has no such field."""
        return {self.cluster_by: sample[self.cluster_by]} if self.cluster_by else {}


def rng_of_sample(sample: Sample) -> np.random.Generator:
    """Random numbers that depend on what a sample holds, not on its place or company."""
    return np.random.default_rng(int(sample.content_hash[:12], 16))


def advice_on(option: str, lacking: Sequence[str]) -> str:
    """What to set an option to where gradients are all that a model does not give."""
    if list(lacking) != [Attribute.__name__]:
        return ""
    return f"set {option} to what needs answers only: {', '.join(ASKING)}"


def completeness_columns(
    explained: Mapping[str, Explanation], tolerance: float = COMPLETENESS_TOLERANCE
) -> dict[str, Any]:
    """By how much the first explanation's scores miss their total, and whether any does too far.

    Only explainers that are meant to share the total out can miss it too far (``is_incomplete``,
    which the report flags); where there are none, that and ``n_steps`` are None.

    Args:
        explained: Of each explainer, by name.
        tolerance: Largest error, as a share of the total.
    """
    first = next(iter(explained.values()))
    complete = [found for name, found in explained.items() if name in COMPLETE]
    steps = [float(found.n_steps) for found in complete if found.n_steps]
    missed = [found.relative_error > tolerance for found in complete]
    return {
        "completeness_error": first.completeness_error,
        "relative_error": first.relative_error,
        "is_incomplete": any(missed) if missed else None,
        "n_steps": max(steps, default=None),
    }


def check_explainers(
    names: Sequence[str], settings: Mapping[str, Mapping[str, Any]], fewest: int
) -> None:
    """Refuse a list of too few or equal explainers, unknown ones, and settings of none of them."""
    if len(names) < fewest or len(set(names)) != len(names):
        least = "one explainer or more" if fewest == 1 else "two or more explainers"
        raise UsageError(f"explainers must name {least}, each once.")
    unknown = [name for name in settings if name not in names]
    if unknown:
        raise UsageError(
            f"explainer_settings has settings of {unknown[0]!r}, which is not among explainers."
        )
    for name in names:
        make_explainer(name, settings.get(name, {}))
