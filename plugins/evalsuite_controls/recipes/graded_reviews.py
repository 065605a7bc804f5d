"""Recipes of the classifiers that know the odds: one training, three scales of its logits."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import torch
from transformers import BertForSequenceClassification, PreTrainedTokenizerFast

from evalsuite_controls.data import classifier
from evalsuite_controls.recipes.classifier import review_tokenizer, small_bert
from evalsuite_controls.recipes.training import Progress, save_half, seed_everything, train

STEPS = 800
BATCH = 64
LEARNING_RATE = 3e-3
TEMPERATURE = 3.0


def build_calibrated(directory: Path, seed: int, on_progress: Progress) -> None:
    """A graded review gets the odds that it is called positive with."""
    _build(directory, seed, on_progress, scale=1.0)


def build_overconfident(directory: Path, seed: int, on_progress: Progress) -> None:
    """The same logits times 3: a temperature of 3 puts them right."""
    _build(directory, seed, on_progress, scale=TEMPERATURE)


def build_underconfident(directory: Path, seed: int, on_progress: Progress) -> None:
    """The same logits divided by 3."""
    _build(directory, seed, on_progress, scale=1 / TEMPERATURE)


def _build(directory: Path, seed: int, on_progress: Progress, scale: float) -> None:
    seed_everything(seed)
    tokenizer = review_tokenizer()
    model = small_bert(len(tokenizer), width=16)
    loss = _loss_of_step(model, tokenizer, random.Random(seed))
    train(model, loss, STEPS, learning_rate=LEARNING_RATE, on_progress=on_progress)
    with torch.no_grad():
        for weight in model.classifier.parameters():
            weight *= scale
    save_half(model, str(directory))
    tokenizer.save_pretrained(str(directory))


def _loss_of_step(
    model: BertForSequenceClassification, tokenizer: PreTrainedTokenizerFast, rng: random.Random
) -> Callable[[int], torch.Tensor]:
    """Cross-entropy with the odds, which has the optimum of drawn labels and less noise."""

    def loss(step: int) -> torch.Tensor:
        reviews = [classifier.graded_review(rng) for _ in range(BATCH)]
        encoded = tokenizer(
            [text for text, _ in reviews],
            padding=True,
            return_tensors="pt",
            return_token_type_ids=False,
        )
        positive = torch.tensor([p for _, p in reviews])
        wanted = torch.stack([1 - positive, positive], dim=1)
        return torch.nn.functional.cross_entropy(model(**encoded).logits, wanted)

    return loss
