"""Transcribers with a CTC head through transformers, greedily decoded.

A clip's frames end where its own samples end: frames of padding are never decoded, so that the
company of a longer clip adds no letters. That is not enough where padding reaches the clip's own
frames: through statistics over time (group normalisation), through several positional convolutions
in a row, or through relative positions counted from the padded end. Such models hear one clip at a
time, whatever their attention mask says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import AutoModelForCTC

import evalsuite
from evalsuite import (
    Failure,
    LoadSettings,
    ModelError,
    ModelInfo,
    Request,
    Transcribe,
    Transcript,
)
from evalsuite_audio.models.padding import ALONE, PADDED, can_pad
from evalsuite_transformers.checkpoint import (
    Checkpoint,
    fingerprint,
    load_processor,
    load_weights,
    open_checkpoint,
)
from evalsuite_transformers.torch_model import TorchModel, count_parameters

METHODS = frozenset({"transcribe"})

# They read a spectrogram, which is normalised over the clip; also one at a time.
SPECTROGRAM = frozenset({"wav2vec2-bert", "parakeet_ctc"})
FAMILIES = PADDED | ALONE | SPECTROGRAM
# Two windows of 25 ms: fewer leave no variance to normalise a spectrogram by.
SHORTEST_SPECTROGRAM_S = 0.05


class Loader:
    """The loader behind ``hf/ctc-transcriber:``."""

    def describe(self, reference: str, settings: LoadSettings) -> ModelInfo:
        """What the configuration says."""
        return _info(reference, _open(reference, settings))

    def load(self, reference: str, settings: LoadSettings) -> CtcTranscriber:
        """Load weights and processor."""
        checkpoint = _open(reference, settings)
        processor = load_processor(checkpoint)
        module = load_weights(AutoModelForCTC, checkpoint)
        return CtcTranscriber(reference, checkpoint, module, processor)


def _open(reference: str, settings: LoadSettings) -> Checkpoint:
    """The checkpoint; raises ModelError for a family whose padding has not been looked into."""
    checkpoint = open_checkpoint(reference, settings)
    checkpoint.refuse_unknown_options()
    family = checkpoint.config.model_type
    if family not in FAMILIES:
        raise ModelError(
            f"Model {reference!r} is of the family {family!r}, and whether padding changes its "
            f"transcripts is not known here. The families are {', '.join(sorted(FAMILIES))}."
        )
    return checkpoint


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
        self.reads_spectrogram = module.config.model_type in SPECTROGRAM
        self.can_pad = can_pad(module.config, self.extractor)
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
            return 1 + request.audio.n_samples(self.sample_rate_hz) // 320
        return 1

    def transcribe(self, requests: Sequence[Transcribe]) -> list[Transcript | Failure]:
        """Transcripts, empty ones included.

        A clip without a single frame, or a language that the checkpoint was not loaded for, is a
        failure.
        """
        waveforms = [request.audio.load(self.sample_rate_hz)[0] for request in requests]
        answers: dict[int, Transcript | Failure] = {}
        for index, (request, waveform) in enumerate(zip(requests, waveforms, strict=True)):
            refusal = self._refusal(request, len(waveform))
            if refusal is not None:
                answers[index] = refusal
        audible = [index for index in range(len(requests)) if index not in answers]
        groups = [audible] if self.can_pad else [[index] for index in audible]
        for group in filter(None, groups):
            texts = self._write_down([waveforms[index] for index in group])
            answers.update(zip(group, map(Transcript, texts), strict=True))
        return [answers[index] for index in range(len(requests))]

    def _refusal(self, request: Transcribe, n_samples: int) -> Failure | None:
        """Why a clip cannot be transcribed, or None."""
        spoken = getattr(self.processor.tokenizer, "target_lang", None)
        if spoken and request.language and request.language != spoken:
            return Failure("other language", f"this checkpoint writes {spoken!r}")
        if self.reads_spectrogram:
            is_audible = n_samples >= SHORTEST_SPECTROGRAM_S * self.sample_rate_hz
        else:
            is_audible = self._n_frames(torch.tensor([n_samples]))[0] > 0
        if is_audible:
            return None
        return Failure("too short", f"{n_samples} samples make no frame of this model")

    def _n_frames(self, lengths: torch.Tensor) -> list[int]:
        """Frames that inputs of these lengths (samples, or rows of a spectrogram) come to."""
        count = getattr(self.module, "_get_subsampling_output_length", None)
        count = count or self.module._get_feat_extract_output_lengths
        return [max(0, int(n)) for n in count(lengths)]

    def _write_down(self, waveforms: list[Any]) -> list[str]:
        """The most probable letter of each of a clip's own frames, repeats and blanks removed."""
        inputs = self.extractor(
            waveforms,
            sampling_rate=self.sample_rate_hz,
            padding=self.can_pad,
            return_tensors="pt",
        ).to(self.device)
        values = {
            name: value.to(self.dtype) if value.is_floating_point() else value
            for name, value in inputs.items()
        }
        with torch.inference_mode():
            letters = self.module(**values).logits.float().argmax(-1).cpu()
        lengths = torch.tensor([len(waveform) for waveform in waveforms])
        if self.reads_spectrogram:
            lengths = inputs["attention_mask"].sum(-1).cpu()
        decode = self.processor.tokenizer.decode
        return [
            decode(row[:n].tolist())
            for row, n in zip(letters, self._n_frames(lengths), strict=True)
        ]
