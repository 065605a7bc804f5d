"""``hf:REFERENCE``: find the kind of a transformers checkpoint from its configuration alone.

Every kind is a scheme of its own (``hf/causal-language-model``), declared by the plugin that
implements it with tags that say which configurations it takes:

    ``mapping:NAME``       the configuration's class is in transformers' MODEL_FOR_NAME_MAPPING
    ``model_type:NAME``    the configuration's ``model_type``; wins over any mapping
    ``architecture:NAME``  ends with NAME, e.g. ``ForSequenceClassification``; wins over a mapping

so that a plugin can add an architecture without touching this one.
"""

from __future__ import annotations

from transformers import PreTrainedConfig
from transformers.models.auto import modeling_auto

from evalsuite import LoadSettings, Model, ModelError, ModelInfo
from evalsuite.registry import Entry, installed
from evalsuite_transformers.checkpoint import open_checkpoint, quiet

PREFIX = "hf/"


class Dispatcher:
    """The loader behind ``hf:``."""

    def describe(self, reference: str, settings: LoadSettings) -> ModelInfo:
        """Read the configuration and let the kind it selects describe the model."""
        entry = self._entry_for(reference, settings)
        info: ModelInfo = entry.load()().describe(reference, settings)
        return info

    def load(self, reference: str, settings: LoadSettings) -> Model:
        """Load the model through the kind its configuration selects."""
        entry = self._entry_for(reference, settings)
        model: Model = entry.load()().load(reference, settings)
        return model

    def _entry_for(self, reference: str, settings: LoadSettings) -> Entry:
        quiet()
        checkpoint = open_checkpoint(reference, settings)
        return kind_of(checkpoint.config, reference)


def kind_of(config: PreTrainedConfig, reference: str) -> Entry:
    """The registered kind that takes a configuration.

    Raises:
        ModelError: No installed plugin takes it.
    """
    kinds = [entry for entry in installed().models if entry.name.startswith(PREFIX)]
    for takes in (_by_model_type, _by_architecture, _by_mapping):
        for entry in kinds:
            if takes(entry, config):
                return entry
    names = ", ".join(entry.name for entry in kinds)
    raise ModelError(
        f"Model {reference!r} has the architecture {config.architectures or config.model_type!r}, "
        f"which no installed plugin can run. The kinds installed are {names}; name one instead of "
        "`hf:` if you know that it fits."
    )


def _tags(entry: Entry, key: str) -> set[str]:
    prefix = f"{key}:"
    return {tag.removeprefix(prefix) for tag in entry.tags if tag.startswith(prefix)}


def _by_model_type(entry: Entry, config: PreTrainedConfig) -> bool:
    return config.model_type in _tags(entry, "model_type")


def _by_architecture(entry: Entry, config: PreTrainedConfig) -> bool:
    endings = tuple(_tags(entry, "architecture"))
    names = config.architectures or ()
    return bool(endings) and any(name.endswith(endings) for name in names)


def _by_mapping(entry: Entry, config: PreTrainedConfig) -> bool:
    for name in _tags(entry, "mapping"):
        mapping = getattr(modeling_auto, f"MODEL_FOR_{name}_MAPPING")
        if type(config) in mapping:
            return True
    return False
