"""Speech recognisers with an encoder and a decoder: which of the library's families run here.

The library lists some twenty families as speech to text. Whisper is run with everything it can do,
Moonshine plainly; what the others do with padding, long clips and languages has not been looked
into, so they are refused.
"""

from __future__ import annotations

from typing import Any

from evalsuite import LoadSettings, ModelError, ModelInfo
from evalsuite_transformers.checkpoint import Checkpoint, open_checkpoint

FAMILIES = {
    "moonshine": "evalsuite_audio.models.moonshine:MoonshineTranscriber",
    "whisper": "evalsuite_audio.models.whisper:WhisperTranscriber",
}


class Loader:
    """The loader behind ``hf/speech-seq2seq:``."""

    def describe(self, reference: str, settings: LoadSettings) -> ModelInfo:
        """What the configuration says."""
        checkpoint = open_checkpoint(reference, settings)
        info: ModelInfo = _class_of(reference, checkpoint).describe(reference, checkpoint)
        return info

    def load(self, reference: str, settings: LoadSettings) -> Any:
        """Load weights and processor."""
        checkpoint = open_checkpoint(reference, settings)
        return _class_of(reference, checkpoint).load(reference, checkpoint)


def _class_of(reference: str, checkpoint: Checkpoint) -> Any:
    """The class of a family; raises ModelError for one that has not been looked into."""
    from evalsuite.registry import import_object

    family = checkpoint.config.model_type
    if family not in FAMILIES:
        raise ModelError(
            f"Model {reference!r} is of the family {family!r}; what it does with padding, long "
            "clips and languages is not known here, so its transcripts could not be trusted. The "
            f"families are {', '.join(sorted(FAMILIES))}; recognisers of frames (wav2vec 2.0, "
            "HuBERT, MMS, Parakeet) run as CTC transcribers."
        )
    return import_object(FAMILIES[family])
