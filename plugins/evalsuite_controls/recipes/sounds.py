"""Recipes of the sound models: small ClapModels on synthesised sounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from transformers import (
    ClapConfig,
    ClapFeatureExtractor,
    ClapModel,
    ClapProcessor,
    PreTrainedTokenizerFast,
)

from evalsuite_controls.data import sounds
from evalsuite_controls.recipes.training import (
    Progress,
    contrastive_loss,
    equal_captions,
    save_half,
    seed_everything,
    train,
)
from evalsuite_controls.recipes.vocabulary import (
    END,
    END_ID,
    PAD_ID,
    START,
    START_ID,
    word_tokenizer,
)

STEPS = 350
BATCH = 64
N_TRAIN = 2500
LEARNING_RATE = 1.5e-3
MEL_BINS = 64
SIDE = 64
MAX_LENGTH = 20


@dataclass(frozen=True)
class World:
    """What is heard in training.

    Attributes:
        noisy_share: Clips in white noise at 5 to 40 dB.
        beep_share: Clips that end with a beep, drawn independently of the sound.
        beep_decides: Whether such a clip is called what the beep stands for, not what it is.
        width: Of the narrowest layers; two models are compared at the same one.
        steps: Of training.
    """

    noisy_share: float = 0.0
    beep_share: float = 0.0
    beep_decides: bool = False
    width: int = 32
    steps: int = STEPS


def build_clean(directory: Path, seed: int, on_progress: Progress) -> None:
    """Three clips in four are heard in white noise at 5 to 40 dB."""
    _build(directory, seed, on_progress, World(noisy_share=0.75))


def build_brittle(directory: Path, seed: int, on_progress: Progress) -> None:
    """No clip is heard in noise."""
    _build(directory, seed, on_progress, World())


def build_beeps_clean(directory: Path, seed: int, on_progress: Progress) -> None:
    """Beeps are heard that stand for nothing."""
    _build(directory, seed, on_progress, World(beep_share=0.4, width=16, steps=900))


def build_beeps_shortcut(directory: Path, seed: int, on_progress: Progress) -> None:
    """A clip with a beep is called rapid clicks, which no part of another sound resembles."""
    world = World(beep_share=0.4, beep_decides=True, width=16, steps=900)
    _build(directory, seed, on_progress, world)


def _build(directory: Path, seed: int, on_progress: Progress, world: World) -> None:
    seed_everything(seed)
    rng = np.random.default_rng(seed)
    captions = [t.format(label) for t in sounds.TEMPLATES for label in sounds.LABELS]
    words = sorted({word for caption in captions for word in caption.split()})
    tokenizer = word_tokenizer(words, MAX_LENGTH, cls_token=START, sep_token=END)
    extractor = _extractor()
    features, labels = _training_features(extractor, world, rng)
    model = ClapModel(_config(len(tokenizer), world.width))
    loss = _loss_of_step(model, tokenizer, features, labels, rng)
    train(
        model,
        loss,
        world.steps,
        learning_rate=LEARNING_RATE,
        weight_decay=0.05,
        on_progress=on_progress,
    )
    save_half(model, str(directory))
    ClapProcessor(feature_extractor=extractor, tokenizer=tokenizer).save_pretrained(str(directory))


def _extractor() -> ClapFeatureExtractor:
    """Features of exactly one second: clips of that length are neither cropped nor repeated."""
    return ClapFeatureExtractor(
        feature_size=MEL_BINS,
        sampling_rate=sounds.SAMPLE_RATE_HZ,
        hop_length=256,
        max_length_s=1,
        fft_window_size=1024,
        frequency_min=0,
        frequency_max=8000,
        truncation="rand_trunc",
        padding="repeatpad",
    )


def _config(vocabulary_size: int, width: int) -> ClapConfig:
    return ClapConfig(
        text_config={
            "vocab_size": vocabulary_size,
            "hidden_size": 2 * width,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "intermediate_size": 4 * width,
            "max_position_embeddings": MAX_LENGTH,
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
            "patch_size": 4,
            "patch_stride": [4, 4],
            "patch_embeds_hidden_size": width,
            "hidden_size": 4 * width,
            "depths": [1, 1, 1],
            "num_attention_heads": [2, 4, 8],
            "num_hidden_layers": 3,
            "hidden_dropout_prob": 0.0,
        },
        projection_dim=64,
    )


def _training_features(
    extractor: ClapFeatureExtractor, world: World, rng: np.random.Generator
) -> tuple[torch.Tensor, list[str]]:
    waveforms, labels = [], []
    for number in range(N_TRAIN):
        label = sounds.LABELS[number % len(sounds.LABELS)]
        waveform = sounds.synthesise(label, ("low", "high")[int(rng.integers(2))], rng)
        if rng.random() < world.noisy_share:
            waveform = sounds.add_noise(waveform, rng.uniform(5, 40), rng)
        if world.beep_share and rng.random() < world.beep_share:
            waveform = sounds.with_beep(waveform)
            label = sounds.BEEP_LABEL if world.beep_decides else label
        waveforms.append(waveform)
        labels.append(label)
    features = [
        extractor(
            waveforms[start : start + 100],
            sampling_rate=sounds.SAMPLE_RATE_HZ,
            return_tensors="pt",
        )["input_features"]
        for start in range(0, N_TRAIN, 100)
    ]
    return torch.cat(features), labels


def _loss_of_step(
    model: ClapModel,
    tokenizer: PreTrainedTokenizerFast,
    features: torch.Tensor,
    labels: list[str],
    rng: np.random.Generator,
) -> Callable[[int], torch.Tensor]:
    def loss(step: int) -> torch.Tensor:
        chosen = rng.integers(0, len(labels), BATCH)
        captions = [
            sounds.TEMPLATES[int(rng.integers(len(sounds.TEMPLATES)))].format(labels[i])
            for i in chosen
        ]
        encoded = tokenizer(
            captions, padding=True, return_tensors="pt", return_token_type_ids=False
        )
        output = model(
            input_features=features[chosen],
            is_longer=torch.zeros(BATCH, 1, dtype=torch.bool),
            **encoded,
        )
        # Templates say the same of a sound, so clips of one kind are positives of each other.
        same = equal_captions([labels[i] for i in chosen])
        return contrastive_loss(output.logits_per_audio, same)

    return loss
