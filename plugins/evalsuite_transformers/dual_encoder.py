"""What loaders of dual encoders share, whatever the other tower reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from transformers import AutoModel

from evalsuite import LoadSettings, ModelInfo
from evalsuite_transformers.checkpoint import (
    Checkpoint,
    load_processor,
    load_weights,
    open_checkpoint,
)


@dataclass(frozen=True)
class DualEncoderKind:
    """A text tower beside another one.

    Attributes:
        medium: What the other tower reads, ``image`` or ``audio``.
        options: Model options that the kind has besides those of every checkpoint.
    """

    medium: str
    options: frozenset[str] = frozenset()

    def info(self, reference: str, checkpoint: Checkpoint, **facts: Any) -> ModelInfo:
        """What is known of a checkpoint; ``facts`` are the further fields of ModelInfo."""
        return ModelInfo(
            name=f"hf:{reference}",
            kind=f"{self.medium}-text dual encoder",
            modalities=frozenset({self.medium, "text"}),
            methods=frozenset(
                {"embed_text", f"embed_{self.medium}", "similarity_scale", "differentiate"}
            ),
            revision=checkpoint.revision,
            **facts,
        )

    def describe(self, reference: str, settings: LoadSettings) -> ModelInfo:
        """What the configuration says."""
        return self.info(reference, self._opened(reference, settings))

    def load(
        self,
        reference: str,
        settings: LoadSettings,
        make: Callable[[str, Checkpoint, Any, Any], Any],
    ) -> Any:
        """``make(reference, checkpoint, module, processor)`` of the loaded parts."""
        checkpoint = self._opened(reference, settings)
        processor = load_processor(checkpoint)
        return make(reference, checkpoint, load_weights(AutoModel, checkpoint), processor)

    def _opened(self, reference: str, settings: LoadSettings) -> Checkpoint:
        checkpoint = open_checkpoint(reference, settings)
        checkpoint.refuse_unknown_options(self.options)
        return checkpoint
