"""A tokenizer of whole words, for models whose weights are random anyway."""

from __future__ import annotations

from collections.abc import Sequence

from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

SIGNS = {
    "pad_token": "<pad>",
    "bos_token": "<s>",
    "eos_token": "</s>",
    "unk_token": "<unk>",
    "mask_token": "<mask>",
}


def word_tokenizer(symbols: Sequence[str], **settings: int) -> PreTrainedTokenizerFast:
    """What white space parts, numbered as given; other words are ``<unk>``.

    Args:
        symbols: The words, special ones among them: ``<unk>``, ``<pad>`` and others of ``SIGNS``.
        settings: Of the tokenizer, e.g. ``model_max_length``.
    """
    numbers = {symbol: number for number, symbol in enumerate(symbols)}
    tokenizer = Tokenizer(models.WordLevel(numbers, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_input_names=["input_ids", "attention_mask"],
        **{role: sign for role, sign in SIGNS.items() if sign in numbers},
        **settings,
    )
