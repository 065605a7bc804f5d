"""Boundary rule, start tokens, truncation and windows."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsuite import Failure
from evalsuite_text.scoring.encoding import Encoder
from evalsuite_text.scoring.text_memory import TextMemory


def test_white_space_at_the_end_of_the_context_belongs_to_the_continuation(gpt2) -> None:
    encoder = gpt2.encoder
    assert encoder.pair("the house ", "is") == encoder.pair("the house", " is")


def test_the_continuation_has_the_tokens_that_it_has_in_running_text(gpt2) -> None:
    encoder = gpt2.encoder
    row = encoder.pair("the old house", " at the river")
    assert row.ids == encoder.ids("the old house at the river")
    assert row.start == len(encoder.ids("the old house"))


def test_an_empty_context_is_the_start_token(gpt2, llama) -> None:
    for model, start in ((gpt2, 0), (llama, 1)):
        for context in ("", "  "):
            row = model.encoder.pair(context, "the house")
            assert row.ids[0] == start
            assert row.start == 1


def test_special_tokens_of_a_post_processor_stand_only_at_the_front(llama) -> None:
    row = llama.encoder.pair("the house", " is warm")
    assert row.ids[0] == 1  # <sot>, which the tokenizer writes there by itself
    assert set(row.ids[1:]).isdisjoint({0, 1, 2, 3})
    assert len(row.ids) == 5
    assert row.start == 3


def test_a_start_token_is_not_written_twice(llama) -> None:
    # a chat template writes it into the text
    assert llama.encoder.started(llama.encoder.ids("<sot> the house"))[:2].count(1) == 1


def test_a_tokenizer_that_adds_no_start_token_gets_none(gpt2) -> None:
    assert not gpt2.encoder.adds_start
    assert gpt2.encoder.pair("the house", " is").ids[0] != 0


def test_a_long_context_is_cut_on_the_left_and_counted(llama) -> None:
    # <sot> + 40 words + 2 scored = 43 ids, of which 42 are read; the model reads 32: 10 are cut
    row = llama.encoder.pair("the " * 40, "is warm")
    assert row.truncated == 10
    assert len(row.ids) - 1 == 32
    assert len(row.ids) - row.start == 2


def test_a_continuation_may_fill_the_model_but_not_more(llama) -> None:
    assert llama.encoder.pair("a", " the" * 32).start == 1
    failure = llama.encoder.pair("a", " the" * 33)
    assert isinstance(failure, Failure)
    assert failure.kind == "continuation too long"


def test_a_continuation_without_tokens_is_a_failure(gpt2) -> None:
    assert gpt2.encoder.pair("the house", "").kind == "empty continuation"


@pytest.mark.parametrize("max_length", [1, 2, 5, 7])
@settings(max_examples=30, deadline=None)
@given(n_words=st.integers(0, 40))
def test_windows_score_every_token_once_and_read_at_most_the_limit(
    max_length: int, n_words: int
) -> None:
    encoder = Encoder(_Numbers(), max_length)
    rows = encoder.windows(" ".join(str(i) for i in range(1, n_words + 1)))
    scored = [token for row in rows for token in row.ids[row.start :]]
    assert scored == list(range(1, n_words + 1))
    for row in rows:
        assert row.start >= 1
        assert len(row.ids) - 1 <= max_length
        # what is read is the text right before: ids are consecutive numbers here
        assert all(b == a + 1 for a, b in zip(row.ids, row.ids[1:]))


WORDS = st.sampled_from(
    ["the", "house", "is", "Zürich", "42", "'s", "<|end|>", "\n", " ", ",", "x1", "東京", "a"]
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(WORDS, min_size=40, max_size=90).map(" ".join),
    st.lists(WORDS, min_size=1, max_size=6).map(" ".join),
    st.sampled_from(["", " ", "\n", "  "]),
)
def test_a_context_cut_at_a_joint_gives_the_tokens_of_the_whole(gpt2, context, tail, between):
    encoder = Encoder(gpt2.tokenizer, 4096)
    row = encoder.pair(context, between + tail)
    stripped = context.rstrip()
    whole = gpt2.tokenizer(context + between + tail, add_special_tokens=False)["input_ids"]
    n_context = len(gpt2.tokenizer(stripped, add_special_tokens=False)["input_ids"])
    assert row.ids == encoder.started(tuple(whole))
    assert row.start == n_context


def test_long_byte_level_contexts_are_cut_near_their_end(gpt2):
    context = "the house is green and " * 20 + "warm"
    assert gpt2.encoder._joints(context) > len(context) - 100


def test_tokenizers_that_rewrite_the_text_encode_the_whole(llama):
    assert llama.encoder._joints("the house is green and " * 20 + "warm") == 0


def test_pairs_are_encoded_as_each_by_itself(language_model):
    pairs = [("the house is green and " * n + "warm ", " a dog") for n in range(12)]
    fresh = Encoder(language_model.tokenizer, language_model.encoder.max_length)
    assert fresh.pairs(pairs) == [language_model.encoder.pair(*pair) for pair in pairs]


def test_a_text_whose_spans_are_asked_for_twice_is_encoded_once(gpt2, monkeypatch):
    encoder = Encoder(gpt2.tokenizer, 64)
    texts = ["the house is green", "Zürich", "", "the house is green"]
    first = encoder.spans_of(texts)
    monkeypatch.setattr(encoder, "tokenizer", SimpleNamespace(is_fast=True))  # cannot encode
    assert encoder.spans_of(texts) == first
    encoder.encode_all(texts)
    assert [len(encoder.ids(text)) for text in texts] == [len(spans) for spans in first]
    assert first[2] == ()


def test_the_longest_unused_texts_are_forgotten_when_there_is_no_room():
    memory = TextMemory(8)  # an entry for each token and one for the text
    for text in ("a", "b"):
        memory.put(text, (1, 2, 3))
    memory.get("a")
    memory.put("c", (4,))
    assert ("a" in memory, "b" in memory, "c" in memory) == (True, False, True)
    assert memory.get("b") is None
    memory.put("long", (0,) * 8)
    assert "long" not in memory


class _Numbers:
    """A tokenizer whose tokens are the numbers in the text; 0 stands before it."""

    bos_token_id = 0
    eos_token_id = None

    def __call__(self, text: str | list[str], add_special_tokens: bool) -> dict[str, list]:
        if isinstance(text, list):
            return {"input_ids": [self(one, add_special_tokens)["input_ids"] for one in text]}
        return {"input_ids": [int(word) for word in text.split() if word.isdigit()]}
