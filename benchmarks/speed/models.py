"""The two models of the benchmark: real architectures and sizes, random weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from tokenizers.trainers import BpeTrainer
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

_CONSONANTS, _VOWELS = "bcdfghklmnprstvw", "aeiou"


def words(n: int, seed: int = 0) -> list[str]:
    """Distinct pronounceable words of two or three syllables."""
    rng = np.random.default_rng(seed)
    found: dict[str, None] = {}
    while len(found) < n:
        size = int(rng.integers(2, 4))
        syllables = [
            _CONSONANTS[rng.integers(len(_CONSONANTS))] + _VOWELS[rng.integers(len(_VOWELS))]
            for _ in range(size)
        ]
        found["".join(syllables)] = None
    return list(found)


def _tokenizer() -> PreTrainedTokenizerFast:
    """A byte-level tokenizer of GPT-2's kind in which each of our words is one or two tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(
        vocab_size=12_000,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    vocabulary = words(6000)
    text = [" ".join(["", *vocabulary]), "Question: Answer: A. B. C. D. A B C D\n\n" * 20]
    tokenizer.train_from_iterator(text * 2, trainer)
    end = "<|endoftext|>"
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=end, eos_token=end, unk_token=end
    )


def _gpt2() -> GPT2LMHeadModel:
    """GPT-2 small: 124 million weights, 50,257 tokens."""
    return GPT2LMHeadModel(GPT2Config(bos_token_id=0, eos_token_id=0))


def _llama() -> LlamaForCausalLM:
    """A small Llama with grouped queries: 41 million weights, 16,384 tokens."""
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=16_384,
            hidden_size=512,
            intermediate_size=1536,
            num_hidden_layers=8,
            num_attention_heads=8,
            num_key_value_heads=4,
            max_position_embeddings=2048,
            bos_token_id=0,
            eos_token_id=0,
            tie_word_embeddings=False,
        )
    )


MODELS = {"gpt2-124m": _gpt2, "llama-41m": _llama}


def saved(name: str, folder: Path) -> Path:
    """The directory of a checkpoint, written on first use."""
    directory = folder / name
    if not (directory / "config.json").exists():
        torch.manual_seed(0)
        MODELS[name]().save_pretrained(directory)
        _tokenizer().save_pretrained(directory)
    return directory
