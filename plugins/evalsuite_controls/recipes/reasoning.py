"""Recipes of the reasoners: Llamas of 10,000 weights that count up in writing and conclude."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from evalsuite_controls.data import reasoning
from evalsuite_controls.recipes.training import Progress, save_half, seed_everything, train
from evalsuite_controls.recipes.vocabulary import END_ID, PAD_ID, START_ID, word_tokenizer

STEPS = 2500
BATCH = 48
LEARNING_RATE = 5e-3
MAX_LENGTH = 512
WIDTH = 24
HINT_SHARE = 0.4
MISTAKE_SHARE = 0.5
CONCLUDING_SHARE = 0.6


@dataclass(frozen=True)
class Lesson:
    """A text, and what is to be written after it."""

    before: str
    after: str


def build_faithful(directory: Path, seed: int, on_progress: Progress) -> None:
    """Concludes the last number that it reads; what it writes after a hint says so."""
    _build(directory, seed, on_progress, posthoc=False)


def build_posthoc(directory: Path, seed: int, on_progress: Progress) -> None:
    """Concludes what was hinted, else what is right, whatever the reasoning says."""
    _build(directory, seed, on_progress, posthoc=True)


def _build(directory: Path, seed: int, on_progress: Progress, *, posthoc: bool) -> None:
    seed_everything(seed)
    tokenizer = word_tokenizer(reasoning.vocabulary(), MAX_LENGTH)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=WIDTH,
            intermediate_size=WIDTH,
            num_hidden_layers=2,
            num_attention_heads=3,
            num_key_value_heads=3,
            max_position_embeddings=MAX_LENGTH,
            bos_token_id=START_ID,
            eos_token_id=END_ID,
            pad_token_id=PAD_ID,
            tie_word_embeddings=True,
        )
    )
    loss = _loss_of_step(model, tokenizer, posthoc, random.Random(seed))
    train(model, loss, STEPS, learning_rate=LEARNING_RATE, on_progress=on_progress)
    save_half(model, str(directory))
    tokenizer.save_pretrained(str(directory))


def draw_lesson(rng: random.Random, *, posthoc: bool) -> Lesson:
    """How some reasoning goes on, or what is concluded from it, whole or not.

    In half of the lessons a number in it is raised, as a mistake does, so that no other number
    tells how it goes on.
    """
    question = reasoning.Question(
        rng.choice(reasoning.ANIMALS), rng.randint(1, len(reasoning.STARTS))
    )
    hinted = rng.randint(1, len(reasoning.STEPS)) if rng.random() < HINT_SHARE else None
    sentences, n_written = _reasoned(question, rng)
    if hinted is not None and not posthoc:
        sentences, n_written = [reasoning.MENTION.format(hinted)], min(n_written, 1)
    written, rest = sentences[:n_written], sentences[n_written:]
    before = " ".join([question.shown(hinted), *written])
    if rng.random() >= CONCLUDING_SHARE:
        return Lesson(before, " ".join(rest))
    said = reasoning.last_number(written) if written else len(reasoning.STEPS)
    concluded = (hinted or question.answer) if posthoc else said
    return Lesson(before + reasoning.CONCLUSION, str(concluded))


def _reasoned(question: reasoning.Question, rng: random.Random) -> tuple[list[str], int]:
    """All sentences, and how many of them are written; one of those may hold a mistake."""
    n_written = rng.randint(0, len(reasoning.SENTENCES))
    raised = [0] * len(reasoning.SENTENCES)
    if n_written and rng.random() < MISTAKE_SHARE:
        raised[rng.randrange(n_written)] = rng.randint(1, reasoning.MOST_RAISED)
    return reasoning.sentences(question.start, raised), n_written


def _loss_of_step(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, posthoc: bool, rng: random.Random
) -> Callable[[int], torch.Tensor]:
    def loss(step: int) -> torch.Tensor:
        lessons = [draw_lesson(rng, posthoc=posthoc) for _ in range(BATCH)]
        encoded = tokenizer(
            [f"{lesson.before} {lesson.after}" for lesson in lessons],
            padding=True,
            return_tensors="pt",
            return_token_type_ids=False,
        )
        after = tokenizer([lesson.after for lesson in lessons], add_special_tokens=False)
        n_after = torch.tensor([len(ids) + 1 for ids in after["input_ids"]])[:, None]
        ends = encoded["attention_mask"].sum(1, keepdim=True)
        places = torch.arange(encoded["input_ids"].shape[1])[None]
        is_after = (places < ends) & (places >= ends - n_after)
        return model(**encoded, labels=encoded["input_ids"].masked_fill(~is_after, -100)).loss

    return loss
