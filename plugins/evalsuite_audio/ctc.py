"""Transcribers with a CTC head through transformers, greedily decoded.

A clip's frames end where its own samples end: frames of padding are never decoded, so that the
company of a longer clip adds no letters. Models trained without an attention mask cannot be padded
at all; they hear one clip at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import AutoModelForCTC

import evalsuite
from evalsuite import Failure, LoadSettings, ModelInfo, Request, Transcribe, Transcript
from evalsuite_transformers.checkpoint import (
    Checkpoint,
    fingerprint,
    load_processor,
    load_weights,
    open_checkpoint,
)
from evalsuite_transformers.torch_model import TorchModel, count_parameters

METHODS = frozenset({"transcribe"})


class Loader:
    """The loader behind ``hf/ctc-transcriber:``."""

    def describe(self, reference: str, settings: LoadSettings) -> ModelInfo:
        """What the configuration says."""
        checkpoint = open_checkpoint(reference, settings)
        checkpoint.refuse_unknown_options()
        return _info(reference, checkpoint)

    def load(self, reference: str, settings: LoadSettings) -> CtcTranscriber:
        """Load weights and processor."""
        checkpoint = open_checkpoint(reference, settings)
        checkpoint.refuse_unknown_options()
        processor = load_processor(checkpoint)
        module = load_weights(AutoModelForCTC, checkpoint)
        return CtcTranscriber(reference, checkpoint, module, processor)


def _info(reference: str, checkpoint: Checkpoint, **facts: Any) -> ModelInfo:
    return ModelInfo(
        name=f"hf:{reference}",
        kind="CTC transcriber",
        modalities=frozenset({"audio"}),
        methods=METHODS,
        revision=checkpoint.revision,
        **facts,
    )


class CtcTranscriber(TorchModel):
    """A speech encoder with a letter at every frame."""

    def __init__(self, reference: str, checkpoint: Checkpoint, module: Any, processor: Any) -> None:
        """Find out whether this model can be padded."""
        self.processor = processor
        self.extractor = processor.feature_extractor
        self.sample_rate_hz = int(self.extractor.sampling_rate)
        self.can_pad = bool(getattr(self.extractor, "return_attention_mask", False))
        self.blank = int(module.config.pad_token_id)
        info = _info(
            reference,
            checkpoint,
            n_parameters=count_parameters(module),
            sample_rate_hz=self.sample_rate_hz,
            details={
                "class": type(module).__name__,
                "decoding": "greedy",
                "batches": "padded, with a mask" if self.can_pad else "one clip at a time",
            },
        )
        mark = fingerprint(
            checkpoint.reference,
            checkpoint.revision,
            module.dtype,
            version=evalsuite.__version__,
        )
        super().__init__(info, mark, module)

    def cost(self, request: Request) -> int:
        """Frames, of 320 samples as in wav2vec 2.0."""
        if isinstance(request, Transcribe):
            return 1 + len(request.audio.load(self.sample_rate_hz)[0]) // 320
        return 1

    def transcribe(self, requests: Sequence[Transcribe]) -> list[Transcript | Failure]:
        """Transcripts; a clip shorter than the model's first window is a failure."""
        waveforms = [request.audio.load(self.sample_rate_hz)[0] for request in requests]
        frames = [self._n_frames(len(waveform)) for waveform in waveforms]
        answers: list[Transcript | Failure] = [
            Failure("too short", f"{len(w)} samples make no frame of this model") for w in waveforms
        ]
        audible = [i for i, n in enumerate(frames) if n > 0]
        groups = [audible] if self.can_pad else [[i] for i in audible]
        for group in filter(None, groups):
            ids = self._best_letters([waveforms[i] for i in group])
            for row, index in zip(ids, group):
                row[frames[index] :] = self.blank
                text = self.processor.tokenizer.decode(row.tolist())
                answers[index] = Transcript(text)
        return answers

    def _n_frames(self, n_samples: int) -> int:
        count = self.module._get_feat_extract_output_lengths(torch.tensor(n_samples))
        return max(0, int(count))

    def _best_letters(self, waveforms: list[Any]) -> torch.Tensor:
        """The most probable letter of each frame, shape [clips, frames]."""
        inputs = self.processor(
            audio=waveforms,
            sampling_rate=self.sample_rate_hz,
            padding=self.can_pad,
            return_tensors="pt",
        ).to(self.device)
        values = {
            name: value.to(self.dtype) if value.is_floating_point() else value
            for name, value in inputs.items()
        }
        with torch.inference_mode():
            logits = self.module(**values).logits.float()
        return logits.argmax(-1).cpu()
