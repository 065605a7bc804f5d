"""A second model that a probe asks about the first one's data: a scorer, or a reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalsuite.errors import UsageError
from evalsuite.executor import unique
from evalsuite.model import Loader, LoadSettings, ModelInfo
from evalsuite.registry import installed
from evalsuite.request import Request
from evalsuite.response import Answer


@dataclass(frozen=True)
class SecondModel:
    """Any model by name, loaded for one set of requests and freed again.

    Attributes:
        name: As models are named everywhere, e.g. ``hf:./my-model``.
    """

    name: str

    def describe(self) -> ModelInfo:
        """What is known of it before its weights are read; raises UsageError for no such name."""
        loader, reference = self._loader()
        return loader.describe(reference, LoadSettings())

    def check(self, *requests: type[Request]) -> None:
        """Refuse a model that cannot be asked these; reads its configuration, not its weights.

        Raises:
            UsageError: It has no such name, or does not answer one of the requests.
        """
        info = self.describe()
        for request in requests:
            if not info.answers(request):
                raise UsageError(
                    f"{self.name!r} is a {info.kind}, which does not answer {request.__name__}."
                )

    def answers(self, requests: Sequence[Request]) -> tuple[Mapping[str, Answer], str]:
        """The answer to every request by its digest, and the model's fingerprint."""
        loader, reference = self._loader()
        model = loader.load(reference, LoadSettings())
        found: dict[str, Answer] = {}
        try:
            executor = installed().require("executor", "local").load()()
            executor.answer(model, list(unique(requests)), found.update)
            return found, str(model.fingerprint)
        finally:
            model.close()

    def _loader(self) -> tuple[Loader, str]:
        scheme, colon, reference = self.name.partition(":")
        if not colon or not reference:
            raise UsageError(
                f"{self.name!r} is not a model name; write scheme:reference, e.g. hf:./my-model. "
                "`evalsuite list models` shows the schemes."
            )
        loader: Any = installed().require("model", scheme).load()()
        return loader, reference
