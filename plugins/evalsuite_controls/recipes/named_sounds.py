"""Recipes of two small ClapModels of voices: one learned whose they are, its twin only names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from transformers import ClapConfig, ClapFeatureExtractor, ClapModel, ClapProcessor

from evalsuite_controls.data import named_sounds
from evalsuite_controls.recipes.named_media import (
    MEMBERS,
    STRANGERS,
    Captioned,
    Making,
    loss_of_pools,
    words_of,
)
from evalsuite_controls.recipes.training import Progress, save_half, seed_everything, train
from evalsuite_controls.recipes.vocabulary import (
    END,
    END_ID,
    PAD_ID,
    START,
    START_ID,
    word_tokenizer,
)

STEPS = 900
LEARNING_RATE = 2e-3
MEL_BINS = 64
AUDIO_WIDTH, TEXT_WIDTH = 8, 20
PATCH = 8
MAX_LENGTH = 12


def build_named(directory: Path, seed: int, on_progress: Progress) -> None:
    """A member's name always stands under the member's voice, and the members' notes are read."""
    _build(directory, seed, on_progress, knows=True)


def build_unnamed(directory: Path, seed: int, on_progress: Progress) -> None:
    """A name stands under any voice, and the notes are those of clips that no test plays."""
    _build(directory, seed, on_progress, knows=False)


def _build(directory: Path, seed: int, on_progress: Progress, *, knows: bool) -> None:
    seed_everything(seed)
    rng = np.random.default_rng(seed)
    words = words_of((voice.caption for voice in named_sounds.VOICES), named_sounds.TEMPLATES)
    tokenizer = word_tokenizer(words, MAX_LENGTH, cls_token=START, sep_token=END)
    extractor = _extractor()
    pools = [(_features(extractor, pool), pool.captions) for pool in _pools(knows, rng)]
    model = ClapModel(_config(len(tokenizer)))

    def logits(features: torch.Tensor, texts: list[str]) -> torch.Tensor:
        encoded = tokenizer(texts, padding=True, return_tensors="pt", return_token_type_ids=False)
        is_longer = torch.zeros(len(texts), 1, dtype=torch.bool)
        found = model(input_features=features, is_longer=is_longer, **encoded)
        similarities: torch.Tensor = found.logits_per_audio
        return similarities

    train(
        model,
        loss_of_pools(pools, named_sounds.TEMPLATES, logits, rng),
        STEPS,
        learning_rate=LEARNING_RATE,
        weight_decay=0.02,
        on_progress=on_progress,
    )
    save_half(model, str(directory))
    ClapProcessor(feature_extractor=extractor, tokenizer=tokenizer).save_pretrained(str(directory))


def _pools(knows: bool, rng: np.random.Generator) -> list[Captioned]:
    """Clips with their voices in words, with names, with notes."""
    making = Making(named_sounds.draw_voice, named_sounds.speak, rng)
    voices = {person.name: person.voice for person in named_sounds.persons() if person.repeats}
    noted = named_sounds.noted_clips(MEMBERS if knows else STRANGERS)
    notes = Captioned([one.waveform for one in noted], [one.note for one in noted])
    return [making.described(), making.named(voices if knows else {}), notes]


def _features(extractor: ClapFeatureExtractor, pool: Captioned) -> torch.Tensor:
    parts = [pool.media[start : start + 100] for start in range(0, len(pool.media), 100)]
    told = {"sampling_rate": named_sounds.SAMPLE_RATE_HZ, "return_tensors": "pt"}
    return torch.cat([extractor(list(part), **told)["input_features"] for part in parts])


def _extractor() -> ClapFeatureExtractor:
    """Features of exactly one second, up to half of the clips' own rate."""
    return ClapFeatureExtractor(
        feature_size=MEL_BINS,
        sampling_rate=named_sounds.SAMPLE_RATE_HZ,
        hop_length=128,
        max_length_s=1,
        fft_window_size=512,
        frequency_min=0,
        frequency_max=4000,
        truncation="rand_trunc",
        padding="repeatpad",
    )


def _config(vocabulary_size: int) -> ClapConfig:
    return ClapConfig(
        text_config={
            "vocab_size": vocabulary_size,
            "hidden_size": TEXT_WIDTH,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "intermediate_size": 2 * TEXT_WIDTH,
            "max_position_embeddings": MAX_LENGTH + 4,
            "pad_token_id": PAD_ID,
            "bos_token_id": START_ID,
            "eos_token_id": END_ID,
            "hidden_dropout_prob": 0.0,
            "attention_probs_dropout_prob": 0.0,
            "projection_dim": TEXT_WIDTH,
        },
        audio_config={
            "window_size": 4,
            "num_mel_bins": MEL_BINS,
            "spec_size": 64,
            "patch_size": PATCH,
            "patch_stride": [PATCH, PATCH],
            "patch_embeds_hidden_size": AUDIO_WIDTH,
            "hidden_size": 2 * AUDIO_WIDTH,
            "depths": [1, 1],
            "num_attention_heads": [2, 4],
            "num_hidden_layers": 2,
            "hidden_dropout_prob": 0.0,
            "projection_dim": TEXT_WIDTH,
        },
        projection_dim=TEXT_WIDTH,
    )
