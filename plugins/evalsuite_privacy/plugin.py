"""Registers the privacy-leakage probes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalsuite import hookimpl

if TYPE_CHECKING:
    from evalsuite.registry import Catalogue

api_version = 1


@hookimpl
def evalsuite_register_probes(registry: Catalogue) -> None:
    """Declare the probes."""
    registry.add(
        "privacy/membership-inference",
        factory="evalsuite_privacy.membership:MembershipInference",
        summary="can members of the training data be told by their likelihood?",
        tags=("privacy", "text"),
    )
    registry.add(
        "privacy/canary-exposure",
        factory="evalsuite_privacy.exposure:CanaryExposure",
        summary="how far do planted secrets stand out among others of their kind?",
        tags=("privacy", "text"),
    )
