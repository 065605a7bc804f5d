"""``recorded:NAME``: a deployed system of which only the decisions are known.

It answers nothing. Probes that read decisions from the data (``needs = ()``) can still say whom
the system treats worse; every other probe is not applicable to it.
"""

from __future__ import annotations

from evalsuite.content import sha256_of
from evalsuite.model import LoadSettings, ModelInfo
from evalsuite.request import Request


class Loader:
    """The loader behind ``recorded:``."""

    def describe(self, reference: str, settings: LoadSettings) -> ModelInfo:
        """A model without any capability, called what the user calls the system."""
        del settings
        return ModelInfo(
            name=f"recorded:{reference}",
            kind="system known by its recorded decisions",
            modalities=frozenset(),
            methods=frozenset(),
        )

    def load(self, reference: str, settings: LoadSettings) -> RecordedSystem:
        """There is nothing to load."""
        return RecordedSystem(self.describe(reference, settings))


class RecordedSystem:
    """A model that cannot be asked anything."""

    def __init__(self, info: ModelInfo) -> None:
        """Keep the description."""
        self.info = info
        self.fingerprint = sha256_of(info.name.encode())

    def cost(self, request: Request) -> int:
        """Never asked."""
        del request
        return 1

    def close(self) -> None:
        """Nothing to free."""
