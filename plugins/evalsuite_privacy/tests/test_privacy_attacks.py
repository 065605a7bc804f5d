"""Attack scores are the worked ones, always higher for members, and undefined where they must be."""

from __future__ import annotations

import math
import zlib

import numpy as np
import pytest

from evalsuite_privacy.membership import attacks
from evalsuite_privacy.membership.neighbours import neighbours_of, words_in
from evalsuite_privacy.membership.reference_attacks import (
    lira_offline,
    lira_online,
    logit_confidence,
    mean_probability_offline,
    mean_probability_online,
    one_sided_probability,
    rmia,
)

# Five tokens over a vocabulary of five: the logits of each position, and which token came.
LOGITS = np.array(
    [
        [3, 0, 0, 0, 0],
        [1, 0, 0, 0, 0],
        [2, 0, 0, 0, 0],
        [1, 0, 0, 0, 0],
        [0.5, 0.5, 0.5, 0.5, -0.5],
    ],
    dtype=float,
)
CAME = [0, 0, 0, 1, 4]
TABLE = LOGITS - np.log(np.exp(LOGITS).sum(axis=1, keepdims=True))
LOGPROBS = TABLE[np.arange(5), CAME]
MEANS = (np.exp(TABLE) * TABLE).sum(axis=1)
DEVIATIONS = np.sqrt((np.exp(TABLE) * TABLE**2).sum(axis=1) - MEANS**2)


def close(expected):
    """To 1.5e-6 of the value: the worked moments were computed in float32, ours in float64."""
    return pytest.approx(expected, rel=1.5e-6, abs=1e-6)


def test_the_log_probabilities_are_those_of_the_worked_example():
    expected = [-0.181611, -0.904832, -0.432653, -1.904832, -2.474277]
    assert pytest.approx(expected, abs=1e-6) == LOGPROBS.tolist()
    z = attacks.standard_scores(LOGPROBS, MEANS, DEVIATIONS)
    assert z == close([0.44626, 1.21306, 0.735759, -0.824361, -3.297444])


def test_loss_and_zlib_are_the_worked_ones():
    text = "the cat sat on a mat"
    assert len(zlib.compress(text.encode())) == 26
    assert attacks.loss(LOGPROBS) == pytest.approx(-1.179641, abs=1e-6)
    assert attacks.zlib_ratio(attacks.loss(LOGPROBS), text) == pytest.approx(-0.045371, abs=1e-6)


@pytest.mark.parametrize(
    ("k", "plain", "standardised"), [(0.2, -2.474277, -3.297444), (0.4, -2.189555, -2.060903)]
)
def test_min_k_has_the_worked_value_and_not_the_opposite_sign(k, plain, standardised):
    """floor(.2 x 5) = 1 and floor(.4 x 5) = 2 lowest; mimir's code returns +2.189555, +2.060903."""
    assert attacks.min_k(LOGPROBS, k) == pytest.approx(plain, abs=1e-6)
    found = attacks.min_k_plus_plus(LOGPROBS, MEANS, DEVIATIONS, k)
    assert found == close(standardised)


def test_min_k_of_all_tokens_is_the_loss():
    assert attacks.min_k(LOGPROBS, 1.0) == pytest.approx(-1.179641, abs=1e-6)


def test_min_k_of_a_text_too_short_is_undefined():
    assert math.isnan(attacks.min_k(LOGPROBS, 0.1))
    assert math.isnan(attacks.min_k_plus_plus(LOGPROBS, MEANS, DEVIATIONS, 0.1))


def test_the_share_of_tokens_is_counted_exactly():
    """0.29 x 100 is 28.999... in floating point; 29 tokens are meant."""
    values = -np.arange(1.0, 101.0)
    assert attacks.min_k(values, 0.29) == pytest.approx(-86.0)


def test_a_token_the_model_was_certain_of_has_no_standard_score():
    z = attacks.standard_scores([0.0, -1.0], [0.0, -2.0], [0.0, 0.5])
    assert z.tolist() == [2.0]


def test_the_neighbourhood_and_reference_scores_are_the_worked_ones():
    loss = attacks.loss(LOGPROBS)
    near = [-2.1, -1.9, -2.1]  # mean -2.033333
    assert attacks.neighbourhood_difference(loss, near) == pytest.approx(0.853692, abs=1e-6)
    assert attacks.reference_difference(loss, -1.6) == pytest.approx(0.420359, abs=1e-6)
    assert attacks.recall_ratio(-1.2, loss) == pytest.approx(1.017258, abs=1e-6)
    assert attacks.lowercase_ratio(-1.2, loss) == pytest.approx(1.017258, abs=1e-6)


def test_the_largest_entropies_are_averaged_and_doubt_speaks_against_membership():
    """Entropies .679836, 1.500223, 1.135082, 1.500223, 1.558501; two largest of five at k = .4."""
    assert attacks.max_entropy(MEANS, 0.4) == pytest.approx(-(1.558501 + 1.500223) / 2, abs=1e-6)


# ------------------------------------------------------------------------------------------------
# Neighbours
# ------------------------------------------------------------------------------------------------


def test_neighbours_differ_in_the_share_asked_for_and_are_the_same_again():
    text = "one two three four five six seven eight nine ten"
    found = neighbours_of(text, 5, words_in([text, "eleven twelve"]), share=0.2)
    assert len(found) == 5
    assert found == neighbours_of(text, 5, words_in([text, "eleven twelve"]), share=0.2)
    for neighbour in found:
        assert neighbour != text
        assert len(set(text.split()) - set(neighbour.split())) <= 2


def test_a_text_without_words_has_no_neighbours():
    assert neighbours_of("?!", 3, ()) == ()
    assert neighbours_of("word", 3, ()) == ()


# ------------------------------------------------------------------------------------------------
# LiRA and RMIA
# ------------------------------------------------------------------------------------------------

# A member at phi = 4 and a non-member at phi = 0; two models each with and without the sample:
# in 3.9 and 4.3 (mean 4.1, deviation .2) or 2.9 and 3.3; out -.1 and .1 (mean 0, deviation .1).
PHI = [4.0, 0.0]
BY_MODEL = [[3.9, 4.3, -0.1, 0.1], [2.9, 3.3, -0.1, 0.1]]
INSIDE = [[True, True, False, False]] * 2


def test_confidences_are_put_on_the_logit_scale():
    found = logit_confidence(np.log([0.99, 0.6, 0.9]))
    assert found == pytest.approx([4.59512, 0.405465, 2.197225], abs=1e-6)


def test_online_lira_is_the_worked_ratio_with_members_above():
    """The published script prints its negative, -799.181853 and +120.818147: lower is member."""
    found = lira_online(PHI, BY_MODEL, INSIDE)
    assert found == pytest.approx([799.181853, -120.818147], abs=1e-6)


def test_shared_deviations_are_each_sides_own():
    """In: .2 around each sample's mean, out: .1, so the same as above.

    plot.py takes the deviation of all in-scores (.538516) for both sides: 27.568966, -16.568966.
    """
    found = lira_online(PHI, BY_MODEL, INSIDE, shared_deviation=True)
    assert found == pytest.approx([799.181853, -120.818147], abs=1e-6)
    wrong = np.std([3.9, 4.3, 2.9, 3.3])
    squares = [((0 - p) ** 2 - (m - p) ** 2) / (2 * wrong**2) for p, m in zip(PHI, (4.1, 3.1))]
    assert squares == pytest.approx([27.568966, -16.568966], abs=1e-6)


def test_offline_lira_is_one_sided():
    """plot.py's two-sided log density is 798.616353 high for a member of phi 4, but also 16.616353
    for a sample of confidence so low (-.6, six deviations) that nobody trained on it."""
    found = lira_offline([4.0, 0.0, -0.6], [*BY_MODEL, BY_MODEL[0]], [*INSIDE, INSIDE[0]])
    assert found == pytest.approx([40.0, 0.0, -6.0], abs=1e-6)
    assert one_sided_probability(found) == pytest.approx([1.0, 0.5, 0.0], abs=1e-6)


def test_lira_without_two_models_on_a_side_is_undefined():
    alone = [[True, False, False, False]] * 2
    assert np.isnan(lira_online(PHI, BY_MODEL, alone)).all()
    assert np.isnan(lira_offline(PHI, BY_MODEL, [[True, True, True, False]] * 2)).all()


def test_rmia_is_the_share_of_the_population_that_is_beaten():
    """Ratios 8, .5, 3.5, .2 against 1, 2, 3, 4 at gamma 1: all, none, three of four, none."""
    found = rmia([8.0, 0.5, 3.5, 0.2], [4.0, 2.0, 1.0, 3.0], gamma=1.0)
    assert found == pytest.approx([1.0, 0.0, 0.75, 0.0], abs=1e-6)


def test_rmia_beats_only_by_more_than_gamma():
    assert rmia([4.0], [2.0, 1.0], gamma=2.0).tolist() == [0.5]


def test_rmia_without_a_population_is_undefined():
    assert np.isnan(rmia([1.0], [])).all()


def test_mean_probabilities_of_both_sides_are_averaged_and_one_side_is_extrapolated():
    """In .8, out .2 and .4: (.8 + .3)/2 = .55. Out alone with a = .5: .75 x .3 + .25 = .475."""
    by_model, inside = [[0.8, 0.2, 0.4]], [[True, False, False]]
    assert mean_probability_online(by_model, inside) == pytest.approx([0.55])
    assert mean_probability_offline(by_model, inside, 0.5) == pytest.approx([0.475])
    assert np.isnan(mean_probability_online(by_model, [[False] * 3])).all()
