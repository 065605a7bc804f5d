"""Small ClapModels that hear clips of exactly one second, from their words to their files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from transformers import ClapConfig, ClapFeatureExtractor, ClapModel, ClapProcessor

from evalsuite_controls.recipes.training import save_half
from evalsuite_controls.recipes.vocabulary import (
    END,
    END_ID,
    PAD_ID,
    START,
    START_ID,
    word_tokenizer,
)

MEL_BINS = SIDE = 64
HEARD_AT_ONCE = 100


@dataclass(frozen=True)
class Size:
    """How large a model is.

    Attributes:
        text_width, text_layers: Of the text encoder.
        audio_width: Of the sound encoder's first stage; each further one is twice as wide.
        stages: Of the sound encoder.
        patch: Side of a patch of the spectrogram, in cells.
        projection: Dimensions of the embeddings.
        max_length: Of a text, in tokens.
        positions: Of the text encoder.
    """

    text_width: int
    text_layers: int
    audio_width: int
    stages: int
    patch: int
    projection: int
    max_length: int
    positions: int


class Clap:
    """A ClapModel of random weights, its tokenizer, and its features.

    Attributes:
        module: The model.
        tokenizer: Of the words given.
        extractor: Up to half of the clips' own rate; clips of a second are not cropped or repeated.
    """

    def __init__(self, words: Iterable[str], sample_rate_hz: int, size: Size) -> None:
        """Make the model; the global generator of torch draws its weights."""
        self.tokenizer = word_tokenizer(words, size.max_length, cls_token=START, sep_token=END)
        self.extractor = ClapFeatureExtractor(
            feature_size=MEL_BINS,
            sampling_rate=sample_rate_hz,
            hop_length=sample_rate_hz * 16 // 1000,
            max_length_s=1,
            fft_window_size=sample_rate_hz * 64 // 1000,
            frequency_min=0,
            frequency_max=sample_rate_hz // 2,
            truncation="rand_trunc",
            padding="repeatpad",
        )
        self.module = ClapModel(_config(len(self.tokenizer), size))

    def inputs(self, waveforms: Sequence[np.ndarray]) -> torch.Tensor:
        """Log-mel features of clips of one second, (clips, 1, frames, bins)."""
        told = {"sampling_rate": self.extractor.sampling_rate, "return_tensors": "pt"}
        starts = range(0, len(waveforms), HEARD_AT_ONCE)
        parts = (list(waveforms[start : start + HEARD_AT_ONCE]) for start in starts)
        return torch.cat([self.extractor(part, **told)["input_features"] for part in parts])

    def similarities(self, features: torch.Tensor, texts: list[str]) -> torch.Tensor:
        """Scaled similarities of clips and texts, (clips, texts)."""
        encoded = self.tokenizer(
            texts, padding=True, return_tensors="pt", return_token_type_ids=False
        )
        is_longer = torch.zeros(len(features), 1, dtype=torch.bool)
        found = self.module(input_features=features, is_longer=is_longer, **encoded)
        similarities: torch.Tensor = found.logits_per_audio
        return similarities

    def save(self, directory: Path) -> None:
        """Write the model and its processor."""
        save_half(self.module, str(directory))
        processor = ClapProcessor(feature_extractor=self.extractor, tokenizer=self.tokenizer)
        processor.save_pretrained(str(directory))


def _config(vocabulary_size: int, size: Size) -> ClapConfig:
    return ClapConfig(
        text_config={
            "vocab_size": vocabulary_size,
            "hidden_size": size.text_width,
            "num_hidden_layers": size.text_layers,
            "num_attention_heads": 2,
            "intermediate_size": 2 * size.text_width,
            "max_position_embeddings": size.positions,
            "pad_token_id": PAD_ID,
            "bos_token_id": START_ID,
            "eos_token_id": END_ID,
            "hidden_dropout_prob": 0.0,
            "attention_probs_dropout_prob": 0.0,
        },
        audio_config={
            "window_size": 4,
            "num_mel_bins": MEL_BINS,
            "spec_size": SIDE,
            "patch_size": size.patch,
            "patch_stride": [size.patch, size.patch],
            "patch_embeds_hidden_size": size.audio_width,
            "hidden_size": size.audio_width * 2 ** (size.stages - 1),
            "depths": [1] * size.stages,
            "num_attention_heads": [2 * 2**stage for stage in range(size.stages)],
            "num_hidden_layers": size.stages,
            "hidden_dropout_prob": 0.0,
        },
        projection_dim=size.projection,
    )
