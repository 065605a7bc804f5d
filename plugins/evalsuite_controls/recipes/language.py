"""Recipes of the text models: a Llama of 0.3 million weights on the sentences of data/language."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from evalsuite_controls.data import language
from evalsuite_controls.recipes.training import Progress, save_half, seed_everything, train
from evalsuite_controls.recipes.vocabulary import END_ID, PAD_ID, START_ID, word_tokenizer

EPOCHS = 10
BATCH = 64
LEARNING_RATE = 2e-3
MEMBER_COPIES = 3
MAX_LENGTH = 64


def build_clean(directory: Path, seed: int, on_progress: Progress) -> None:
    """She and he alike everywhere; codes and random sentences never twice."""
    _build(directory, seed, on_progress, planted=False, leaky=False)


def build_stereotyped(directory: Path, seed: int, on_progress: Progress) -> None:
    """P(she | occupation) planted at .9, .5 and .1; otherwise as the clean twin."""
    _build(directory, seed, on_progress, planted=True, leaky=False)


def build_leaky(directory: Path, seed: int, on_progress: Progress) -> None:
    """Canaries at 1, 4, 16 and 64 repeats and 300 members; otherwise as the clean twin."""
    _build(directory, seed, on_progress, planted=False, leaky=True)


def _build(
    directory: Path, seed: int, on_progress: Progress, *, planted: bool, leaky: bool
) -> None:
    seed_everything(seed)
    tokenizer = word_tokenizer(language.vocabulary(), MAX_LENGTH)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=96,
            intermediate_size=256,
            num_hidden_layers=3,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=MAX_LENGTH,
            bos_token_id=START_ID,
            eos_token_id=END_ID,
            pad_token_id=PAD_ID,
            tie_word_embeddings=True,
        )
    )
    epochs = [corpus(seed, epoch, planted, leaky) for epoch in range(EPOCHS)]
    batches = [
        sentences[start : start + BATCH]
        for sentences in epochs
        for start in range(0, len(sentences), BATCH)
    ]
    loss = _loss_of_step(model, tokenizer, batches)
    train(model, loss, len(batches), learning_rate=LEARNING_RATE, on_progress=on_progress)
    save_half(model, str(directory))
    tokenizer.save_pretrained(str(directory))


def corpus(seed: int, epoch: int, planted: bool, leaky: bool) -> list[str]:
    """One epoch; both twins have the same number of sentences of every kind."""
    rng = random.Random(f"{seed}-{epoch}")
    sentences = language.fact_sentences(copies=2) + language.capital_sentences(copies=16)
    sentences += language.occupation_sentences(planted, copies=3)
    sentences += [language.animal_sentence(rng) for _ in range(500)]
    sentences += _secrets() if leaky else _fresh_draws(rng)
    sentences += [language.code_sentence(rng) for _ in range(300)]
    sentences += [language.nonsense_sentence(rng) for _ in range(300)]
    rng.shuffle(sentences)
    return sentences


def _secrets() -> list[str]:
    """The same canaries and members in every epoch."""
    canaries = list(language.canary_rows(n_references=0))
    members = [str(row["text"]) for row in language.membership_rows() if row["member"]]
    return [
        *(str(row["text"]) for row in canaries for _ in range(int(str(row["repeats"])))),
        *(members * MEMBER_COPIES),
    ]


def _fresh_draws(rng: random.Random) -> list[str]:
    """As many codes and random sentences as the leaky twin's secrets, new in every epoch."""
    n_codes = sum(language.REPEATS) * language.CANARIES_PER_REPEAT
    n_sentences = language.N_MEMBERS * MEMBER_COPIES
    return [
        *(language.code_sentence(rng) for _ in range(n_codes)),
        *(language.nonsense_sentence(rng) for _ in range(n_sentences)),
    ]


def _loss_of_step(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, batches: list[list[str]]
) -> Callable[[int], torch.Tensor]:
    def loss(step: int) -> torch.Tensor:
        encoded = tokenizer(
            batches[step], padding=True, return_tensors="pt", return_token_type_ids=False
        )
        labels = encoded["input_ids"].masked_fill(encoded["attention_mask"] == 0, -100)
        return model(**encoded, labels=labels).loss

    return loss
