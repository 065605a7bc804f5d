"""``imported:NAME``: a model of which only another harness's log is known."""

from __future__ import annotations

from evalsuite import LoadSettings, ModelInfo, Request
from evalsuite.content import sha256_of


class Loader:
    """The loader behind ``imported:``; its options are facts of the log, for the provenance."""

    def describe(self, reference: str, settings: LoadSettings) -> ModelInfo:
        """A model that answers nothing."""
        return ModelInfo(
            name=f"imported:{reference}",
            kind="model known by the log of another harness",
            modalities=frozenset(),
            methods=frozenset(),
            details={str(key): str(value) for key, value in settings.options.items()},
        )

    def load(self, reference: str, settings: LoadSettings) -> ImportedModel:
        """There is nothing to load."""
        return ImportedModel(self.describe(reference, settings))


class ImportedModel:
    """A model that cannot be asked anything."""

    def __init__(self, info: ModelInfo) -> None:
        """Keep the description."""
        self.info = info
        told = "\n".join(f"{key}={value}" for key, value in sorted(info.details.items()))
        self.fingerprint = sha256_of(info.name.encode(), told.encode())

    def cost(self, request: Request) -> int:
        """Never asked."""
        del request
        return 1

    def close(self) -> None:
        """Nothing to free."""
