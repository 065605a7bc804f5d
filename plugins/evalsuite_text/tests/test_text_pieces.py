"""Texts in pieces have the tokens of the whole, and what many begin with is encoded once."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, models, pre_tokenizers
from tokenizers.trainers import BpeTrainer
from transformers import PreTrainedTokenizerFast

from evalsuite_text.scoring.pieces import Pieces

# How published byte-level tokenizers split text before merging.
GPT2 = pre_tokenizers.ByteLevel(add_prefix_space=False)
LLAMA3 = pre_tokenizers.Sequence(
    [
        pre_tokenizers.Split(
            Regex(
                r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
                r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
            ),
            "isolated",
        ),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ]
)
QUESTION = "which of these animals is the largest one that lives in the sea of the north ? answer "
TEXT = QUESTION * 40


def tokenizer_of(splitter) -> PreTrainedTokenizerFast:
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = splitter
    trainer = BpeTrainer(
        vocab_size=500,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        special_tokens=["<|end|>"],
        show_progress=False,
    )
    backend.train_from_iterator([QUESTION, "the whale's pup and 12 größere Fische"], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<|end|>")


TOKENIZERS = {"gpt-2": tokenizer_of(GPT2), "llama-3": tokenizer_of(LLAMA3)}
ODD = ["the", "größere", "whale's", "12", "\n\n", "<|end|>", "x²", "e\u0301te", "鯨"]
WORDS = st.one_of(st.sampled_from(ODD), st.text(min_size=1, max_size=6))


def whole(name: str, texts: list[str]) -> list[tuple[int, ...]]:
    encoded = TOKENIZERS[name](texts, add_special_tokens=False)["input_ids"]
    return [tuple(ids) for ids in encoded]


@pytest.mark.parametrize("name", sorted(TOKENIZERS))
@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(WORDS, min_size=90, max_size=200).map(" ".join), min_size=1, max_size=3))
def test_pieces_have_the_tokens_of_the_whole(name, texts):
    pieces = Pieces(TOKENIZERS[name])
    pieces._to_check = 0  # nothing is put right afterwards
    assert pieces.is_cutting
    twice = [*texts, *texts]  # what is met twice is cut
    assert pieces.encode(twice) == whole(name, twice)
    assert all("".join(pieces.cut(text)) == text for text in texts)


def test_a_beginning_that_texts_share_is_encoded_once(monkeypatch):
    pieces, seen = Pieces(TOKENIZERS["gpt-2"]), []
    pieces._to_check = 0
    encode = pieces._encode
    monkeypatch.setattr(pieces, "_encode", lambda texts: (seen.extend(texts), encode(texts))[1])
    first = pieces.encode([f"{TEXT} whale {n} is an animal" for n in range(50)])
    # Once the 3,400 characters of the examples, and 50 ends of at most twice a piece and a half.
    assert sum(map(len, seen)) < len(TEXT) + 50 * 800
    seen.clear()
    assert pieces.encode([f"{TEXT} whale 7 is an animal"]) == [first[7]]
    assert sum(map(len, seen)) < 800


def test_texts_that_begin_unlike_are_left_whole_until_they_are_met_again(monkeypatch):
    pieces, sizes = Pieces(TOKENIZERS["gpt-2"]), []
    pieces._to_check = 0
    encode = pieces._encode
    monkeypatch.setattr(
        pieces, "_encode", lambda texts: (sizes.append(len(texts)), encode(texts))[1]
    )
    for n in (1, 2):
        assert pieces.encode([f"{n} {TEXT}"]) == whole("gpt-2", [f"{n} {TEXT}"])
    assert sizes == [1, 1]
    pieces.encode([f"1 {TEXT}"])
    assert sizes[-1] == len(set(pieces.cut(f"1 {TEXT}"))) > 1


def test_a_tokenizer_that_merges_over_spaces_gets_the_whole():
    pieces = Pieces(tokenizer_of(pre_tokenizers.Metaspace()))
    assert not pieces.is_cutting
    assert pieces.cut(TEXT) == [TEXT]


@pytest.mark.parametrize("added", ["sea of", "north"])
def test_added_tokens_that_could_reach_over_a_cut_forbid_it(added):
    tokenizer = tokenizer_of(GPT2)
    tokenizer.add_tokens([added])
    assert not Pieces(tokenizer).is_cutting


def test_a_text_whose_pieces_have_other_tokens_ends_all_cutting(monkeypatch):
    pieces = Pieces(TOKENIZERS["gpt-2"])
    monkeypatch.setattr(pieces, "cut", lambda text: [text[:301], text[301:]])  # within a word
    assert pieces.encode([TEXT, TEXT]) == whole("gpt-2", [TEXT, TEXT])
    assert not pieces.is_cutting
