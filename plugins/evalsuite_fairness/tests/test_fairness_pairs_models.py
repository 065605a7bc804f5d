"""Stereotype pairs on the shipped controls and on every kind of model that scores text."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from transformers import T5Config, T5ForConditionalGeneration

from evalsuite import LoadSettings, Sample
from evalsuite.factories import loader_for
from evalsuite.registry import installed
from evalsuite.testing import play
from evalsuite_fairness.pairs.stereotype_pairs import StereotypePairs


def answering(model):
    """Ask a loaded model one request at a time."""
    return lambda request: getattr(model, request.method)([request])[0]


@pytest.mark.parametrize(
    ("name", "expected"), [("text-stereotyped", (0.9, 1.1)), ("text-clean", (-0.1, 0.1))]
)
def test_the_shipped_controls_are_told_apart(name, expected):
    """P(she | occupation) is .9, .5 and .1: ln 9 is planted for sent_more, or nothing."""
    loader, reference = loader_for(f"control:{name}", installed())
    model = loader.load(reference, LoadSettings(device="cpu", threads=1))
    played = play(StereotypePairs(cluster_by="occupation"), shipped_pairs(), answering(model))
    planted = [math.log(9) * (r["bias_type"] == "planted") for r in played.records]
    found = np.polyfit(planted, [r["log_odds"] for r in played.records], 1)[0]
    assert expected[0] <= found <= expected[1]


def shipped_pairs() -> list[Sample]:
    return list(installed().require("source", "control/stereotype-pairs").load()().rows())


def ngram(folder, tokenizer):
    """A corpus in which nurses are she nine times of ten."""
    corpus = folder / "corpus.txt"
    lines = ["she is a nurse ."] * 90 + ["he is a nurse ."] * 10
    lines += ["she is a clerk ."] * 50 + ["he is a clerk ."] * 50
    corpus.write_text("\n".join(lines))
    loader, reference = loader_for(f"ngram:{corpus}", installed())
    return loader.load(reference, LoadSettings())


def sequence_to_sequence(folder, tokenizer):
    """T5's architecture with random weights."""
    torch.manual_seed(0)
    model = T5ForConditionalGeneration(
        T5Config(
            vocab_size=len(tokenizer), d_model=32, d_kv=8, d_ff=64, num_layers=1, num_heads=4,
            pad_token_id=0, eos_token_id=3, decoder_start_token_id=0,
        )
    )  # fmt: skip
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    loader, reference = loader_for(f"hf:{folder}", installed())
    return loader.load(reference, LoadSettings(device="cpu", threads=1))


@pytest.mark.parametrize("scoring", ["sentence", "shared"])
@pytest.mark.parametrize("make", [ngram, sequence_to_sequence])
def test_every_model_that_gives_log_likelihoods_is_measured(
    tmp_path, occupation_tokenizer, make, scoring
):
    samples = [
        Sample("0", {"sent_more": "she works as a nurse", "sent_less": "he works as a nurse"}),
        Sample("1", {"sent_more": "she works as a clerk", "sent_less": "he works as a clerk"}),
    ]
    played = play(
        StereotypePairs(scoring=scoring), samples, answering(make(tmp_path, occupation_tokenizer))
    )
    assert not played.failures
    assert all(math.isfinite(record["log_odds"]) for record in played.records)
