"""Registers the ``hf:`` scheme, which finds the kind of a model from its configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalsuite import hookimpl

if TYPE_CHECKING:
    from evalsuite.registry import Catalogue

api_version = 1


@hookimpl
def evalsuite_register_models(registry: Catalogue) -> None:
    """Declare the dispatching scheme; kinds are declared by the plugins that implement them."""
    registry.add(
        "hf",
        factory="evalsuite_transformers.dispatch:Dispatcher",
        summary="any supported transformers checkpoint: a hub name or a directory",
    )
