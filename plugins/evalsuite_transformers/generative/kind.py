"""What loaders of generative models share, whatever their media."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from evalsuite import LoadSettings, ModelError, ModelInfo
from evalsuite_transformers.checkpoint import (
    Checkpoint,
    load_processor,
    load_weights,
    open_checkpoint,
)
from evalsuite_transformers.generative.clips import FAMILIES
from evalsuite_transformers.generative.media import media_of, names_of
from evalsuite_transformers.generative.options import Options
from evalsuite_transformers.generative.prompt import PromptWriter

METHODS = frozenset({"loglikelihood", "token_entropies", "generate", "differentiate"})


@dataclass(frozen=True)
class GenerativeKind:
    """A kind of generative model.

    Attributes:
        name: The kind in the literature's words.
        medium: The medium it is named for, ``image`` or ``audio``; a model with both takes both.
        options: The class of its model options.
    """

    name: str
    medium: str
    options: type[Options] = Options

    def describe(self, reference: str, settings: LoadSettings) -> ModelInfo:
        """What the configuration says."""
        checkpoint = self._opened(reference, settings)
        return self._info(reference, checkpoint, self.options.of(checkpoint, self.medium))

    def _info(self, reference: str, checkpoint: Checkpoint, options: Options) -> ModelInfo:
        return ModelInfo(
            name=f"hf:{reference}",
            kind=self.name,
            modalities=frozenset({"text", *names_of(checkpoint.config, self.medium)}),
            methods=METHODS | options.further_methods,
            revision=checkpoint.revision,
        )

    def load(
        self,
        reference: str,
        settings: LoadSettings,
        auto_class: Callable[[Any], Any],
        make: Callable[[ModelInfo, Checkpoint, Any, PromptWriter], Any],
    ) -> Any:
        """``make(info, checkpoint, module, writer)`` of the loaded parts.

        ``auto_class`` maps a configuration to the transformers class that loads the weights.
        """
        checkpoint = self._opened(reference, settings)
        options = self.options.of(checkpoint, self.medium)
        processor = load_processor(checkpoint)
        media = media_of(processor, checkpoint.config, self.medium)
        writer = PromptWriter(reference, processor, media, options)
        module = load_weights(auto_class(checkpoint.config), checkpoint)
        rates = [medium.sample_rate_hz for medium in media if medium.sample_rate_hz]
        info = self._info(reference, checkpoint, options)
        info = replace(info, sample_rate_hz=rates[0] if rates else None)
        return make(info, checkpoint, module, writer)

    def _opened(self, reference: str, settings: LoadSettings) -> Checkpoint:
        """The checkpoint of the part that reads and writes, which most models are as a whole.

        Qwen-Omni has a part that speaks besides (its talker), which is left out.

        Raises:
            ModelError: How its family takes the medium has not been looked into.
        """
        checkpoint = open_checkpoint(reference, settings)
        thinker = getattr(checkpoint.config, "thinker_config", None)
        if thinker is not None:
            thinker._commit_hash = getattr(checkpoint.config, "_commit_hash", None)
            checkpoint = replace(checkpoint, config=thinker)
        if self.medium not in names_of(checkpoint.config, self.medium):
            raise ModelError(
                f"Model {reference!r} is of the family {checkpoint.config.model_type!r}, and how "
                f"it takes {self.medium} is not known here. The families are "
                f"{', '.join(sorted(FAMILIES))}; name another kind, or `hf:` to have it found."
            )
        return checkpoint
