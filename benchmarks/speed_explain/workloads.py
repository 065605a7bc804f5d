"""What is explained: texts, and what a model says about them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "speed"))

import numpy as np
import torch
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    LlamaConfig,
    LlamaForCausalLM,
)
from word_tokenizer import word_tokenizer

from evalsuite import Text
from evalsuite_explain.inputs.words import Words
from evalsuite_explain.targets import ContinuationScore, LabelScore, Target

SPECIAL = ["<pad>", "<s>", "</s>", "<unk>", "<mask>"]
SMALL, REALISTIC = 8_000, 32_000
EXAMPLES, ANSWERS = 8, ("word1", "word2")


@dataclass(frozen=True)
class Workload:
    """Texts whose words are left out one by one.

    Attributes:
        name: In the table.
        model: ``causal`` or ``classifier``.
        target: What is explained.
        before: The text that stands before each of them.
        after: The text that follows, up to the answer.
        answer: Whose log-probability is explained; a classifier's label.
        absent: What stands for a missing word; with nothing, the others close up.
        n_words: The fewest and the most words of a text.
        vocabulary: Words that the model knows.
        share: Of the texts asked for, how many are taken: fewer of long ones.
    """

    name: str
    model: str
    target: Target
    before: str = ""
    after: str = ""
    answer: str = "LABEL_1"
    absent: str = ""
    n_words: tuple[int, int] = (8, 16)
    vocabulary: int = SMALL
    share: float = 1.0


def vocabulary(size: int) -> list[str]:
    """So many words."""
    return [f"word{number}" for number in range(size)]


def texts(n: int, n_words: tuple[int, int], size: int = SMALL, seed: int = 0) -> list[str]:
    """Random words."""
    rng = np.random.default_rng(seed)
    known = vocabulary(size)
    sizes = rng.integers(n_words[0], n_words[1] + 1, n)
    return [" ".join(rng.choice(known, size)) for size in sizes]


def workloads() -> list[Workload]:
    """A prompt with examples before every text, texts alone, a classifier's, and longer texts."""
    shown = zip(texts(EXAMPLES, (8, 16), seed=1), ANSWERS * EXAMPLES)
    before = "".join(f"review {text} answer {answer} " for text, answer in shown) + "review "
    after, answer = " answer", f" {ANSWERS[0]}"
    prompted = ContinuationScore(answer, (Text(before),), (Text(after),))
    alone, label = ContinuationScore(answer), LabelScore("LABEL_1")
    longer = [
        Workload(
            f"{n} words, {REALISTIC:,} known",
            "causal",
            alone,
            answer=answer,
            n_words=(n, n),
            vocabulary=REALISTIC,
            share=share,
        )
        for n, share in ((16, 0.15), (64, 0.02), (128, 0.01))
    ]
    return [
        Workload("prompt with 8 examples", "causal", prompted, before, after, answer),
        Workload("texts alone", "causal", alone, answer=answer),
        *longer,
        Workload("classifier, words left out", "classifier", label),
        Workload("classifier, words masked", "classifier", label, absent="<mask>"),
    ]


def divided(workload: Workload, n: int) -> list[Words]:
    """The texts of a workload, divided into words."""
    n_texts = max(1, round(workload.share * n))
    written = texts(n_texts, workload.n_words, workload.vocabulary)
    return [Words(text, workload.absent) for text in written]


# Shapes of models: small ones for a CPU, and the shape of GPT-2 and BERT as published.
SHAPES = {
    "small": {
        "hidden_size": 384,
        "intermediate_size": 1024,
        "num_hidden_layers": 5,
        "num_attention_heads": 6,
    },
    "base": {
        "hidden_size": 768,
        "intermediate_size": 3072,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
    },
}


def _causal(n_tokens: int, shape: str) -> Any:
    """A Llama: 9 or 113 million weights in its layers, and two vectors for each token."""
    return LlamaForCausalLM(
        LlamaConfig(
            **SHAPES[shape],
            vocab_size=n_tokens,
            max_position_embeddings=512,
            bos_token_id=1,
            eos_token_id=2,
            pad_token_id=0,
        )
    )


def _classifier(n_tokens: int, shape: str) -> Any:
    """A BERT of 10 or 92 million weights."""
    return BertForSequenceClassification(
        BertConfig(
            **SHAPES[shape],
            vocab_size=n_tokens,
            max_position_embeddings=128,
            pad_token_id=0,
        )
    )


MODELS: dict[str, Callable[[int, str], Any]] = {"causal": _causal, "classifier": _classifier}


def saved(workload: Workload, folder: Path, shape: str) -> Path:
    """The directory of a checkpoint with random weights and a tokenizer of whole words."""
    torch.manual_seed(0)
    known = [*SPECIAL, *vocabulary(workload.vocabulary)]
    directory = folder / f"{workload.model}-{workload.vocabulary}"
    MODELS[workload.model](len(known), shape).save_pretrained(directory)
    word_tokenizer(known).save_pretrained(directory)
    return directory
