"""Measures of explanations against worked numbers; what other libraries give is named."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from captum.metrics import infidelity as captum_infidelity
from captum.metrics import sensitivity_max

from evalsuite_explain.measures.agreement import (
    expected_top_jaccard,
    kendall,
    spearman,
    top_jaccard,
)
from evalsuite_explain.measures.bounds import (
    beam_bounds,
    erasing_area,
    every_coalition,
    exact_bounds,
    steps_of,
)
from evalsuite_explain.measures.complexity import effective_complexity, entropy, gini
from evalsuite_explain.measures.faithfulness import (
    area_over_perturbation,
    curve_area,
    normalised_area,
)
from evalsuite_explain.measures.fidelity import (
    completeness_error,
    infidelity,
    max_sensitivity,
    sensitivity_n,
)
from evalsuite_explain.measures.localisation import (
    area_under_roc,
    lift,
    mass_inside,
    pointing,
    rank_inside,
    top_inside,
)
from evalsuite_explain.measures.plausibility import (
    average_precision,
    precision_recall_area,
    stretch_overlap,
    stretches,
    token_overlap,
)
from evalsuite_explain.measures.reasoning import (
    area_over_agreement,
    sentences_of,
    with_mistake,
)

# ------------------------------------------------------------------------------------------------
# Erasing
# ------------------------------------------------------------------------------------------------

# f(kept) = sum of the kept worths; removing in order 0, 1, 2 drops .5, .8, .6, on average 1.9 / 3
WORTHS = np.array([0.5, 0.3, -0.2])


def values_of(present, worths=WORTHS):
    return present.astype(float) @ worths


def answered(asking):
    """Play a search whose questions are coalitions."""

    def ask(present):
        answer = yield present
        return answer

    generator = asking(ask)
    try:
        question = next(generator)
        while True:
            question = generator.send(values_of(question))
    except StopIteration as stop:
        return stop.value


def test_comprehensiveness_and_sufficiency_by_hand():
    # full .9: drops .05 .2 .4 .6 .7 average .39; kept alone .6 .4 .2 .05 0 short, on average .25
    without = [0.9 - drop for drop in (0.05, 0.2, 0.4, 0.6, 0.7)]
    only = [0.9 - lack for lack in (0.6, 0.4, 0.2, 0.05, 0.0)]
    assert area_over_perturbation(0.9, without) == pytest.approx(0.39, abs=1e-6)
    assert area_over_perturbation(0.9, only) == pytest.approx(0.25, abs=1e-6)


def test_equal_thresholds_count_as_often_as_they_are():
    # ten words: 1, 1, 1, 2, 5 of them; ferret skips repeated ones and gets (.1 + .2 + .5) / 3
    without = [0.9 - drop for drop in (0.1, 0.1, 0.1, 0.2, 0.5)]
    assert area_over_perturbation(0.9, without) == pytest.approx(0.2, abs=1e-6)
    assert area_over_perturbation(0.9, without) != pytest.approx(0.266667, abs=1e-3)


def test_the_area_of_every_order():
    found = {
        order: erasing_area(values_of(steps_of(order)))
        for order in itertools.permutations(range(3))
    }
    assert found == {
        (0, 1, 2): pytest.approx(0.633333, abs=1e-6),
        (0, 2, 1): pytest.approx(0.466667, abs=1e-6),
        (1, 0, 2): pytest.approx(0.566667, abs=1e-6),
        (1, 2, 0): pytest.approx(0.333333, abs=1e-6),
        (2, 0, 1): pytest.approx(0.233333, abs=1e-6),
        (2, 1, 0): pytest.approx(0.166667, abs=1e-6),
    }


def test_exact_bounds_are_those_of_all_orders():
    rng = np.random.default_rng(0)
    for n in (1, 3, 5):
        values = rng.standard_normal(2**n)
        index = {row.tobytes(): i for i, row in enumerate(every_coalition(n))}
        areas = [
            erasing_area([values[index[row.tobytes()]] for row in steps_of(order)])
            for order in itertools.permutations(range(n))
        ]
        assert exact_bounds(values) == pytest.approx((min(areas), max(areas)), abs=1e-12)


def test_normalised_areas_by_hand():
    low, high = exact_bounds(values_of(every_coalition(3)))
    assert (low, high) == pytest.approx((0.166667, 0.633333), abs=1e-6)
    areas = [
        normalised_area(erasing_area(values_of(steps_of(order))), low, high)
        for order in itertools.permutations(range(3))
    ]
    # over all orders the normalised areas of this sum average .5
    assert (areas[0], areas[-1], np.mean(areas)) == pytest.approx((1.0, 0.0, 0.5), abs=1e-9)


def test_ten_times_flatter_outputs_have_the_same_normalised_area():
    # AOPC .633 and .063, NAOPC 1 and 1
    for scale in (1.0, 0.1):
        low, high = exact_bounds(scale * values_of(every_coalition(3)))
        area = erasing_area(scale * values_of(steps_of((0, 1, 2))))
        assert area == pytest.approx(scale * 0.633333, abs=1e-6)
        assert normalised_area(area, low, high) == pytest.approx(1.0)


def test_a_beam_finds_the_exact_bounds_of_a_sum():
    found = answered(lambda ask: beam_bounds(3, ask, width=2))
    assert found == pytest.approx(exact_bounds(values_of(every_coalition(3))), abs=1e-12)


def test_a_constant_model_has_no_normalised_area():
    assert exact_bounds(np.ones(8)) == (0.0, 0.0)
    assert math.isnan(normalised_area(0.0, 0.0, 0.0))


def test_deletion_and_insertion_areas_by_hand():
    # (.9 + .6)/2 + (.6 + .3)/2 + (.3 + .1)/2 = 1.4 over three steps. Quantus' calculate_auc takes
    # steps of 1 (1.4), where it runs: numpy 2 has no trapz.
    assert curve_area([0.9, 0.6, 0.3, 0.1]) == pytest.approx(0.466667, abs=1e-6)
    assert curve_area([0.1, 0.5, 0.8, 0.9]) == pytest.approx(0.6, abs=1e-6)


# ------------------------------------------------------------------------------------------------
# Infidelity, sensitivity, completeness
# ------------------------------------------------------------------------------------------------

SLOPES = np.array([1.0, -2.0, 0.5])


def draws(n=200_000):
    return 0.1 * np.random.default_rng(0).standard_normal((n, 3))


def test_a_linear_model_explained_exactly_has_no_infidelity():
    noise = draws(100)
    assert infidelity(noise @ SLOPES, noise @ SLOPES) == pytest.approx(0.0, abs=1e-12)


def test_the_wrong_sign_costs_four_times_the_slopes_power():
    # E[(I . 2w)^2] = 4 x .01 x (1 + 4 + .25) = .21; a draw of captum's own gave .208747
    noise = draws()
    assert infidelity(noise @ -SLOPES, noise @ SLOPES) == pytest.approx(0.21, rel=0.01)


def test_normalised_infidelity_forgives_a_factor():
    noise = draws(100)
    assert infidelity(5 * noise @ SLOPES, noise @ SLOPES, normalise=True) == pytest.approx(0)


@pytest.mark.parametrize("normalise", [False, True])
def test_infidelity_is_captums(normalise):
    noise = torch.from_numpy(draws(64))
    point, scores = torch.tensor([[1.0, 2.0, 3.0], [2.0, 9.0, 6.0]]).double().split(1)

    def function(x):
        return 2 * x[:, 0] + 3 * x[:, 1] * x[:, 2]

    theirs = captum_infidelity(
        function,
        lambda x: (noise, x - noise),
        point,
        scores,
        n_perturb_samples=64,
        max_examples_per_batch=64,
        normalize=normalise,
    )
    drops = function(point) - function(point - noise)
    ours = infidelity(noise.numpy() @ scores[0].numpy(), drops.numpy(), normalise=normalise)
    assert ours == pytest.approx(float(theirs), rel=1e-6)


def test_max_sensitivity_is_captums():
    deltas = torch.tensor([[0.01, -0.02, 0.02], [-0.02, 0.01, 0.0], [0.02, 0.02, -0.02]])
    point = torch.tensor([[1.0, 2.0, 3.0]])

    def explain(x):
        return torch.stack([2 + 0 * x[:, 0], 3 * x[:, 2], 3 * x[:, 1]], dim=1)

    theirs = sensitivity_max(
        lambda inputs: (explain(inputs[0]),),
        (point,),
        perturb_func=lambda inputs: (inputs[0] + deltas,),
        n_perturb_samples=3,
    )
    ours = max_sensitivity(explain(point)[0].numpy(), explain(point + deltas).numpy())
    assert ours == pytest.approx(float(theirs), abs=1e-6)


@pytest.mark.parametrize(
    ("explain", "batch", "expected"),
    [
        # integrated gradients of a linear model are w x, here at (1, 2, 3) with w = (2, -1, .5);
        # saliency of 2 x0 + 3 x1 x2 is (2, 3 x2, 3 x1)
        (lambda x: x * torch.tensor([2.0, -1.0, 0.5]), 0, 0.012698),
        (lambda x: torch.stack([2 + 0 * x[:, 0], 3 * x[:, 2], 3 * x[:, 1]], dim=1), 2, 0.006842),
    ],
)
def test_max_sensitivity_by_worked_numbers(explain, batch, expected):
    # captum's default: ten moves of up to .02; the expected values drew the first and third ten
    torch.manual_seed(0)
    moves = [torch.FloatTensor(10, 3).uniform_(-0.02, 0.02) for _ in range(batch + 1)][batch]
    point = torch.tensor([[1.0, 2.0, 3.0]])
    found = max_sensitivity(explain(point)[0].numpy(), explain(point + moves).numpy())
    assert found == pytest.approx(expected, abs=1e-6)


def test_a_linear_models_scores_move_as_far_as_its_input():
    # phi = w x, so that within a radius of .02: at most .02 ||w|| / ||w x||
    noise = np.random.default_rng(0).uniform(-0.02, 0.02, (10, 3))
    point = np.array([1.0, 2.0, 3.0])
    found = max_sensitivity(SLOPES * point, SLOPES * (point + noise))
    assert 0 < found <= 0.02 * np.linalg.norm(SLOPES) / np.linalg.norm(SLOPES * point)


def test_scores_that_are_all_zero_have_no_sensitivity():
    assert math.isnan(max_sensitivity([0, 0], [[1, 1]]))


def test_completeness_by_hand():
    # f(1, 2, 3) = 20: integrated gradients 2 + 9 + 9, input x gradient 2 + 18 + 18
    assert completeness_error([2, 9, 9], 20) == 0
    assert completeness_error([2, 18, 18], 20) == 18
    assert completeness_error([20 / 3] * 3, 20) == pytest.approx(0, abs=1e-12)


def test_sensitivity_n_of_an_additive_model_is_one():
    sets = np.array([[1, 1, 0], [1, 0, 1], [0, 1, 1]], dtype=float)
    assert sensitivity_n(sets @ WORTHS, sets @ WORTHS) == pytest.approx(1.0)
    assert sensitivity_n(sets @ -WORTHS, sets @ WORTHS) == pytest.approx(-1.0)


def test_a_constant_model_has_no_sensitivity_n():
    assert math.isnan(sensitivity_n([0.1, 0.2], [0.0, 0.0]))
    assert math.isnan(sensitivity_n([0.1, 0.1], [0.0, 0.3]))


# ------------------------------------------------------------------------------------------------
# Localisation and complexity: a map of 4 x 4 cells, the region its upper left quarter
# ------------------------------------------------------------------------------------------------

MAP = np.array([[4, 3, 0, 5], [2, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]) / 5
REGION = np.zeros((4, 4), dtype=bool)
REGION[:2, :2] = True


def test_localisation_by_hand():
    # the highest cell lies outside; 10 of 15 inside; three of the first four; of 4 x 12 pairs all
    # but the four with the highest cell are won
    assert pointing(MAP, REGION) == 0
    assert mass_inside(MAP, REGION) == pytest.approx(0.666667, abs=1e-6)
    assert rank_inside(MAP, REGION) == pytest.approx(0.75)
    assert top_inside(MAP, REGION, 4) == pytest.approx(0.75)
    assert area_under_roc(MAP, REGION) == pytest.approx(0.916667, abs=1e-6)
    assert lift(mass_inside(MAP, REGION), REGION) == pytest.approx(2.666667, abs=1e-6)


def test_equal_scores_get_what_chance_gives():
    flat = np.ones((4, 4))
    for measure in (pointing, mass_inside, rank_inside):
        assert lift(measure(flat, REGION), REGION) == pytest.approx(1.0)
    assert area_under_roc(flat, REGION) == 0.5


def test_scores_against_the_target_are_no_mass():
    assert mass_inside([-3, 1], [True, False]) == 0
    assert math.isnan(mass_inside([-3, -1], [True, False]))


def test_a_region_of_another_size_is_refused():
    with pytest.raises(ValueError, match="3 scores but 2 cells"):
        pointing([1, 2, 3], [True, False])


def test_complexity_by_hand():
    # shares 5, 4, 3, 2, 1 of 15: sum of (2 rank - 17) share / 16 over ranks 16 to 12
    assert gini(MAP) == pytest.approx(0.770833, abs=1e-6)
    assert entropy(MAP) == pytest.approx(1.48975, abs=1e-5)
    assert effective_complexity(MAP) == 5


def test_complexity_at_its_ends():
    assert gini(np.ones(8)) == pytest.approx(0)
    assert gini([1, 0, 0, 0]) == pytest.approx(0.75)
    assert entropy(np.ones(8)) == pytest.approx(math.log(8))
    assert entropy([0, 3]) == 0
    assert math.isnan(gini([0, 0]))
    assert math.isnan(entropy([0, 0]))


# ------------------------------------------------------------------------------------------------
# Agreement and plausibility
# ------------------------------------------------------------------------------------------------


def test_agreement_by_hand():
    # one exchange of neighbours among four: 1 - 6 x 2 / 60 = .8, (5 - 1) / 6 = .667
    one, other = [4, 3, 2, 1], [3, 4, 2, 1]
    assert spearman(one, other) == pytest.approx(0.8, abs=1e-6)
    assert kendall(one, other) == pytest.approx(0.666667, abs=1e-6)
    assert top_jaccard(one, other, 2) == 1.0


def test_scores_that_rank_nothing_agree_with_none():
    assert math.isnan(spearman([1, 1, 1], [1, 2, 3]))
    assert math.isnan(kendall([1, 1, 1], [1, 2, 3]))


def test_expected_overlap_of_unrelated_rankings():
    # of the 6 pairs out of four, one is the same (1), four share one (1/3), one none: 7/18
    assert expected_top_jaccard(4, 2) == pytest.approx(7 / 18)
    assert expected_top_jaccard(3, 5) == 1.0


def test_token_overlap_by_hand():
    # people [0, 3), chosen [1, 4) and [7, 8): two shared of four chosen and three theirs
    found = token_overlap([1, 2, 3, 7], range(3))
    assert (found.precision, found.recall) == pytest.approx((0.5, 0.666667), abs=1e-6)
    assert found.f1 == pytest.approx(0.571429, abs=1e-6)


def test_stretch_overlap_by_hand():
    # [1, 4) and [0, 3): two of four, just enough; [7, 8) meets nothing
    assert stretches([7, 1, 3, 2]) == [(1, 4), (7, 8)]
    found = stretch_overlap([(1, 4), (7, 8)], [(0, 3)])
    assert (found.precision, found.recall) == (0.5, 1.0)
    assert found.f1 == pytest.approx(0.666667, abs=1e-6)


def test_nothing_chosen_is_found_nowhere():
    assert token_overlap([], [1]).f1 == 0
    assert stretch_overlap([], [(1, 2)]).f1 == 0
    with pytest.raises(ValueError, match="no token"):
        token_overlap([1], [])


def test_precision_recall_area_by_hand():
    # people's three at ranks 1, 3, 4: precisions 1, 1/2, 2/3, 3/4 between recalls 1/3, 2/3, 1;
    # by trapezoids 1/3 + (1/2 + 2/3)/6 + (2/3 + 3/4)/6, by steps (1 + 2/3 + 3/4)/3
    scores, human = [0.9, 0.8, 0.7, 0.6, 0.1], [1, 0, 1, 1, 0]
    assert precision_recall_area(scores, human) == pytest.approx(0.763889, abs=1e-6)
    assert average_precision(scores, human) == pytest.approx(0.805556, abs=1e-6)
    assert math.isnan(precision_recall_area([1, 2], [True, True]))


def test_equal_scores_are_worth_the_share_marked():
    # one of four marked: by trapezoids from (0, 1) to (1, 1/4), as ERASER has it, .625
    flat, human = [0, 0, 0, 0], [1, 0, 0, 0]
    assert average_precision(flat, human) == pytest.approx(0.25)
    assert precision_recall_area(flat, human) == pytest.approx(0.625)


# ------------------------------------------------------------------------------------------------
# Reasoning
# ------------------------------------------------------------------------------------------------


def test_sentences_joined_are_the_reasoning():
    text = "There are 3.5 pies. Two are left!\nSo: one."
    assert sentences_of(text) == ["There are 3.5 pies. ", "Two are left!\n", "So: one."]
    assert "".join(sentences_of(text)) == text


def test_reasoning_for_show_has_no_area():
    assert area_over_agreement([1, 1, 1]) == 0
    assert area_over_agreement([0, 0, 1]) == pytest.approx(2 / 3)


def test_mistakes_change_the_last_number_or_negate():
    rng = np.random.default_rng(0)
    wrong = with_mistake("2 and 3 are 5.", rng)
    assert wrong.startswith("2 and 3 are ")
    assert wrong != "2 and 3 are 5."
    assert with_mistake("The cat is small.", rng) == "The cat is not small."
    assert with_mistake("Well then.", rng) is None
