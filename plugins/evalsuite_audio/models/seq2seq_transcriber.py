"""What recognisers with an encoder and a decoder share: how they are described and loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from transformers import AutoModelForSpeechSeq2Seq

import evalsuite
from evalsuite import ModelInfo
from evalsuite_transformers.checkpoint import (
    Checkpoint,
    fingerprint,
    load_processor,
    load_weights,
)
from evalsuite_transformers.torch_model import TorchModel, count_parameters


class Seq2SeqTranscriber(TorchModel):
    """Base: a family says its options, what it answers, and how it is set up.

    Attributes:
        options: The model options.
        tokenizer, extractor: The two halves of the processor.
        sample_rate_hz: What sounds are resampled to.
    """

    options_class: ClassVar[Any]
    methods: ClassVar[frozenset[str]] = frozenset({"transcribe"})

    @classmethod
    def describe(cls, reference: str, checkpoint: Checkpoint) -> ModelInfo:
        """What the configuration says."""
        cls.options_class.of(checkpoint)
        return cls._info(reference, checkpoint)

    @classmethod
    def load(cls, reference: str, checkpoint: Checkpoint) -> Self:
        """Load weights and processor."""
        options = cls.options_class.of(checkpoint)
        processor = load_processor(checkpoint)
        module = load_weights(AutoModelForSpeechSeq2Seq, checkpoint)
        return cls(reference, checkpoint, options, module, processor)

    def __init__(
        self,
        reference: str,
        checkpoint: Checkpoint,
        options: Any,
        module: Any,
        processor: Any,
    ) -> None:
        """Set the model up as its family wants it, and keep what is known of it."""
        self.options = options
        self.tokenizer, self.extractor = processor.tokenizer, processor.feature_extractor
        self.sample_rate_hz = int(self.extractor.sampling_rate)
        details = {"class": type(module).__name__, **self.set_up(reference, module)}
        info = self._info(
            reference,
            checkpoint,
            n_parameters=count_parameters(module),
            sample_rate_hz=self.sample_rate_hz,
            details=details,
        )
        mark = fingerprint(
            checkpoint.reference,
            checkpoint.revision,
            module.dtype,
            options,
            version=evalsuite.__version__,
        )
        super().__init__(info, mark, module)

    def set_up(self, reference: str, module: Any) -> Mapping[str, str]:
        """Set the checkpoint's own generation settings aside; what a report says of the model."""
        raise TypeError(f"{type(self).__name__} does not say how {reference!r} is set up")

    @classmethod
    def _info(cls, reference: str, checkpoint: Checkpoint, **facts: Any) -> ModelInfo:
        return ModelInfo(
            name=f"hf:{reference}",
            kind="speech sequence-to-sequence transcriber",
            modalities=frozenset({"audio"}),
            methods=cls.methods,
            revision=checkpoint.revision,
            **facts,
        )
