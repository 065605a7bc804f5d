"""Word-level tokenizers in the form that transformers and open_clip load."""

from __future__ import annotations

from collections.abc import Iterable

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

PAD, START, UNKNOWN, END = "<pad>", "<sot>", "<unk>", "<eot>"
SPECIAL = (PAD, START, UNKNOWN, END)
PAD_ID, START_ID, UNKNOWN_ID, END_ID = range(4)


def word_tokenizer(
    words: Iterable[str],
    max_length: int,
    *,
    extra: tuple[str, ...] = (),
    with_start: bool = True,
    with_end: bool = True,
    **special: str,
) -> PreTrainedTokenizerFast:
    """Lower-cased words and punctuation marks; unknown words share one token.

    Args:
        words: The vocabulary, without the special tokens.
        max_length: What the model's positions allow.
        extra: Further special tokens, e.g. an image placeholder.
        with_start: Whether an encoded text begins with the start token.
        with_end: Whether an encoded text ends with the end token.
        special: Further named special tokens, e.g. ``cls_token``.
    """
    vocabulary = {word: i for i, word in enumerate((*SPECIAL, *extra, *words))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Split(
        Regex(r"<\w+>|\w+|[^\w\s]"), behavior="removed", invert=True
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single=" ".join([START] * with_start + ["$A"] + [END] * with_end),
        special_tokens=[(START, START_ID), (END, END_ID)],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=START,
        eos_token=END,
        pad_token=PAD,
        unk_token=UNKNOWN,
        model_max_length=max_length,
        **special,
    )
