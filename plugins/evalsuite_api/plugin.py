"""Registers the ``api:`` scheme."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalsuite import hookimpl

if TYPE_CHECKING:
    from evalsuite.registry import Catalogue

api_version = 1


@hookimpl
def evalsuite_register_models(registry: Catalogue) -> None:
    """Declare the scheme."""
    registry.add(
        "api",
        factory="evalsuite_api.model:Loader",
        summary="api:MODEL, behind a server that speaks the OpenAI protocol",
        tags=("text", "image", "audio"),
    )
