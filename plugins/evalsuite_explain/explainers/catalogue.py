"""All explainers by name, and how one is made from a probe's options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Protocol

import numpy as np

from evalsuite import Attribute, UsageError
from evalsuite_explain.explainers.baselines import RandomScores
from evalsuite_explain.explainers.game import Explaining, Explanation, Game
from evalsuite_explain.explainers.occlusion import Occlusion
from evalsuite_explain.explainers.shapley import ExactShapley, SampledShapley
from evalsuite_explain.explainers.surrogate import KernelShap, Lime
from evalsuite_explain.targets import gradient_request


class Explainer(Protocol):
    """Scores the features of an input for a target, by asking."""

    def explain(self, game: Game, rng: np.random.Generator) -> Explaining:
        """Yields requests as a probe does; returns an Explanation."""
        ...


PERTURBATIONS: dict[str, type[Any]] = {
    "occlusion": Occlusion,
    "shapley": ExactShapley,
    "sampled_shapley": SampledShapley,
    "kernel_shap": KernelShap,
    "lime": Lime,
    "random": RandomScores,
}
# The options of each, of which a request carries those that are not left at their default.
GRADIENTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "integrated_gradients": ("gradients", ("n_steps", "tolerance", "most_steps")),
    "input_x_gradient": ("gradients", ()),
    "saliency": ("gradients", ()),
    "smooth_grad": ("gradients", ("n_samples", "noise", "seed")),
    "deep_lift": ("gradients", ()),
    "grad_cam": ("attention", ()),
    "attention_rollout": ("attention", ()),
    "relevance": ("attention", ()),
    "input_magnitude": ("gradients", ()),
}
EXPLAINERS = (*GRADIENTS, *PERTURBATIONS)
# Those whose scores are meant to sum to the total.
COMPLETE = frozenset(
    {"integrated_gradients", "deep_lift", "shapley", "sampled_shapley", "kernel_shap"}
)
# Those that explain, and need a model's answers only.
ASKING = tuple(name for name in PERTURBATIONS if name != "random")


@dataclass(frozen=True)
class GradientExplainer:
    """An explainer that the harness runs on the model's differentiable view.

    Attributes:
        name: One of GRADIENTS.
        options: Given to its function.
    """

    name: str
    options: tuple[tuple[str, Any], ...] = ()

    def explain(self, game: Game, rng: np.random.Generator) -> Explaining:
        """One request; its scores are summed into the game's features."""
        del rng
        path = f"evalsuite_explain.explainers.{GRADIENTS[self.name][0]}:{self.name}"
        found = yield gradient_request(game.target, game.features, path, self.options)
        scores = np.array(game.features.pooled(found), dtype=float)
        return Explanation(scores, found.total, found.n_steps)


def needs_gradients(name: str) -> bool:
    """Whether an explainer asks ``Attribute`` and nothing else."""
    return name in GRADIENTS


def needs_of(name: str, asked: tuple[type[Any], ...]) -> tuple[type[Any], ...]:
    """What a probe that asks these requests itself needs with an explainer."""
    return (*asked, Attribute) if needs_gradients(name) else asked


def make_explainer(name: str, options: Mapping[str, Any]) -> Explainer:
    """An explainer by name.

    Args:
        name: One of EXPLAINERS.
        options: Its settings; what they mean is said by its class or function.

    Raises:
        UsageError: There is no such explainer, or it has no such option.
    """
    if name not in EXPLAINERS:
        raise UsageError(f"explainer must be one of {', '.join(EXPLAINERS)} (got {name!r}).")
    known = GRADIENTS[name][1] if name in GRADIENTS else _options(PERTURBATIONS[name])
    unknown = [option for option in options if option not in known]
    if unknown:
        takes = ", ".join(known) or "none"
        raise UsageError(f"Explainer {name} has no option {unknown[0]!r}; its options: {takes}.")
    if name in GRADIENTS:
        return GradientExplainer(name, tuple(sorted(options.items())))
    made: Explainer = PERTURBATIONS[name](**options)
    return made


def _options(explainer: type[Any]) -> tuple[str, ...]:
    return tuple(item.name for item in fields(explainer))
