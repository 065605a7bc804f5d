"""Masked language models: each way of hiding equals a loop over single forward passes."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from transformers import AutoModelForMaskedLM, BertConfig, BertForMaskedLM

from evalsuite import LogLikelihood, MaskedTokenScores, ModelError, UsageError
from evalsuite.factories import loader_for
from evalsuite.registry import installed
from evalsuite.testing import check_model

TEXTS = ["a small dog", "she said that he was a good friend .", "markets", "the old house runs"]
SIZE = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
}


@pytest.fixture(name="folders")
def folders_fixture(masked_folders):
    return masked_folders


def load(folder, settings, **options):
    loader, reference = loader_for(f"hf:{folder}", installed())
    return loader.load(reference, replace(settings, options=options))


@pytest.fixture(scope="module", params=["bert", "roberta", "distilbert"])
def pair(request, masked_folders, cpu):
    folder = masked_folders[request.param]
    return load(folder, cpu), AutoModelForMaskedLM.from_pretrained(folder).eval()


def naive(model, peer, text, mask):
    """One forward pass for each token, nothing shared."""
    tokenizer = model.tokenizer
    encoded = tokenizer(text)
    ids, words = encoded["input_ids"], encoded.word_ids()
    scores = []
    for i, word in enumerate(words):
        if word is None:
            continue
        hidden = {"token": [i], "none": []}.get(
            mask, [k for k in range(i, len(ids)) if words[k] == word]
        )
        row = torch.tensor(
            [[tokenizer.mask_token_id if k in hidden else t for k, t in enumerate(ids)]]
        )
        with torch.no_grad():
            scores.append(float(peer(input_ids=row).logits[0, i].log_softmax(-1)[ids[i]]))
    return scores


@pytest.mark.parametrize("mask", ["token", "word", "none"])
def test_scores_equal_a_naive_loop(pair, mask):
    model, peer = pair
    answers = model.masked_token_scores([MaskedTokenScores(text, mask) for text in TEXTS])
    for answer, text in zip(answers, TEXTS, strict=True):
        assert answer.logprobs == pytest.approx(naive(model, peer, text, mask), abs=1e-4)


def test_words_are_hidden_from_the_scored_token_on(pair):
    model, _ = pair
    token, word = (
        model.masked_token_scores([MaskedTokenScores("markets", mask)])[0]
        for mask in ("token", "word")
    )
    assert len(token.logprobs) > 1
    assert token.logprobs[0] != pytest.approx(word.logprobs[0], abs=1e-4)
    # The last token of a word has none after it, and sees those before it in both ways.
    assert token.logprobs[-1] == pytest.approx(word.logprobs[-1], abs=1e-4)


def test_spans_cover_the_text(pair):
    model, _ = pair
    (answer,) = model.masked_token_scores([MaskedTokenScores("a small dog")])
    shown = "".join("a small dog"[a:b] for a, b in answer.spans)
    assert shown.replace(" ", "") == "asmalldog"
    assert len(answer.spans) == len(answer.logprobs)


@pytest.mark.parametrize("mask", ["token", "word", "none"])
def test_a_stretch_of_a_text_has_the_scores_that_it_has_in_the_whole(pair, mask):
    model, _ = pair
    text = "the old house runs"
    whole, part = model.masked_token_scores(
        [MaskedTokenScores(text, mask), MaskedTokenScores(text, mask, within=(8, 13))]
    )
    inside = [k for k, (a, b) in enumerate(whole.spans) if a < 13 and b > 8]
    assert 0 < len(inside) < len(whole.spans)
    assert part.spans == tuple(whole.spans[k] for k in inside)
    assert part.logprobs == pytest.approx([whole.logprobs[k] for k in inside], abs=1e-5)


def test_tokens_of_a_stretch_only_are_paid_for(pair):
    model, _ = pair
    whole, part = (MaskedTokenScores("the old house runs", within=w) for w in (None, (4, 7)))
    assert model.cost(part) < model.cost(whole)


def test_a_stretch_without_a_token_fails(pair):
    model, _ = pair
    (answer,) = model.masked_token_scores([MaskedTokenScores("markets", within=(20, 30))])
    assert answer.kind == "empty text"


def test_tokens_are_named_as_in_the_vocabulary(pair):
    model, _ = pair
    (answer,) = model.masked_token_scores([MaskedTokenScores("a small dog")])
    ids = model.tokenizer("a small dog", add_special_tokens=False)["input_ids"]
    assert model.tokenizer.convert_tokens_to_ids(list(answer.tokens)) == ids


def test_the_batch_changes_nothing(pair):
    model, _ = pair
    texts = [*TEXTS, " ".join(TEXTS * 3)]
    check_model(
        model,
        [MaskedTokenScores(text, mask) for text in texts for mask in ("token", "word", "none")],
    )


def test_the_head_is_applied_at_scored_positions_only(pair):
    model, _ = pair
    assert model.head.exact
    request = [MaskedTokenScores(TEXTS[1])]
    fast = model.masked_token_scores(request)[0].logprobs
    model.head.exact = False
    try:
        assert model.masked_token_scores(request)[0].logprobs == pytest.approx(fast, abs=1e-5)
    finally:
        model.head.exact = True


def test_a_token_of_a_long_text_is_scored_in_the_middle_of_a_window(folders, cpu):
    model = load(folders["bert"], cpu)
    text = "a cat sleeps in the garden " * 8
    (answer,) = model.masked_token_scores([MaskedTokenScores(text)])
    ids = model.tokenizer(text, add_special_tokens=False)["input_ids"]
    assert len(answer.logprobs) == len(ids) > 24
    at, room = 30, 22  # 24 positions, two of them for [CLS] and [SEP]
    window = ids[at - room // 2 : at - room // 2 + room]
    row = [2, *window, 3]
    row[1 + room // 2] = model.tokenizer.mask_token_id
    with torch.no_grad():
        logp = model.module(input_ids=torch.tensor([row])).logits[0, 1 + room // 2].log_softmax(-1)
    assert answer.logprobs[at] == pytest.approx(float(logp[ids[at]]), abs=1e-4)


def test_without_hiding_one_pass_scores_a_text(folders, cpu):
    model = load(folders["bert"], cpu)
    rows = []
    model.module.register_forward_pre_hook(
        lambda module, args, kwargs: rows.append(len(kwargs["input_ids"])), with_kwargs=True
    )
    model.masked_token_scores(
        [MaskedTokenScores(TEXTS[1], "none"), MaskedTokenScores(TEXTS[1], "none")]
    )
    assert rows == [1]


def test_it_is_found_and_does_not_pretend_to_be_causal(pair):
    model, _ = pair
    assert model.info.kind == "masked language model"
    assert not model.info.answers(LogLikelihood)


def test_an_empty_text_fails(pair):
    model, _ = pair
    assert model.masked_token_scores([MaskedTokenScores("")])[0].kind == "empty text"


def test_a_tokenizer_without_a_mask_is_refused(tmp_path, word_piece, save_checkpoint, cpu):
    tokenizer = word_piece()
    model = BertForMaskedLM(
        BertConfig(vocab_size=len(tokenizer), max_position_embeddings=24, **SIZE)
    )
    tokenizer.mask_token = None
    with pytest.raises(ModelError, match="no mask token"):
        load(save_checkpoint(tmp_path, model, tokenizer), cpu)


def test_bad_options_are_refused(folders, cpu):
    with pytest.raises(UsageError, match="max_length must be an integer from 8"):
        load(folders["bert"], cpu, max_length="long")
