"""Tiny real speech models with random weights, of every family that hears waveforms."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import transformers
from transformers import ASTConfig, Wav2Vec2FeatureExtractor

from evalsuite import Audio

RATE_HZ = 16_000
# Frames of 105 samples, every 40.
TINY = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 2,
    "conv_dim": [16, 16, 16],
    "conv_stride": [5, 4, 2],
    "conv_kernel": [10, 8, 4],
}
FAMILIES = {
    "Wav2Vec2": {"do_stable_layer_norm": True},
    "Hubert": {},
    "WavLM": {"num_buckets": 8},
    "UniSpeech": {},
    "UniSpeechSat": {},
    "Wav2Vec2Conformer": {"conv_depthwise_kernel_size": 3},
    "Data2VecAudio": {"conv_pos_kernel_size": 3, "num_conv_pos_embeddings": 3},
    "SEW": {"squeeze_factor": 2},
    "SEWD": {"squeeze_factor": 2},
}
# Those that padding leaves alone where they normalise by layer.
PADDED = ("Wav2Vec2", "Hubert", "WavLM", "UniSpeech", "UniSpeechSat")


def module_of(family: str, head: str, norm: str = "layer", **facts: Any) -> torch.nn.Module:
    """A model of random weights, always the same ones."""
    torch.manual_seed(0)
    told = {**TINY, **FAMILIES[family], "feat_extract_norm": norm, **facts}
    config = getattr(transformers, f"{family}Config")(**told)
    module: torch.nn.Module = getattr(transformers, f"{family}{head}")(config)
    return module


def extractor_of(norm: str = "layer", has_mask: bool | None = None) -> Wav2Vec2FeatureExtractor:
    """What prepares waveforms; it tells of padding as published models of this norm do."""
    has_mask = norm == "layer" if has_mask is None else has_mask
    return Wav2Vec2FeatureExtractor(sampling_rate=RATE_HZ, return_attention_mask=has_mask)


def tiny_ast(**facts: Any) -> ASTConfig:
    """A spectrogram transformer that hears 64 frames of 32 bands."""
    return ASTConfig(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        patch_size=8,
        frequency_stride=8,
        time_stride=8,
        max_length=64,
        num_mel_bins=32,
        **facts,
    )


def noises(*lengths: int) -> list[Audio]:
    """Clips of so many samples, each of other noise."""
    rng = np.random.default_rng(0)
    return [
        Audio.from_array((0.1 * rng.standard_normal(n)).astype(np.float32), RATE_HZ)
        for n in lengths
    ]
