"""CLAP through transformers: unit vectors of sounds and texts in one space.

The library's feature extractor crops long clips at random, from a generator nobody seeds, and in
its fusion mode flags a random clip of a batch as long when none is. Here each clip is prepared
alone, under a seed made from its own samples, and flagged by its own length: the same clip always
gives the same features, in any company.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

import evalsuite
from evalsuite import (
    EmbedAudio,
    Embedding,
    EmbedText,
    LoadSettings,
    ModelInfo,
    Request,
    Similarity,
    SimilarityScale,
)
from evalsuite_transformers.checkpoint import Checkpoint, fingerprint
from evalsuite_transformers.dual_encoder import DualEncoderKind
from evalsuite_transformers.torch_model import TorchModel, count_parameters
from evalsuite_transformers.vectors import unit_rows

KIND = DualEncoderKind("audio")


class Loader:
    """The loader behind ``hf/audio-text-dual-encoder:``."""

    def describe(self, reference: str, settings: LoadSettings) -> ModelInfo:
        """What the configuration says."""
        return KIND.describe(reference, settings)

    def load(self, reference: str, settings: LoadSettings) -> AudioTextDualEncoder:
        """Load weights and processor."""
        model: AudioTextDualEncoder = KIND.load(reference, settings, AudioTextDualEncoder)
        return model


class AudioTextDualEncoder(TorchModel):
    """A ClapModel."""

    def __init__(self, reference: str, checkpoint: Checkpoint, module: Any, processor: Any) -> None:
        """Take the sample rate from the feature extractor."""
        self.processor = processor
        self.extractor = processor.feature_extractor
        self.sample_rate_hz = int(self.extractor.sampling_rate)
        # Four crops at once crash a model without fusion, whatever its extractor was saved with.
        is_fused = bool(getattr(checkpoint.config.audio_config, "enable_fusion", False))
        self.truncation = str(self.extractor.truncation) if is_fused else "rand_trunc"
        # RoBERTa-like towers number positions from the padding index on.
        text_config = checkpoint.config.text_config
        self.max_text_length = int(text_config.max_position_embeddings) - 2
        info = KIND.info(
            reference,
            checkpoint,
            n_parameters=count_parameters(module),
            sample_rate_hz=self.sample_rate_hz,
            details={
                "class": type(module).__name__,
                "feature extractor": type(self.extractor).__name__,
                "long clips": f"{self.truncation}, places drawn from the clip's own hash",
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
        """A clip is one fixed-size spectrogram; a text counts its tokens, estimated."""
        if isinstance(request, EmbedText):
            return min(self.max_text_length, 2 + len(request.text) // 3)
        return 64

    def embed_audio(self, requests: Sequence[EmbedAudio]) -> list[Embedding]:
        """Unit vectors of clips."""
        prepared = [self._features(request) for request in requests]
        features = torch.cat([features for features, _ in prepared])
        is_longer = torch.cat([longer for _, longer in prepared])
        with torch.inference_mode():
            output = self.module.get_audio_features(
                input_features=features.to(self.device, self.dtype),
                is_longer=is_longer.to(self.device),
            )
        return unit_rows(output)

    def _features(self, request: EmbedAudio) -> tuple[torch.Tensor, torch.Tensor]:
        waveform, _ = request.audio.load(self.sample_rate_hz)
        with _numpy_seed_of(waveform):
            inputs = self.extractor(
                waveform,
                sampling_rate=self.sample_rate_hz,
                truncation=self.truncation,
                return_tensors="pt",
            )
        return inputs["input_features"], torch.tensor([[self._is_longer(len(waveform))]])

    def _is_longer(self, n_samples: int) -> bool:
        """Whether a clip has more frames than the model hears at once, so that crops differ."""
        hop = int(self.extractor.hop_length)
        is_fused = self.truncation == "fusion"
        return is_fused and n_samples // hop > int(self.extractor.nb_max_samples) // hop

    def embed_text(self, requests: Sequence[EmbedText]) -> list[Embedding]:
        """Unit vectors of texts."""
        inputs = self.processor.tokenizer(
            [request.text for request in requests],
            padding=True,
            truncation=True,
            max_length=self.max_text_length,
            return_tensors="pt",
        ).to(self.device)
        with torch.inference_mode():
            output = self.module.get_text_features(
                input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"]
            )
        return unit_rows(output)

    def similarity_scale(self, requests: Sequence[SimilarityScale]) -> list[Similarity]:
        """The learned temperature of the audio side."""
        scale = float(self.module.logit_scale_a.detach().float().exp())
        return [Similarity(scale)] * len(requests)


@contextmanager
def _numpy_seed_of(waveform: Any) -> Iterator[None]:
    """Seed numpy's global generator from a waveform's samples, and put it back afterwards."""
    digest = hashlib.sha256(np.ascontiguousarray(waveform).tobytes()).digest()
    before = np.random.get_state()  # noqa: NPY002  (the extractor draws from it)
    np.random.seed(int.from_bytes(digest[:4], "little"))  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(before)  # noqa: NPY002
