"""Is an explanation lost with the model's weights, and kept where the input hardly moves?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evalsuite import Attribute, Card, Mean, Metric, Null, Probe, Sample, UsageError
from evalsuite_explain.explainers.catalogue import GRADIENTS
from evalsuite_explain.measures.agreement import spearman
from evalsuite_explain.measures.fidelity import max_sensitivity
from evalsuite_explain.probes.chosen import SubjectChoice
from evalsuite_explain.probes.explaining import ExplainerChoice, rng_of_sample
from evalsuite_explain.probes.measuring import defined
from evalsuite_explain.probes.subjects import Subject
from evalsuite_explain.targets import gradient_request

Options = tuple[tuple[str, Any], ...]
_ALTERED = "evalsuite_explain.explainers.altered"


@dataclass(frozen=True)
class Sanity(SubjectChoice, ExplainerChoice, Probe):
    """Sanity check of an explainer: what is left of it where the model is ever more random?

    Args:
        explainer: One that looks into the model: integrated_gradients, input_x_gradient, saliency,
            smooth_grad, deep_lift, grad_cam, attention_rollout, relevance or input_magnitude.
        shares: Of the layers that are drawn anew, from the output backwards; the last is 1.
        radius: How far inputs are moved, as a share of their standard deviation.
        n_nearby: Moved inputs, of which the furthest explanation counts.
    """

    shares: tuple[float, ...] = (0.25, 0.5, 0.75, 1.0)
    radius: float = 0.02
    n_nearby: int = 5

    name: ClassVar[str] = "explain/sanity"
    family: ClassVar[Any] = "explainability"
    card: ClassVar[Card] = Card(
        measures="How far an explainer's ranking of the features is lost (1 - Spearman's "
        "correlation) when the layers of the model are drawn anew, from the output backwards, with "
        "other weights for every sample; beside it, what two models of random weights share, which "
        "comes from the input alone. And how far scores move when the input moves a little.",
        does_not_measure="Whether the explanation of the intact model is right: passing is needed, "
        "and not enough.",
        reference="Adebayo et al. 2018, Sanity checks for saliency maps; Yeh et al. 2019",
        critique="Inputs of few words correlate by chance, one way or the other, so means over "
        "samples count. What the layers are given (embeddings, pixels) is not drawn anew.",
    )

    def __post_init__(self) -> None:
        """Refuse an explainer that does not look into the model, and no full randomisation."""
        super().__post_init__()
        if self.explainer not in GRADIENTS:
            raise UsageError(
                f"A sanity check draws the weights of an opened model anew, and {self.explainer} "
                f"asks for answers only. Take one of {', '.join(GRADIENTS)}."
            )
        if not self.shares or self.shares[-1] != 1.0 or not all(0 < s <= 1 for s in self.shares):
            raise UsageError("shares must lie above 0 and end with 1, at which all layers are new.")

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """The loss, its null, and how similar explanations are at each stage."""
        stages = (
            Mean(_stage(share), name=f"similarity without the last {share:.0%} of the layers")
            for share in self.shares
        )
        return (
            Mean(
                "loss",
                name="explanation lost with the weights",
                null=Null(0.0, margin=0.5, side="above", why="an explainer blind to the model"),
                direction="higher is better",
                primary=True,
            ),
            Mean("reseeded_loss", name="loss between two models of random weights"),
            *stages,
            Mean("max_sensitivity", name="max-sensitivity", direction="lower is better"),
        )

    def ask(self, sample: Sample, context: Any) -> Any:
        """Everything at once: the intact model, its stages twice over, and nearby inputs."""
        subject: Subject = yield from self.finder.subject(sample, context)
        draws = rng_of_sample(sample).integers(2**31, size=2 + self.n_nearby).tolist()
        asked = [self._request(subject, "", ())]
        for draw in draws[:2]:
            asked += [
                self._request(subject, "redrawn", (("share", share), ("draw", draw)))
                for share in self.shares
            ]
        moved = draws[2:] if GRADIENTS[self.explainer][0] == "gradients" else []
        asked += [
            self._request(subject, "nearby", (("radius", self.radius), ("draw", draw)))
            for draw in moved
        ]
        replies = yield tuple(asked)
        own, *others = [np.array(subject.features.pooled(reply)) for reply in replies]
        k = len(self.shares)
        return {
            **self._similarities(own, others[:k], others[k : 2 * k]),
            "max_sensitivity": defined(max_sensitivity(own, others[2 * k :])) if moved else None,
            "predicted": subject.predicted,
            **subject.features.columns(own.tolist()),
        }

    def advice(self, lacking: Sequence[str]) -> str:
        """None: only an opened model can be drawn anew."""
        del lacking
        return ""

    def _similarities(
        self, own: Any, first: Sequence[Any], second: Sequence[Any]
    ) -> dict[str, Any]:
        stages = {
            _stage(share): defined((spearman(own, a) + spearman(own, b)) / 2)
            for share, a, b in zip(self.shares, first, second, strict=True)
        }
        at_end = stages[_stage(1.0)]
        return {
            "loss": None if at_end is None else 1 - at_end,
            "reseeded_loss": defined(1 - spearman(first[-1], second[-1])),
            **stages,
        }

    def _request(self, subject: Subject, change: str, further: Options) -> Attribute:
        """The explainer itself, or run within a change of the model or the input."""
        path = f"evalsuite_explain.explainers.{GRADIENTS[self.explainer][0]}:{self.explainer}"
        options = tuple(sorted(self.settings.items()))
        if change == "redrawn" and self.explainer == "integrated_gradients" and not options:
            # Random weights bend the path until the most steps, and only ranks are compared.
            options = (("n_steps", 32),)
        if change:
            options += (("explainer", path), *further)
            path = f"{_ALTERED}:{change}"
        return gradient_request(subject.target, subject.features, path, options)


def _stage(share: float) -> str:
    return f"similarity_{share:g}"
