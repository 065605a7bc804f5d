"""``hf:REFERENCE``: find the kind of a transformers checkpoint from its configuration alone.

Every kind is a scheme of its own (``hf/causal-language-model``), declared by the plugin that
implements it with tags that say which configurations it takes:

    ``model_type:NAME``    the configuration's ``model_type``
    ``file:PATH``          the checkpoint holds this file beside its configuration
    ``head:NAME``          the saved class is the one that MODEL_FOR_NAME_MAPPING gives its type
    ``architecture:NAME``  the saved class's name ends with NAME, e.g. ``ForSequenceClassification``
    ``base-of:NAME``       the saved class is the bare model of a type in MODEL_FOR_NAME_MAPPING
    ``mapping:NAME``       the configuration's class is in MODEL_FOR_NAME_MAPPING

Earlier rules win over later ones: BART could be asked as a causal language model, but what was
saved is a sequence-to-sequence model; a wav2vec 2.0 ForSequenceClassification hears, for its type
is in the mapping of audio classifiers. A plugin can add an architecture without touching this one.
"""

from __future__ import annotations

from pathlib import Path

from transformers import PreTrainedConfig
from transformers.models.auto import modeling_auto

from evalsuite import LoadSettings, Model, ModelError, ModelInfo
from evalsuite.registry import Entry, installed
from evalsuite_transformers.checkpoint import Checkpoint, open_checkpoint, quiet

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
        return kind_of(checkpoint.config, reference, settings)


def kind_of(
    config: PreTrainedConfig, reference: str, settings: LoadSettings | None = None
) -> Entry:
    """The registered kind that takes a configuration.

    Raises:
        ModelError: No installed plugin takes it.
    """
    kinds = [entry for entry in installed().models if entry.name.startswith(PREFIX)]
    checkpoint = Checkpoint(str(Path(reference).expanduser()), config, settings or LoadSettings())
    for takes in (_by_model_type, _by_file, _by_head, _by_architecture, _by_base, _by_mapping):
        for entry in kinds:
            if takes(entry, checkpoint):
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


def _by_model_type(entry: Entry, checkpoint: Checkpoint) -> bool:
    return checkpoint.config.model_type in _tags(entry, "model_type")


def _by_file(entry: Entry, checkpoint: Checkpoint) -> bool:
    return any(checkpoint.file(path) is not None for path in _tags(entry, "file"))


def _by_architecture(entry: Entry, checkpoint: Checkpoint) -> bool:
    endings = tuple(_tags(entry, "architecture"))
    names = checkpoint.config.architectures or ()
    return bool(endings) and any(name.endswith(endings) for name in names)


def _by_head(entry: Entry, checkpoint: Checkpoint) -> bool:
    saved = set(checkpoint.config.architectures or ())
    return any(
        saved & _classes(f"MODEL_FOR_{name}_MAPPING_NAMES", checkpoint.config)
        for name in _tags(entry, "head")
        if _has_shape(name, checkpoint.config)
    )


def _by_base(entry: Entry, checkpoint: Checkpoint) -> bool:
    config = checkpoint.config
    saved = set(config.architectures or ())
    return bool(saved & _classes("MODEL_MAPPING_NAMES", config)) and any(
        _classes(f"MODEL_FOR_{name}_MAPPING_NAMES", config) and _has_shape(name, config)
        for name in _tags(entry, "base-of")
    )


def _by_mapping(entry: Entry, checkpoint: Checkpoint) -> bool:
    config = checkpoint.config
    return any(
        type(config) in getattr(modeling_auto, f"MODEL_FOR_{name}_MAPPING")
        for name in _tags(entry, "mapping")
        if _has_shape(name, config)
    )


def _classes(mapping: str, config: PreTrainedConfig) -> set[str]:
    """Names of the classes that one of transformers' mappings gives a type of model."""
    found = getattr(modeling_auto, mapping).get(config.model_type, ())
    return {found} if isinstance(found, str) else set(found)


def _has_shape(mapping: str, config: PreTrainedConfig) -> bool:
    """Whether a configuration is what a mapping's name promises.

    The mapping of sequence-to-sequence models also lists decoders that hear speech, and those of
    causal and masked models also list models with an encoder and a decoder.
    """
    has_both = bool(getattr(config, "is_encoder_decoder", False))
    if mapping == "SEQ_TO_SEQ_CAUSAL_LM":
        return has_both
    return not (has_both and mapping in ("CAUSAL_LM", "MASKED_LM"))
