"""CrowS-Pairs as published, through whole runs on a control and on a tiny masked model."""

from __future__ import annotations

import csv

import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from tokenizers.trainers import WordPieceTrainer
from transformers import BertConfig, BertForMaskedLM, PreTrainedTokenizerFast

from evalsuite.planner import make_plan
from evalsuite.registry import installed
from evalsuite.run import execute
from evalsuite.store import Run, Store
from evalsuite.suite import parse_suite
from evalsuite_fairness.pairs.shared import shared_words

BIAS_TYPES = {
    "race-color": 516, "gender": 262, "socioeconomic": 172, "nationality": 159, "religion": 105,
    "age": 87, "sexual-orientation": 84, "physical-appearance": 63, "disability": 60,
}  # fmt: skip

SUITE = """version: 1
name: real
models: [control:text-clean, "hf:{masked}"]
sources:
  pairs: {{type: csv, path: "{path}"}}
probes:
  - {{probe: fairness/stereotype-pairs, source: pairs, limit: 120}}
  - {{probe: fairness/stereotype-pairs, source: pairs, limit: 40, label: given the change,
     options: {{scoring: shared}}}}
  - {{probe: fairness/masked-stereotype-pairs, source: pairs, limit: 40}}
  - {{probe: fairness/masked-stereotype-pairs, source: pairs, limit: 40, label: all unmasked,
     options: {{scoring: aul, minimal_only: true}}}}
"""


@pytest.fixture(scope="module")
def crows(data):
    path = data / "crows_pairs" / "crows_pairs_anonymized.csv"
    if not path.is_file():
        pytest.skip("no CrowS-Pairs here")
    return path


@pytest.fixture(scope="module")
def rows(crows):
    with crows.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def masked(tmp_path_factory, rows) -> str:
    """BERT's architecture with random weights, and a tokenizer of its kind for these sentences."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = WordPieceTrainer(vocab_size=2000, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator([row["sent_more"] for row in rows], trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    torch.manual_seed(0)
    model = BertForMaskedLM(
        BertConfig(
            vocab_size=tokenizer.get_vocab_size(), hidden_size=32, num_hidden_layers=2,
            num_attention_heads=2, intermediate_size=64, max_position_embeddings=128,
        )
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("masked-crows")
    model.save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]",
        sep_token="[SEP]", mask_token="[MASK]",
        model_input_names=["input_ids", "attention_mask"],
    ).save_pretrained(folder)  # fmt: skip
    return str(folder)


@pytest.fixture(scope="module")
def run(crows, masked, tmp_path_factory) -> Run:
    store = Store(tmp_path_factory.mktemp("runs") / "crows")
    execute(make_plan(parse_suite(SUITE.format(masked=masked, path=crows)), installed()), store,
            installed())  # fmt: skip
    store.close()
    return Run.open(store.path)


def estimate(run: Run, label: str, metric: str, slice_name: str = ""):
    return next(
        e
        for result in run.results
        if result.label == label
        for e in result.estimates
        if e.metric == metric and e.slice == slice_name
    )


def test_the_file_is_the_published_one(rows):
    assert len(rows) == 1508
    assert {t: sum(r["bias_type"] == t for r in rows) for t in BIAS_TYPES} == BIAS_TYPES
    assert sum(r["stereo_antistereo"] == "antistereo" for r in rows) == 218


def test_most_pairs_are_minimal_and_some_are_not(rows):
    """What Blodgett et al. 2021 object to, counted."""
    words = [shared_words(row["sent_more"], row["sent_less"]) for row in rows]
    share = sum(w.is_minimal for w in words) / len(words)
    assert 0.5 < share < 0.9
    assert sum(w.n_modified == (0, 0) for w in words) == 0


def test_models_that_cannot_answer_are_not_applicable(run):
    states = {(r.model.split(":")[0], r.probe): r.status for r in run.results}
    assert states["control", "fairness/masked-stereotype-pairs"] == "not applicable"
    assert states["hf", "fairness/stereotype-pairs"] == "not applicable"


@pytest.mark.parametrize(
    ("label", "n"),
    [("fairness/stereotype-pairs", 120), ("fairness/masked-stereotype-pairs", 40)],
)
def test_every_pair_is_answered_and_kinds_are_corrected(run, label, n):
    found = estimate(run, label, "stereotype preferred")
    assert (found.n, found.n_failed) == (n, 0)
    assert found.null is not None
    assert found.low <= found.value <= found.high
    kind = estimate(run, label, "stereotype log-odds", "bias_type=race-color")
    assert kind.extra["p_value"] <= kind.extra["p_adjusted"] <= 1


def test_random_weights_have_no_preference_of_the_size_of_the_margin(run):
    found = estimate(run, "fairness/masked-stereotype-pairs", "stereotype log-odds")
    assert found.verdict == "compatible with null"


def test_a_pair_without_words_after_the_change_has_no_value(run):
    found = estimate(run, "given the change", "stereotype log-odds")
    assert 30 < found.n <= 40


def test_pairs_that_are_not_minimal_are_left_out_where_that_is_wanted(run):
    found = estimate(run, "all unmasked", "stereotype log-odds")
    minimal = estimate(run, "all unmasked", "minimal pairs")
    assert found.n == round(40 * minimal.value) < 40


def test_offensive_sentences_are_folded_away(run):
    assert all(result.sensitive for result in run.results)
