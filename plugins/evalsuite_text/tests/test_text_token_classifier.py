"""Word labels equal transformers' own, and no word of a long sentence is dropped."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tokenizers import processors
from transformers import (
    AutoModelForTokenClassification,
    BertConfig,
    BertForTokenClassification,
    RobertaConfig,
    RobertaForTokenClassification,
)

from evalsuite import ClassifyWord, LabelTokens
from evalsuite.factories import loader_for
from evalsuite.registry import installed
from evalsuite.testing import check_model

LABELS = {0: "O", 1: "B-PER", 2: "I-PER", 3: "B-LOC"}
SENTENCES = [
    ("Paris", "is", "the", "capital", "of", "France", "."),
    ("a", "small", "dog", "runs"),
    ("markets",),
]
LONG = SENTENCES[0] * 6
SIZE = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory, word_piece, byte_level, save_checkpoint):
    torch.manual_seed(8)
    pieces, letters = word_piece(), byte_level()
    letters.add_special_tokens({"cls_token": "<s>", "sep_token": "</s>", "pad_token": "<pad>"})
    letters.backend_tokenizer.post_processor = processors.RobertaProcessing(
        ("</s>", letters.sep_token_id), ("<s>", letters.cls_token_id)
    )
    letters.model_input_names = ["input_ids", "attention_mask"]
    common = {"id2label": LABELS, "initializer_range": 0.3, **SIZE}
    pad = letters.pad_token_id
    bert = BertConfig(vocab_size=len(pieces), max_position_embeddings=24, pad_token_id=0, **common)
    roberta = RobertaConfig(
        vocab_size=len(letters), max_position_embeddings=64 + pad + 1, pad_token_id=pad, **common
    )
    return {
        "bert": save_checkpoint(
            tmp_path_factory.mktemp("bert"), BertForTokenClassification(bert), pieces
        ),
        "roberta": save_checkpoint(
            tmp_path_factory.mktemp("roberta"), RobertaForTokenClassification(roberta), letters
        ),
    }


def load(folder, settings, **options):
    loader, reference = loader_for(f"hf:{folder}", installed())
    return loader.load(reference, replace(settings, options=options))


@pytest.fixture(scope="module")
def bert(folders, cpu):
    return load(folders["bert"], cpu)


def first_token_labels(peer, tokenizer, words):
    """The label of each word's first token, by transformers' own alignment."""
    encoded = tokenizer(list(words), is_split_into_words=True, return_tensors="pt")
    with torch.no_grad():
        probabilities = peer(input_ids=encoded["input_ids"]).logits[0].softmax(-1)
    firsts = {}
    for position, word in enumerate(encoded.word_ids()):
        if word is not None:
            firsts.setdefault(word, probabilities[position])
    rows = [firsts[i] for i in range(len(words))]
    return [LABELS[int(row.argmax())] for row in rows], [float(row.max()) for row in rows]


@pytest.mark.parametrize("name", ["bert", "roberta"])
def test_labels_are_those_of_the_first_tokens(folders, cpu, name):
    model = load(folders[name], cpu)
    peer = AutoModelForTokenClassification.from_pretrained(folders[name]).eval()
    if name == "roberta":  # as such models are trained: each word with the space before it
        tokenizer = model.tokenizer
        words = [[" " + word for word in sentence] for sentence in SENTENCES]
    else:
        tokenizer, words = model.tokenizer, SENTENCES
    answers = model.label_tokens([LabelTokens(sentence) for sentence in SENTENCES])
    for answer, given in zip(answers, words, strict=True):
        labels, probabilities = first_token_labels(peer, tokenizer, given)
        assert list(answer.labels) == labels
        assert answer.probabilities == pytest.approx(probabilities, abs=1e-5)


@pytest.mark.parametrize("name", ["bert", "roberta"])
def test_the_batch_changes_nothing(folders, cpu, name):
    model = load(folders[name], cpu)
    check_model(model, [LabelTokens(words) for words in (*SENTENCES, LONG, ("a", "\u200b", "b"))])


def test_every_word_of_a_long_sentence_is_labelled(bert):
    (answer,) = bert.label_tokens([LabelTokens(LONG)])
    assert len(answer.labels) == len(answer.probabilities) == len(LONG)
    tokens = bert.tokenizer(list(LONG), is_split_into_words=True)["input_ids"]
    assert len(tokens) > bert.max_length


def test_a_word_of_a_long_sentence_is_labelled_amid_its_neighbours(bert):
    windows = bert._windows(0, LabelTokens(LONG))
    labelled = sorted(word for window in windows for word, _ in window.positions)
    assert labelled == list(range(len(LONG)))
    for window in windows[1:-1]:
        places = [position for _, position in window.positions]
        assert min(places) > 2
        assert max(places) < len(window.ids) - 2


def test_a_word_without_tokens_is_read_as_unknown(bert):
    unknown = bert.tokenizer.unk_token
    given, spelt = bert.label_tokens(
        [LabelTokens(("a", "", "dog")), LabelTokens(("a", unknown, "dog"))]
    )
    assert given == spelt
    assert len(given.labels) == 3


def test_a_word_longer_than_the_model_reads_has_a_label(bert):
    (answer,) = bert.label_tokens([LabelTokens(("a", "small" * 40, "dog"))])
    assert len(answer.labels) == 3


def test_no_words_are_a_failure(bert):
    assert bert.label_tokens([LabelTokens(())])[0].kind == "no words"


def test_the_kind_and_the_labels_are_known(bert):
    assert bert.info.kind == "token classifier"
    assert bert.info.details["labels"] == "O, B-PER, I-PER, B-LOC"


@pytest.mark.parametrize("words", [*SENTENCES, LONG])
def test_a_word_alone_has_the_shares_of_its_place_in_the_sentence(bert, words):
    (whole,) = bert.label_tokens([LabelTokens(words)])
    each = bert.classify_word([ClassifyWord(words, place) for place in range(len(words))])
    assert tuple(found.label for found in each) == whole.labels
    best = [max(found.probabilities) for found in each]
    assert best == pytest.approx(whole.probabilities, abs=1e-6)
    assert all(found.labels == tuple(LABELS.values()) for found in each)
    assert [sum(found.probabilities) for found in each] == pytest.approx([1.0] * len(words))


def test_the_shares_are_transformers_own(folders, bert):
    peer = AutoModelForTokenClassification.from_pretrained(folders["bert"]).eval()
    encoded = bert.tokenizer(list(SENTENCES[0]), is_split_into_words=True, return_tensors="pt")
    with torch.no_grad():
        shares = peer(**encoded).logits[0].softmax(-1)
    (found,) = bert.classify_word([ClassifyWord(SENTENCES[0], 5)])
    assert found.probabilities == pytest.approx(
        shares[encoded.word_ids().index(5)].tolist(), abs=1e-5
    )


def test_the_batch_changes_no_shares(bert):
    asked = [
        ClassifyWord(words, place) for words in (*SENTENCES, LONG) for place in {0, len(words) - 1}
    ]
    check_model(bert, [*asked, ClassifyWord(("a", "", "dog"), 1)])


def test_a_place_outside_the_sentence_is_refused():
    with pytest.raises(ValueError, match="one of 2 words"):
        ClassifyWord(("a", "dog"), 2)
