"""The bound on epsilon: never above the truth of private training, large without privacy."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
import torch

from evalsuite import ContinuationScore, Sample
from evalsuite.statistics import epsilon_lower_bound, one_run_epsilon
from evalsuite.testing import check_probe, play
from evalsuite_controls.recipes.private_training import (
    CLIP,
    LEARNING_RATE,
    STEPS,
    PrivateBigrams,
    clipped_sums,
    coins,
    encoded,
    gaussian_epsilon,
    noise_for,
    train_privately,
)
from evalsuite_privacy.memorisation.privacy_loss import BY_RATES, ONE_RUN, PrivacyLossAudit

DELTA = 1e-5


def audited(epsilon: float, seed: int, n: int = 300, train=train_privately, **options):
    """Train one model with as many coins, and play the probe on it."""
    torch.set_num_threads(1)
    flipped = coins(n, seed)
    texts = [coin.text for coin in flipped if coin.is_planted]
    noise = noise_for(epsilon, STEPS, DELTA)
    model = train(PrivateBigrams(n), texts, noise, seed)

    def answer(request):
        return ContinuationScore(model.log_likelihood(request.continuation), 1, False)

    samples = [Sample(c.text, {"text": c.text, "member": c.is_planted}) for c in flipped]
    return play(PrivacyLossAudit(delta=DELTA, **options), samples, answer, seed=seed)


def trained_by_opacus(model, texts, noise_multiplier, seed):
    """As ``train_privately``, by the gradients, the clipping and the noise of opacus."""
    opacus = pytest.importorskip("opacus")
    from opacus.optimizers import DPOptimizer

    wrapped = opacus.GradSampleModule(model, loss_reduction="sum")
    optimizer = DPOptimizer(
        torch.optim.SGD(wrapped.parameters(), lr=LEARNING_RATE),
        noise_multiplier=noise_multiplier,
        max_grad_norm=CLIP,
        expected_batch_size=1,
        loss_reduction="sum",
        generator=torch.Generator().manual_seed(seed),
    )
    owners, digits = encoded(texts)
    for _ in range(STEPS):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(wrapped(owners), digits, reduction="sum").backward()
        optimizer.step()
    return model


def largest_count_allowed(n: int) -> int:
    """Of n bounds at 95 %, as many may exceed the truth with a chance of 1 % at most."""
    from scipy.stats import binom

    return int(binom.ppf(0.99, n, 0.05))


@pytest.mark.parametrize("epsilon", [1.0, 8.0])
def test_few_bounds_exceed_the_epsilon_of_private_training(epsilon):
    played = [audited(epsilon, seed) for seed in range(8)]
    for name in (ONE_RUN, BY_RATES):
        exceeding = sum(p.estimate(name).value > epsilon for p in played)
        assert exceeding <= largest_count_allowed(8)


@pytest.mark.slow
@pytest.mark.parametrize("epsilon", [1.0, 8.0])
def test_of_fifty_bounds_no_more_than_the_level_allows_exceed_epsilon(epsilon):
    played = [audited(epsilon, 100 + seed, n=600) for seed in range(50)]
    for name in (ONE_RUN, BY_RATES):
        bounds = np.array([p.estimate(name).value for p in played])
        assert (bounds > epsilon).sum() <= largest_count_allowed(50)
    if epsilon == 8.0:
        assert np.mean([p.estimate(ONE_RUN).value for p in played]) > 1.0


@pytest.mark.parametrize(("epsilon", "n_runs"), [(1.0, 40), (math.inf, 20)])
def test_two_runs_over_and_over_bound_the_epsilon_of_one_canary(epsilon, n_runs):
    """Jagielski's audit: models with the canary and without, a threshold from runs of their own."""
    torch.set_num_threads(1)
    noise, text = noise_for(epsilon, STEPS, DELTA), "owner0 three"

    def score(seed: int, is_planted: bool) -> float:
        texts = [text, "owner1 five"] if is_planted else ["owner1 five"]
        return train_privately(PrivateBigrams(2), texts, noise, seed).log_likelihood(text)

    threshold = np.median([score(seed, seed % 2 == 0) for seed in range(10)])
    hits = sum(score(100 + seed, True) >= threshold for seed in range(n_runs))
    alarms = sum(score(1000 + seed, False) >= threshold for seed in range(n_runs))
    bound = epsilon_lower_bound(hits, n_runs, alarms, n_runs, delta=DELTA)
    assert bound <= 1.0 if epsilon == 1.0 else bound > 1.5


def test_training_without_privacy_gives_a_large_bound():
    played = audited(math.inf, seed=0, claimed_epsilon=1.0)
    for name in (ONE_RUN, BY_RATES):
        assert played.estimate(name).value > 2.5
        assert played.estimate(name).verdict == "differs from null"
        assert played.estimate(name).null.value == 1.0


def test_the_worked_bounds_by_rates_come_out():
    assert epsilon_lower_bound(30, 100, 0, 100) == pytest.approx(1.768981, abs=1e-6)
    assert epsilon_lower_bound(300, 1000, 0, 1000) == pytest.approx(4.301297, abs=1e-6)
    assert epsilon_lower_bound(12, 100, 10, 100) == 0.0


def by_table(values):
    return lambda request: ContinuationScore(values[request.continuation], 1, False)


def some(n: int, gap: float, seed: int = 0):
    draw = random.Random(seed)
    samples, values = [], {}
    for i in range(n):
        text, member = f"canary {i}", draw.random() < 0.5
        samples.append(Sample(text, {"text": text, "member": member}))
        values[text] = draw.gauss(gap * member, 1.0)
    return samples, by_table(values)


def test_all_right_guesses_give_the_largest_bound_there_is():
    """60 canaries told apart: the bound of 60 right of 60, at the level of four choices."""
    samples, _ = some(60, 0.0)
    half = [Sample(s.id, {"text": s["text"], "member": i < 30}) for i, s in enumerate(samples)]
    values = {s["text"]: -float(i) for i, s in enumerate(samples)}
    estimate = play(PrivacyLossAudit(delta=0.0), half, by_table(values)).estimate(ONE_RUN)
    assert estimate.value == one_run_epsilon(60, 60, 60, level=1 - 0.05 / 4)
    assert estimate.extra["n_right"] == 60


def test_coins_that_nothing_shows_seldom_refute_perfect_privacy():
    exceeding = {ONE_RUN: 0, BY_RATES: 0}
    for seed in range(60):
        samples, answer = some(100, 0.0, seed)
        played = play(PrivacyLossAudit(), samples, answer, seed=seed)
        for name in exceeding:
            exceeding[name] += played.estimate(name).value > 0
    assert max(exceeding.values()) <= largest_count_allowed(60)


def test_a_model_that_likes_all_alike_has_no_bound():
    samples, _ = some(40, 0.0)
    played = play(PrivacyLossAudit(), samples, lambda request: ContinuationScore(-1.0, 1, False))
    assert math.isnan(played.estimate(ONE_RUN).value)
    assert "one likelihood" in played.estimate(ONE_RUN).reason


def test_only_members_give_no_bound():
    samples = [Sample(str(i), {"text": str(i), "member": True}) for i in range(20)]
    values = {str(i): float(i) for i in range(20)}
    assert math.isnan(play(PrivacyLossAudit(), samples, by_table(values)).estimate(ONE_RUN).value)


def test_the_audit_keeps_the_contract():
    check_probe(PrivacyLossAudit(), *some(80, 2.0))


def test_a_reference_takes_off_what_canaries_differ_in_by_themselves(monkeypatch):
    samples, answer = some(200, 3.0)
    hard = {s["text"]: random.Random(s.id).gauss(0, 30) for s in samples}

    def disturbed(request):
        found = answer(request)
        return ContinuationScore(found.total + hard[request.continuation], 1, False)

    class Reference:
        def __init__(self, name):
            self.name = name

        def check(self, *requests):
            pass

        def answers(self, requests):
            return {r.digest: by_table(hard)(r) for r in requests}, "print"

    monkeypatch.setattr("evalsuite_privacy.membership.references.SecondModel", Reference)
    without = play(PrivacyLossAudit(), samples, disturbed).estimate(ONE_RUN).value
    beside = play(PrivacyLossAudit(reference="control:other"), samples, disturbed)
    assert beside.estimate(ONE_RUN).value > without + 0.5


@pytest.mark.parametrize("epsilon", [0.1, 1.0, 8.0])
def test_noise_is_chosen_for_an_exact_epsilon(epsilon):
    """Delta of a Gaussian with mu = sqrt(T) / sigma at the epsilon found, by numbers drawn."""
    noise = noise_for(epsilon, STEPS, 1e-2)
    assert gaussian_epsilon(noise, STEPS, 1e-2) == pytest.approx(epsilon, abs=1e-6)
    mu = math.sqrt(STEPS) / noise
    loss = mu * np.random.default_rng(0).normal(mu / 2, 1, 2_000_000)
    delta = np.maximum(0.0, 1 - np.exp(epsilon - loss)).mean()
    assert delta == pytest.approx(1e-2, rel=0.05)


def test_gradients_are_clipped_one_by_one():
    model = PrivateBigrams(4)
    texts = ["owner0 three", "owner0 three", "owner3 nine"]
    torch.nn.init.normal_(model.logits.weight, std=3.0, generator=torch.Generator().manual_seed(0))
    owners, digits = encoded(texts)
    expected = torch.zeros(4, 10)
    for owner, digit in zip(owners, digits, strict=True):
        model.zero_grad()
        torch.nn.functional.cross_entropy(model(owner[None]), digit[None]).backward()
        gradient = model.logits.weight.grad
        expected += gradient / max(1.0, float(gradient.norm()))
    assert torch.allclose(clipped_sums(model, owners, digits)["logits.weight"], expected, atol=1e-6)


@pytest.mark.filterwarnings("ignore:Full backward hook:UserWarning")
def test_opacus_agrees_on_the_gradients_and_accounts_for_no_less():
    """Its optimiser clips and sums as ours does; its accountant's epsilon is an upper bound."""
    pytest.importorskip("opacus")
    from opacus.accountants import RDPAccountant

    texts = [coin.text for coin in coins(40, 0) if coin.is_planted]
    ours = train_privately(PrivateBigrams(40), texts, 0.0, seed=0)
    theirs = trained_by_opacus(PrivateBigrams(40), texts, 0.0, seed=0)
    assert torch.allclose(ours.logits.weight, theirs.logits.weight, atol=1e-5)
    accountant = RDPAccountant()
    noise = noise_for(1.0, STEPS, DELTA)
    for _ in range(STEPS):
        accountant.step(noise_multiplier=noise, sample_rate=1.0)
    assert 1.0 <= accountant.get_epsilon(DELTA) < 1.3


@pytest.mark.filterwarnings("ignore:Full backward hook:UserWarning")
@pytest.mark.parametrize("epsilon", [1.0, 8.0])
def test_few_bounds_exceed_the_epsilon_of_training_by_opacus(epsilon):
    played = [audited(epsilon, seed, train=trained_by_opacus) for seed in range(8)]
    for name in (ONE_RUN, BY_RATES):
        exceeding = sum(p.estimate(name).value > epsilon for p in played)
        assert exceeding <= largest_count_allowed(8)


@pytest.mark.filterwarnings("ignore:Full backward hook:UserWarning")
def test_training_by_opacus_without_noise_has_a_large_bound():
    played = audited(math.inf, 0, train=trained_by_opacus)
    assert played.estimate(ONE_RUN).value > 3
