"""Privacy probes: planted leaks are found, a clean model is silent, a shifted split is named."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from evalsuite import ContinuationScore, Failure, LoadSettings, Sample, TextScore
from evalsuite.factories import loader_for
from evalsuite.model import answer_batch
from evalsuite.registry import installed
from evalsuite.testing import check_probe, play
from evalsuite_controls.sources import Canaries, Members
from evalsuite_privacy.blind import out_of_fold_scores
from evalsuite_privacy.exposure import CanaryExposure
from evalsuite_privacy.membership import MembershipInference, is_member

RNG = random.Random(0)
WORDS = ["ash", "bay", "cod", "dew", "elm", "fig", "gum", "hay", "ivy", "jam"]
TEXTS = [" ".join(RNG.choices(WORDS, k=6)) + f" {i}" for i in range(200)]
SAMPLES = [Sample(str(i), {"text": t, "member": i % 2 == 0}) for i, t in enumerate(TEXTS)]
MEMBERS = {s["text"] for s in SAMPLES if s["member"]}


def scoring(bonus: float):
    """A model that finds members more likely by a bonus per token."""

    def answer(request):
        noise = random.Random(request.text).gauss(0, 1)
        per_token = -3.0 + noise + (bonus if request.text in MEMBERS else 0.0)
        return TextScore(7 * per_token, 7, 7, len(request.text))

    return answer


def test_a_planted_leak_is_found():
    played = play(MembershipInference(), SAMPLES, scoring(3.0))
    assert played.estimate("attack AUC").value > 0.95
    assert played.estimate("leak beyond inputs").verdict == "differs from null"


def test_a_model_that_memorised_nothing_is_silent():
    played = play(MembershipInference(), SAMPLES, scoring(0.0))
    assert played.estimate("leak beyond inputs").verdict == "compatible with null"
    assert played.estimate("attack AUC").verdict == "compatible with null"


def test_a_constant_model_is_at_chance():
    played = play(MembershipInference(), SAMPLES, lambda request: TextScore(-1.0, 1, 1, 1))
    assert played.estimate("attack AUC").value == 0.5


def test_a_split_that_the_inputs_give_away_is_named_worthless():
    shifted = [
        Sample(
            s.id, {"text": s["text"] + (" newword" if s["member"] else ""), "member": s["member"]}
        )
        for s in SAMPLES
    ]
    estimate = play(MembershipInference(), shifted, scoring(0.0)).estimate("leak beyond inputs")
    assert "worthless" in estimate.extra["warning"]
    assert estimate.value < 0


def test_true_positives_at_a_low_rate_are_refused_on_few_non_members():
    estimate = play(MembershipInference(), SAMPLES, scoring(3.0)).estimate(
        "true positives at 1 % false positives"
    )
    assert math.isnan(estimate.value)
    assert estimate.reason


def test_a_model_that_refuses_is_not_private():
    played = play(MembershipInference(), SAMPLES, lambda request: Failure("refused", "no"))
    assert all(math.isnan(estimate.value) for estimate in played.estimates)


def test_the_membership_contract_is_kept():
    check_probe(MembershipInference(), SAMPLES, scoring(1.0))


def test_the_blind_classifier_never_sees_a_copy_of_what_it_judges():
    # every text twice: a classifier that saw the copy would be perfect, this one cannot be
    texts = [t for t in TEXTS[:60] for _ in range(2)]
    members = np.repeat(np.arange(60) % 2 == 0, 2)
    scores = out_of_fold_scores(texts, members, 5, np.random.default_rng(0))
    accuracy = float(np.mean((scores > 0) == members))
    assert accuracy < 0.8


@pytest.mark.parametrize(
    ("value", "expected"), [("1", True), (False, False), ("Non-Member", False)]
)
def test_membership_is_read_from_texts(value, expected):
    assert is_member(value) is expected


def test_membership_that_is_neither_is_refused():
    with pytest.raises(ValueError, match="true or false"):
        is_member("perhaps")


# ------------------------------------------------------------------------------------------------
# Exposure
# ------------------------------------------------------------------------------------------------


def rows(canaries: dict[str, int], n_references: int = 16):
    found = [Sample(t, {"text": t, "is_canary": True, "repeats": r}) for t, r in canaries.items()]
    return found + [
        Sample(f"r{i}", {"text": f"reference {i}", "is_canary": False, "repeats": 0})
        for i in range(n_references)
    ]


def by_table(table: dict[str, float]):
    def answer(request):
        text = request.continuation
        value = table[text] if text in table else 10.0 + int(text.split()[-1])
        return ContinuationScore(-value, 6, False)

    return answer


@pytest.mark.parametrize(
    ("perplexity", "bits"), [(5.0, 4.0), (12.5, 2.0), (10.0, 3.0), (30.0, -0.08746284)]
)
def test_exposures_are_the_worked_ones(perplexity, bits):
    """References at 10, 11, ..., 25: log2 16 minus log2 of the rank."""
    played = play(CanaryExposure(), rows({"canary": 1}), by_table({"canary": perplexity}))
    exposed = [r["exposure"] for r in played.records if r["is_canary"]]
    assert exposed == pytest.approx([bits], abs=1e-6)


def test_exposure_by_repeats_is_given():
    table = {"often": 1.0, "once": 17.5}
    played = play(CanaryExposure(), rows({"often": 64, "once": 1}), by_table(table))
    assert played.estimate("mean exposure (bits)", "repeats=64").value == 4.0
    assert played.estimate("mean exposure (bits)", "repeats=1").value < 2.0


def test_the_exposure_contract_is_kept():
    table = {f"c{i}": 9.0 + i for i in range(8)}
    check_probe(CanaryExposure(), rows(dict.fromkeys(table, 1)), by_table(table))


@pytest.mark.parametrize(
    ("name", "verdict"),
    [("text-leaky", "differs from null"), ("text-clean", "compatible with null")],
)
@pytest.mark.parametrize(
    ("probe", "source", "metric"),
    [
        (MembershipInference(), Members(), "leak beyond inputs"),
        (CanaryExposure(), Canaries(), "mean exposure (bits)"),
    ],
)
def test_the_leaky_twin_is_told_from_the_clean_one(name, verdict, probe, source, metric):
    loader, reference = loader_for(f"control:{name}", installed())
    model = loader.load(reference, LoadSettings(device="cpu"))
    played = play(probe, list(source.rows()), lambda request: answer_batch(model, [request])[0])
    assert played.estimate(metric).verdict == verdict
