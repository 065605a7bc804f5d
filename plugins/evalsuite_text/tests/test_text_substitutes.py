"""One token exchanged by a masked language model: the same as a plain loop, and nothing else."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import AutoModelForMaskedLM

from evalsuite import SubstituteTokens, Substitutions
from evalsuite.derived import rng_of
from evalsuite.factories import loader_for
from evalsuite.registry import installed
from evalsuite.testing import check_model

TEXTS = ["a small dog", "she said that he was a good friend", "the old house runs"]


def load(folder, settings, **options):
    loader, reference = loader_for(f"hf:{folder}", installed())
    return loader.load(reference, replace(settings, options=options))


@pytest.fixture(scope="module", params=["bert", "roberta", "distilbert"])
def pair(request, masked_folders, cpu):
    folder = masked_folders[request.param]
    return load(folder, cpu), AutoModelForMaskedLM.from_pretrained(folder).eval()


def is_of_word(tokenizer, token):
    return any(character.isalnum() for character in tokenizer.decode([token]))


def naive(model, peer, text, hidden, seed=0):
    """Every other token of every place by one forward pass each, the best first."""
    tokenizer = model.tokenizer
    bare = tokenizer(text, add_special_tokens=False)["input_ids"]
    whole = tokenizer(text)["input_ids"]
    start = whole.index(bare[0])
    found = []
    for j, own in enumerate(bare):
        if not is_of_word(tokenizer, own):
            continue
        ids = torch.tensor([whole])
        vectors = peer.get_input_embeddings()(ids).detach().clone()
        if hidden == 1:
            ids[0, start + j] = tokenizer.mask_token_id
            vectors = peer.get_input_embeddings()(ids).detach()
        elif hidden > 0:
            seen = rng_of("substitutes", seed, text, j).random(vectors.shape[-1]) >= hidden
            vectors[0, start + j] *= torch.tensor(seen / (1 - hidden))
        with torch.no_grad():
            p = peer(inputs_embeds=vectors).logits[0, start + j].double().softmax(-1).numpy()
        for other in range(len(p)):
            is_special = other in tokenizer.all_special_ids
            if other != own and not is_special and is_of_word(tokenizer, other):
                found.append((p[other] / (1 - p[own]), j, other))
    return sorted(found, key=lambda one: (-one[0], one[1:])), bare


@pytest.mark.parametrize("hidden", [0.0, 0.7, 1.0])
def test_the_nearest_texts_are_those_of_a_plain_loop(pair, hidden):
    model, peer = pair
    answers = model.substitute_tokens([SubstituteTokens(text, 6, hidden) for text in TEXTS])
    for answer, text in zip(answers, TEXTS, strict=True):
        ranked, bare = naive(model, peer, text, hidden)
        written = {(*bare[:j], other, *bare[j + 1 :]): score for score, j, other in ranked}
        made = [
            tuple(model.tokenizer(one, add_special_tokens=False)["input_ids"])
            for one in answer.texts
        ]
        assert answer.scores == pytest.approx([written[ids] for ids in made], abs=1e-5)
        assert list(answer.scores) == sorted(answer.scores, reverse=True)
        # What was left out although it is likelier is no text, or one with other spaces.
        likelier = [ids for ids, score in written.items() if score > answer.scores[-1] + 1e-5]
        for ids in set(likelier) - set(made):
            left_out = model.tokenizer.decode(list(ids))
            again = model.tokenizer(left_out, add_special_tokens=False)["input_ids"]
            shapes = {re.sub(r"\S+", "x", one) for one in (left_out, text)}
            has_its_spaces = len(shapes) == 1 and left_out.isprintable()
            assert tuple(again) != ids or not has_its_spaces


def test_one_token_differs_and_all_around_it_stays(pair):
    model, _ = pair
    text = "the  old house ,\nruns"
    (answer,) = model.substitute_tokens([SubstituteTokens(text, 5)])
    assert len(answer.texts) == 5
    own = model.tokenizer(text, add_special_tokens=False)["input_ids"]
    for other in answer.texts:
        ids = model.tokenizer(other, add_special_tokens=False)["input_ids"]
        assert sum(a != b for a, b in zip(own, ids, strict=True)) == 1
        assert "\n" in other
        assert other != text


def test_punctuation_stays(pair):
    model, _ = pair
    (answer,) = model.substitute_tokens([SubstituteTokens("the city ; where is it ?", 8)])
    assert all(" ; " in text and text.endswith(" ?") for text in answer.texts)
    assert model.substitute_tokens([SubstituteTokens("; ?", 8)]) == [Substitutions((), ())]


def test_the_batch_changes_nothing(pair):
    model, _ = pair
    texts = [*TEXTS, " ".join(TEXTS * 3)]
    check_model(model, [SubstituteTokens(t, 4, share) for t in texts for share in (0.7, 1.0)])


def test_a_seed_hides_other_parts_of_a_token(pair):
    model, _ = pair
    one, other, same = (
        model.substitute_tokens([SubstituteTokens(TEXTS[1], 4, 0.7, seed)])[0] for seed in (0, 1, 0)
    )
    assert one == same
    assert one.scores != other.scores


def test_a_long_text_is_seen_through_windows(masked_folders, cpu):
    model = load(masked_folders["bert"], cpu)
    text = "a cat sleeps in the garden " * 8
    (answer,) = model.substitute_tokens([SubstituteTokens(text, 3)])
    assert len(answer.texts) == 3


def test_a_sentence_keeps_its_large_letter_where_the_model_reads_small_ones(
    tmp_path, word_level, save_checkpoint, cpu
):
    from transformers import BertConfig, BertForMaskedLM

    tokenizer = word_level()
    tokenizer.add_special_tokens({"mask_token": "<mask>"})
    torch.manual_seed(0)
    model = BertForMaskedLM(
        BertConfig(
            vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
            intermediate_size=64, max_position_embeddings=24, pad_token_id=0,
        )
    )  # fmt: skip
    folder = save_checkpoint(tmp_path, model, tokenizer)
    (answer,) = load(folder, cpu).substitute_tokens([SubstituteTokens("Paris", 3)])
    assert all(text[0].isupper() for text in answer.texts if text[0].isalpha())


def test_a_model_that_reads_no_vectors_hides_a_token_wholly_or_says_so(masked_folders, cpu):
    model = load(masked_folders["bert"], cpu)
    model.substitutes.__dict__["_takes_vectors"] = False
    part, whole = model.substitute_tokens(
        [SubstituteTokens(TEXTS[0], 2, share) for share in (0.7, 1.0)]
    )
    assert part.kind == "no partial mask"
    assert isinstance(whole, Substitutions)


@pytest.mark.parametrize(
    "error",
    [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("can't allocate memory: 9 bytes")],
)
def test_out_of_memory_is_no_lack_of_a_partial_mask(masked_folders, cpu, monkeypatch, error):
    def no_room(inputs):
        raise error

    model = load(masked_folders["bert"], cpu)
    request = SubstituteTokens(TEXTS[0], 2, 0.7)
    with monkeypatch.context() as full:
        full.setattr(model.substitutes, "_as_vectors", no_room)
        with pytest.raises(type(error), match="memory"):
            model.substitute_tokens([request])
    # Once there is room again, nothing is left of it.
    assert isinstance(model.substitute_tokens([request])[0], Substitutions)


def test_an_empty_text_fails(pair):
    model, _ = pair
    assert model.substitute_tokens([SubstituteTokens("", 2)])[0].kind == "empty text"


@pytest.mark.parametrize(("count", "hidden"), [(0, 0.5), (1, 1.5), (1, np.nan)])
def test_what_is_no_share_or_number_is_refused(count, hidden):
    with pytest.raises(ValueError, match="hidden is a share"):
        SubstituteTokens("a", count, hidden)
