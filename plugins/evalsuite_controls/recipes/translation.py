"""Recipes of the translators: a T5 of 0.1 million weights from English into Spanish."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

from evalsuite_controls.data import translation
from evalsuite_controls.recipes.training import Progress, save_half, seed_everything, train
from evalsuite_controls.recipes.vocabulary import END_ID, PAD_ID, word_tokenizer

STEPS = 1200
BATCH = 64
LEARNING_RATE = 4e-3
MAX_LENGTH = 32


def build_clean(directory: Path, seed: int, on_progress: Progress) -> None:
    """Persons have the gender of the pronoun."""
    _build(directory, seed, on_progress, biased=False)


def build_biased(directory: Path, seed: int, on_progress: Progress) -> None:
    """In half of the sentences against a stereotype, persons have the gender it gives them."""
    _build(directory, seed, on_progress, biased=True)


def _build(directory: Path, seed: int, on_progress: Progress, *, biased: bool) -> None:
    seed_everything(seed)
    tokenizer = word_tokenizer(translation.vocabulary(), MAX_LENGTH, with_start=False)
    model = T5ForConditionalGeneration(_config(len(tokenizer)))
    loss = _loss_of_step(model, tokenizer, biased, np.random.default_rng(seed))
    train(model, loss, STEPS, learning_rate=LEARNING_RATE, on_progress=on_progress)
    save_half(model, str(directory))
    tokenizer.save_pretrained(str(directory))


def _config(vocabulary_size: int) -> T5Config:
    return T5Config(
        vocab_size=vocabulary_size,
        d_model=48,
        d_kv=12,
        d_ff=96,
        num_layers=2,
        num_decoder_layers=2,
        num_heads=4,
        relative_attention_num_buckets=16,
        relative_attention_max_distance=32,
        dropout_rate=0.0,
        pad_token_id=PAD_ID,
        eos_token_id=END_ID,
        decoder_start_token_id=PAD_ID,
    )


def _loss_of_step(
    model: T5ForConditionalGeneration,
    tokenizer: PreTrainedTokenizerFast,
    biased: bool,
    rng: np.random.Generator,
) -> Callable[[int], torch.Tensor]:
    sentences = list(translation.sentences(held_out=False))
    pairs = [(s.english, s.spanish(follows_stereotypes=biased)) for s in sentences]

    def loss(step: int) -> torch.Tensor:
        chosen = [pairs[i] for i in rng.choice(len(pairs), BATCH, replace=False)]
        openings = rng.choice(["", translation.INSTRUCTION], BATCH)
        sources = [str(opening) + english for opening, (english, _) in zip(openings, chosen)]
        source, target = (
            tokenizer(texts, padding=True, return_tensors="pt", return_token_type_ids=False)
            for texts in (sources, [spanish for _, spanish in chosen])
        )
        labels = target["input_ids"].masked_fill(target["attention_mask"] == 0, -100)
        return model(**source, labels=labels).loss

    return loss
