"""What is explained: texts, and what a model says about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

from evalsuite import Text
from evalsuite_explain.inputs.words import Words
from evalsuite_explain.targets import ContinuationScore, LabelScore, Target

SHORTEST, LONGEST = 8, 16
VOCABULARY = [f"word{number}" for number in range(8000)]
SPECIAL = ["<pad>", "<s>", "</s>", "<unk>"]
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
    """

    name: str
    model: str
    target: Target
    before: str = ""
    after: str = ""
    answer: str = "LABEL_1"


def texts(n: int, seed: int = 0) -> list[str]:
    """Random words, between SHORTEST and LONGEST of them."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(SHORTEST, LONGEST + 1, n)
    return [" ".join(rng.choice(VOCABULARY, size)) for size in sizes]


def workloads() -> list[Workload]:
    """A prompt with examples before every text, texts alone, and a classifier's."""
    shown = zip(texts(EXAMPLES, seed=1), ANSWERS * EXAMPLES)
    before = "".join(f"review {text} answer {answer} " for text, answer in shown) + "review "
    after, answer = " answer", f" {ANSWERS[0]}"
    prompted = ContinuationScore(answer, (Text(before),), (Text(after),))
    return [
        Workload("prompt with 8 examples", "causal", prompted, before, after, answer),
        Workload("texts alone", "causal", ContinuationScore(answer), answer=answer),
        Workload("classifier", "classifier", LabelScore("LABEL_1")),
    ]


def divided(n: int) -> list[Words]:
    """The texts of a workload, divided into words."""
    return [Words(text) for text in texts(n)]


def _causal() -> Any:
    """A Llama of 15 million weights."""
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(SPECIAL) + len(VOCABULARY),
            hidden_size=384,
            intermediate_size=1024,
            num_hidden_layers=5,
            num_attention_heads=6,
            max_position_embeddings=512,
            bos_token_id=1,
            eos_token_id=2,
            pad_token_id=0,
        )
    )


def _classifier() -> Any:
    """A BERT of 10 million weights."""
    return BertForSequenceClassification(
        BertConfig(
            vocab_size=len(SPECIAL) + len(VOCABULARY),
            hidden_size=384,
            intermediate_size=1024,
            num_hidden_layers=5,
            num_attention_heads=6,
            max_position_embeddings=128,
            pad_token_id=0,
        )
    )


MODELS: dict[str, Callable[[], Any]] = {"causal": _causal, "classifier": _classifier}


def saved(name: str, folder: Path) -> Path:
    """The directory of a checkpoint with random weights and a tokenizer of whole words."""
    torch.manual_seed(0)
    symbols = {symbol: number for number, symbol in enumerate([*SPECIAL, *VOCABULARY])}
    words = Tokenizer(models.WordLevel(symbols, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        model_input_names=["input_ids", "attention_mask"],
    )
    MODELS[name]().save_pretrained(folder / name)
    tokenizer.save_pretrained(folder / name)
    return folder / name
