"""Membership inference: planted leaks are found, a clean model is silent, a bad split is named."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from evalsuite import (
    ContinuationScore,
    Failure,
    LogLikelihood,
    MaskedTokenScores,
    Sample,
    TokenScores,
    TokenScoreTable,
)
from evalsuite.testing import check_probe, play
from evalsuite_privacy.membership.members import is_member
from evalsuite_privacy.membership.probes import (
    ConditionalMembershipInference,
    MaskedMembershipInference,
    MembershipInference,
)

RNG = random.Random(0)
WORDS = ["ash", "bay", "cod", "dew", "elm", "fig", "gum", "hay", "ivy", "jam"]
TEXTS = [" ".join(RNG.choices(WORDS, k=6)) + f" {i}" for i in range(200)]
SAMPLES = [Sample(str(i), {"text": t, "member": i % 2 == 0}) for i, t in enumerate(TEXTS)]
MEMBERS = {s["text"] for s in SAMPLES if s["member"]}
LEAK = "leak beyond inputs"


def table(text: str, bonus: float, *, moments: bool = True) -> TokenScoreTable:
    """Seven tokens, each more likely by a bonus where the text is a member's."""
    draw = random.Random(text)
    noise = draw.gauss(-3, 1) + (bonus if text in MEMBERS else 0.0)
    logprobs = tuple(noise + draw.gauss(0, 0.5) for _ in range(7))
    return TokenScoreTable(logprobs, means=(-4.0,) * 7 * moments, deviations=(1.0,) * 7 * moments)


def scoring(bonus: float):
    """A model that finds members more likely by a bonus per token, however it is asked."""

    def answer(request):
        if isinstance(request, TokenScores | MaskedTokenScores):
            return table(request.text, bonus)
        scored = table(request.continuation, bonus)
        return ContinuationScore(sum(scored.logprobs), 7, False, scored.logprobs)

    return answer


def shifted(word: str):
    return [
        Sample(s.id, {"text": s["text"] + (word if s["member"] else ""), "member": s["member"]})
        for s in SAMPLES
    ]


@pytest.mark.parametrize(
    "probe",
    [MembershipInference(), MaskedMembershipInference(), ConditionalMembershipInference()],
    ids=lambda p: p.name,
)
def test_a_planted_leak_is_found(probe):
    played = play(probe, SAMPLES, scoring(3.0))
    assert played.estimate("attack AUC", "attack=loss").value > 0.95
    assert played.estimate("attack AUC").value > 0.95
    assert played.estimate(LEAK).verdict == "differs from null"


@pytest.mark.parametrize(
    "probe",
    [MembershipInference(), MaskedMembershipInference(), ConditionalMembershipInference()],
    ids=lambda p: p.name,
)
def test_a_model_that_memorised_nothing_is_silent(probe):
    played = play(probe, SAMPLES, scoring(0.0))
    assert played.estimate(LEAK).verdict == "compatible with null"
    assert played.estimate("attack AUC").verdict == "compatible with null"


def test_a_constant_model_is_at_chance():
    played = play(MembershipInference(), SAMPLES, lambda request: TokenScoreTable((-1.0,)))
    assert played.estimate("attack AUC", "attack=loss").value == 0.5
    assert played.estimate(LEAK).verdict == "compatible with null"


def test_a_split_that_the_inputs_give_away_is_worthless_however_strong_the_attack():
    for bonus in (0.0, 3.0):
        played = play(MembershipInference(), shifted(" newword"), scoring(bonus))
        estimate = played.estimate(LEAK)
        assert math.isnan(estimate.value)
        assert "worthless" in estimate.reason
        assert estimate.extra["auc_minus_blind_auc"] < 0.05
        assert "worthless" in played.estimate("attack AUC").extra["warning"]
        assert played.estimate("attack AUC").verdict == "no null"


def test_true_positives_at_a_low_rate_are_refused_on_few_non_members():
    played = play(MembershipInference(), SAMPLES, scoring(3.0))
    for name in (
        "true positives at 1 % false positives",
        "true positives at 0.1 % false positives",
    ):
        assert math.isnan(played.estimate(name).value)
        assert "100 negatives" in played.estimate(name).reason


def test_a_model_that_refuses_is_not_private():
    played = play(MembershipInference(), SAMPLES, lambda request: Failure("refused", "no"))
    assert all(math.isnan(estimate.value) for estimate in played.estimates)


@pytest.mark.parametrize(
    "probe",
    [
        MembershipInference(lowercase=True, neighbours=3, prefixes=2),
        MaskedMembershipInference(neighbours=2),
        ConditionalMembershipInference(),
    ],
    ids=lambda p: p.name,
)
def test_the_contract_is_kept(probe):
    check_probe(probe, SAMPLES, scoring(1.0))


def test_all_attacks_on_one_text_share_one_answer():
    played = play(MembershipInference(), SAMPLES, scoring(1.0))
    assert len(played.requests) == len(SAMPLES)
    attacks = {e.slice for e in played.estimates if e.metric == "attack AUC" and e.slice}
    assert attacks == {
        f"attack={name}" for name in ("loss", "zlib", "min_k", "min_k_plus_plus", "max_entropy")
    }


def test_a_text_that_is_in_lower_case_already_costs_no_request():
    played = play(MembershipInference(lowercase=True), SAMPLES, scoring(1.0))
    assert len(played.requests) == len(SAMPLES)
    assert "lower case already" in played.estimate(LEAK, "attack=lowercase").reason


def test_without_moments_the_attacks_that_need_them_say_so():
    played = play(
        MembershipInference(), SAMPLES, lambda request: table(request.text, 3.0, moments=False)
    )
    assert "no moments" in played.estimate(LEAK, "attack=min_k_plus_plus").reason
    assert played.estimate(LEAK).verdict == "differs from null"


def test_neighbours_of_members_are_less_likely_than_members():
    played = play(MembershipInference(neighbours=4), SAMPLES, scoring(3.0))
    assert played.estimate("attack AUC", "attack=neighbourhood").value > 0.9


def test_a_failing_neighbour_costs_its_own_attack_only():
    def answer(request):
        known = request.text in set(TEXTS)
        return table(request.text, 3.0) if known else Failure("refused", "no")

    played = play(MembershipInference(neighbours=2), SAMPLES, answer)
    assert not played.failures
    assert math.isnan(played.estimate(LEAK, "attack=neighbourhood").value)
    assert played.estimate("attack AUC", "attack=loss").value > 0.95


def test_recall_finds_members_whose_likelihood_a_foreign_prefix_hurts():
    """LL(x | prefix) = 1.5 LL(x) for members and LL(x) for others, so the ratio tells."""

    def answer(request):
        text = request.text if isinstance(request, TokenScores) else request.continuation
        total = sum(table(text, 0.0).logprobs)
        if isinstance(request, LogLikelihood):
            return ContinuationScore(total * (1.5 if text in MEMBERS else 1.0), 7, False)
        return table(text, 0.0)

    played = play(MembershipInference(prefixes=3), SAMPLES, answer)
    estimate = played.estimate("attack AUC", "attack=recall")
    assert estimate.value == 1.0
    assert estimate.n == len(SAMPLES) - 3  # the prefix itself is not attacked


def test_documents_are_kept_together_and_resampled_whole():
    samples = [Sample(s.id, {**s.fields, "document": str(int(s.id) // 4)}) for s in SAMPLES]
    played = play(MembershipInference(cluster_by="document"), samples, scoring(3.0))
    estimate = played.estimate(LEAK)
    assert "bootstrap" in estimate.method
    assert estimate.verdict == "differs from null"


def test_documents_of_one_text_each_are_as_good_as_none():
    samples = [Sample(s.id, {**s.fields, "document": s.id}) for s in SAMPLES]
    played = play(MembershipInference(cluster_by="document"), samples, scoring(9.0))
    assert played.estimate("attack AUC").low < 1.0  # a bootstrap of separated classes has no width
    assert "Clopper-Pearson" in played.estimate("attack AUC").method


@pytest.mark.parametrize(
    ("value", "expected"), [("1", True), (False, False), ("Non-Member", False)]
)
def test_membership_is_read_from_texts(value, expected):
    assert is_member(value) is expected


def test_membership_that_is_neither_is_refused():
    with pytest.raises(ValueError, match="true or false"):
        is_member("perhaps")


def test_shares_outside_their_range_are_refused():
    with pytest.raises(ValueError, match="shares"):
        MembershipInference(k=0.0)


def test_only_members_show_nothing():
    played = play(MembershipInference(), [s for s in SAMPLES if s["member"]], scoring(1.0))
    assert math.isnan(played.estimate(LEAK).value)
    assert np.all([math.isnan(e.value) for e in played.estimates])
