"""A model that is larger than the controls: what the attacks cost where scoring costs more."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "speed"))

import torch
from transformers import LlamaConfig, LlamaForCausalLM
from word_tokenizer import word_tokenizer

from evalsuite_controls.data.language import NONSENSE

N_WORDS = 8000
SPECIAL = ("<pad>", "<s>", "</s>", "<unk>")


def save_llama(folder: Path) -> str:
    """Save a Llama of 15 million random weights that knows the texts' words; returns its name."""
    torch.manual_seed(0)
    words = [*SPECIAL, *NONSENSE, *(f"word{n}" for n in range(N_WORDS - len(NONSENSE)))]
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=384,
        intermediate_size=1024,
        num_hidden_layers=5,
        num_attention_heads=6,
        max_position_embeddings=512,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    word_tokenizer(words).save_pretrained(folder)
    return f"hf:{folder}"
