"""Registers the probes of representations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalsuite import hookimpl

if TYPE_CHECKING:
    from evalsuite.registry import Catalogue

api_version = 1


@hookimpl
def evalsuite_register_probes(registry: Catalogue) -> None:
    """Declare the probes of image, audio and text vectors."""
    for name, factory, summary, media in (
        (
            "linear-probe",
            "linear_probe:LinearProbe",
            "classes read from vectors by logistic regression",
            ("image", "audio", "text"),
        ),
        (
            "knn",
            "neighbours:WeightedNeighbours",
            "classes of the nearest vectors",
            ("image", "audio", "text"),
        ),
        (
            "image-text-geometry",
            "pairs:PairGeometry",
            "modality gap, alignment, uniformity, hubs of images (or clips) and captions",
            ("image", "audio"),
        ),
        (
            "cka",
            "towers:TowerSimilarity",
            "how alike the two towers of a model arrange the same pairs",
            ("image", "audio"),
        ),
    ):
        registry.add(
            f"representation/{name}",
            factory=f"evalsuite_representation.{factory}",
            summary=summary,
            tags=("representation", *media),
        )
