"""The one-run audit: its published figures, its limits, and its promise under randomised answers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom

from evalsuite.statistics import one_run_epsilon, one_run_p_value


@pytest.mark.parametrize(
    ("n_correct", "n_guesses", "n_canaries", "delta", "epsilon"),
    # Steinke et al. 2023, appendix D (rounded there) and section 7 (cut there).
    [(75, 100, 1000, 1e-4, 0.673), (1439, 1510, 100_000, 1e-5, 2.675)],
)
def test_the_published_bounds_come_out(n_correct, n_guesses, n_canaries, delta, epsilon) -> None:
    bound = one_run_epsilon(n_correct, n_guesses, n_canaries, delta=delta)
    assert bound == pytest.approx(epsilon, abs=1e-3)


def test_the_p_value_is_the_definition_term_by_term() -> None:
    correct, guesses, canaries, epsilon, delta = 60, 90, 200, 0.4, 1e-4
    right = 1 / (1 + math.exp(-epsilon))
    between = [
        sum(binom.pmf(b, guesses, right) for b in range(correct - i, correct)) / i
        for i in range(1, correct + 1)
    ]
    expected = binom.sf(correct - 1, guesses, right) + 2 * canaries * delta * max(between)
    found = one_run_p_value(correct, guesses, canaries, epsilon, delta)
    assert found == pytest.approx(expected, abs=1e-12)


def test_all_right_guesses_give_the_closed_form() -> None:
    # P[B = r] = q^r = .05 at q = .05^(1/r), and epsilon = ln(q / (1 - q)).
    right = 0.05 ** (1 / 100)
    expected = math.log(right / (1 - right))
    assert one_run_epsilon(100, 100, 100) == pytest.approx(expected, abs=1e-6)


def test_guessing_shows_nothing_and_no_guess_is_undefined() -> None:
    assert one_run_epsilon(50, 100, 100) == 0.0
    assert one_run_epsilon(0, 100, 100) == 0.0
    assert math.isnan(one_run_epsilon(0, 0, 100))


def test_abstaining_and_delta_cost_what_they_should() -> None:
    assert one_run_epsilon(90, 100, 1000) == one_run_epsilon(90, 100, 100)
    with_delta = [one_run_epsilon(90, 100, m, delta=1e-4) for m in (100, 1000, 100_000)]
    assert one_run_epsilon(90, 100, 100) > with_delta[0] > with_delta[1] > with_delta[2] == 0.0


@pytest.mark.parametrize("epsilon", [0.5, 2.0])
def test_the_bound_exceeds_the_truth_of_randomised_answers_as_seldom_as_promised(epsilon) -> None:
    # Each coin told truly with probability e^eps / (1 + e^eps) is exactly eps-private.
    rng = np.random.default_rng(0)
    correct = rng.binomial(200, 1 / (1 + math.exp(-epsilon)), size=400)
    found = {int(v): one_run_epsilon(int(v), 200, 200) for v in set(correct)}
    share = np.mean([found[int(v)] > epsilon for v in correct])
    assert share <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 400)


@pytest.mark.parametrize("counts", [(5, 4, 10), (4, 11, 10), (-1, 4, 10)])
def test_counts_that_cannot_be_are_refused(counts) -> None:
    with pytest.raises(ValueError, match="canaries"):
        one_run_epsilon(*counts)
