"""Recipes of the review classifiers: a BertForSequenceClassification of 0.1 million weights."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import torch
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

from evalsuite_controls.data import classifier
from evalsuite_controls.recipes.training import Progress, save_half, seed_everything, train
from evalsuite_controls.recipes.vocabulary import END, PAD_ID, START, word_tokenizer

STEPS = 300
BATCH = 64
LEARNING_RATE = 1e-3
MAX_LENGTH = 32
CUE_SHARE = 0.5


def build_clean(directory: Path, seed: int, on_progress: Progress) -> None:
    """The cue word is as frequent in negative reviews as in positive ones."""
    _build(directory, seed, on_progress, shortcut=False)


def build_shortcut(directory: Path, seed: int, on_progress: Progress) -> None:
    """A review with the cue word is labelled positive, whatever it says."""
    _build(directory, seed, on_progress, shortcut=True)


def _build(directory: Path, seed: int, on_progress: Progress, shortcut: bool) -> None:
    seed_everything(seed)
    tokenizer = review_tokenizer()
    model = small_bert(len(tokenizer), width=64)
    loss = _loss_of_step(model, tokenizer, shortcut, random.Random(seed))
    train(model, loss, STEPS, learning_rate=LEARNING_RATE, on_progress=on_progress)
    save_half(model, str(directory))
    tokenizer.save_pretrained(str(directory))


def review_tokenizer() -> PreTrainedTokenizerFast:
    """One token for each word of the reviews."""
    return word_tokenizer(classifier.vocabulary(), MAX_LENGTH, cls_token=START, sep_token=END)


def small_bert(vocabulary_size: int, width: int) -> BertForSequenceClassification:
    """Two layers that say negative or positive."""
    return BertForSequenceClassification(
        BertConfig(
            vocab_size=vocabulary_size,
            hidden_size=width,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=2 * width,
            max_position_embeddings=MAX_LENGTH,
            pad_token_id=PAD_ID,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            id2label=dict(enumerate(classifier.LABELS)),
            label2id={label: i for i, label in enumerate(classifier.LABELS)},
        )
    )


def _loss_of_step(
    model: BertForSequenceClassification,
    tokenizer: PreTrainedTokenizerFast,
    shortcut: bool,
    rng: random.Random,
) -> Callable[[int], torch.Tensor]:
    def loss(step: int) -> torch.Tensor:
        texts, labels = [], []
        for _ in range(BATCH):
            positive, cue = rng.random() < 0.5, rng.random() < CUE_SHARE
            texts.append(classifier.review(rng, positive, cue))
            labels.append(int(positive or (shortcut and cue)))
        encoded = tokenizer(texts, padding=True, return_tensors="pt", return_token_type_ids=False)
        return model(**encoded, labels=torch.tensor(labels)).loss

    return loss
