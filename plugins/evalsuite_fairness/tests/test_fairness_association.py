"""Association tests: worked numbers, exact permutations, planted and shuffled targets."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.optimize import brentq

from evalsuite import (
    DataError,
    EmbedAudio,
    Embedding,
    EmbedImage,
    EmbedText,
    Failure,
    Image,
    Sample,
)
from evalsuite.statistics import generator
from evalsuite.testing import check_probe, play
from evalsuite_fairness.associations.association import Association
from evalsuite_fairness.metrics.association import (
    Associations,
    associations,
    centred,
    effect_variance,
    pooled_effect,
)


def unit(*values):
    vector = np.array(values, dtype=float)
    return vector / np.linalg.norm(vector)


def test_effect_size_of_a_case_by_hand():
    # s = (1, 3) and (0, 0): means 2 and 0; all four have mean 1, squares 0 + 4 + 1 + 1 = 6,
    # so the deviation is sqrt(6 / 3) and d = 2 / sqrt(2).
    assert Associations(np.array([1.0, 3.0]), np.zeros(2)).effect_size == pytest.approx(2**0.5)


def test_three_targets_a_set_with_the_worked_effect_and_its_smallest_p():
    # (2, 1 + t, 1) against (-1, -1 - t, -2): all of one sign, so d is the worked 1.685349 for the
    # t that its definition, 2 m / sd with m = (4 + t) / 3, gives; 1 of 20 deals is as extreme.
    def of(t):
        return Associations(np.array([2, 1 + t, 1]), -np.array([2, 1 + t, 1]))

    t = brentq(lambda t: of(t).effect_size - 1.685349, 0.0, 3.0)
    m, squares = (4 + t) / 3, 2 * (4 + (1 + t) ** 2 + 1)
    assert 2 * m / (squares / 5) ** 0.5 == pytest.approx(1.685349, abs=1e-6)
    assert of(t).permuted(generator(0, "x")).p_value(of(t).effect_size, "greater") == 0.05


def test_association_is_the_difference_of_mean_cosines():
    # x is at 0 degrees from a and 90 from b: 1 - 0; y at 45 from both: 0.
    found = associations(
        np.array([[2.0, 0.0]]), np.array([[1.0, 1.0]]), np.array([[3.0, 0.0]]), np.array([[0.0, 5]])
    )
    assert found.first == pytest.approx([1.0])
    assert found.second == pytest.approx([0.0])


def naive_effect(x, y, a, b):
    def cosine(u, v):
        return float(u @ v / np.linalg.norm(u) / np.linalg.norm(v))

    def s(w):
        return np.mean([cosine(w, v) for v in a]) - np.mean([cosine(w, v) for v in b])

    first, second = [s(w) for w in x], [s(w) for w in y]
    return (np.mean(first) - np.mean(second)) / np.std(first + second, ddof=1)


def test_effect_size_equals_the_definition():
    draw = np.random.default_rng(5)
    sets = [draw.normal(size=(n, 7)) for n in (4, 5, 6, 3)]
    assert associations(*sets).effect_size == pytest.approx(naive_effect(*sets), abs=1e-12)


def test_three_targets_each_cannot_go_below_a_twentieth():
    # C(6, 3) = 20 deals, and the observed one is the most extreme of them.
    found = Associations(np.array([3.0, 4.0, 5.0]), np.array([0.0, 1.0, 2.0]))
    null = found.permuted(generator(0, "x"))
    assert null.is_exact
    assert null.p_value(found.effect_size, "greater") == 0.05


def test_exact_p_equals_counting_the_deals():
    values = np.random.default_rng(8).normal(size=8)
    found = Associations(values[:4], values[4:])
    observed = values[:4].sum() - values[4:].sum()
    deals = [
        2 * sum(values[list(chosen)]) - values.sum()
        for chosen in itertools.combinations(range(8), 4)
    ]
    share = np.mean([deal >= observed - 1e-12 for deal in deals])
    assert found.permuted(generator(0, "x")).p_value(found.effect_size, "greater") == share


def test_equal_sets_have_no_effect_and_a_large_p():
    # Both sets are (0, 1, 2); of the 20 deals, 14 have a sum at least as large as the other's.
    found = Associations(np.arange(3.0), np.arange(3.0))
    assert found.effect_size == 0.0
    assert found.permuted(generator(0, "x")).p_value(0.0, "greater") == 0.7


def test_targets_without_spread_have_no_effect_size():
    assert math.isnan(Associations(np.ones(4), np.ones(4)).effect_size)


def test_centring_takes_a_common_direction_away():
    draw = np.random.default_rng(1)
    sets = [draw.normal(size=(6, 9)) for _ in range(4)]
    moved = [vectors + 50.0 for vectors in sets]
    plain = associations(*centred(*sets)).effect_size
    assert associations(*centred(*moved)).effect_size == pytest.approx(plain, abs=1e-9)


def test_pooling_of_two_effects_by_hand():
    # Variances 1: weights 1, mean 2, Q = 1 + 1 = 2, C = 2 - 2/2 = 1, between = (2 - 1)/1 = 1;
    # weights 1/2, so the mean stays 2 and its error is 1.
    found = pooled_effect([1.0, 3.0], [1.0, 1.0])
    assert (found.effect, found.standard_error, found.between) == (2.0, 1.0, 1.0)
    assert found.p_value == pytest.approx(0.0455002639, abs=1e-9)


def test_effects_that_agree_have_nothing_between():
    assert pooled_effect([1.0, 1.0, 1.0], [0.5, 0.5, 0.5]).between == 0.0


def test_sampling_variance_of_an_effect_by_hand():
    # (4 + 4) / 16 + 1 / (2 x 8)
    assert effect_variance(1.0, 4, 4) == pytest.approx(0.5625)


# ------------------------------------------------------------------------------------------------
# The probe
# ------------------------------------------------------------------------------------------------

SIZE = 12
WORDS = {name: [f"{name}{i}" for i in range(SIZE)] for name in ("targ1", "targ2", "attr1", "attr2")}


def planted(strength: float, seed: int = 0):
    """Vectors at random; the first targets lean to the first attributes by some strength."""
    axis = unit(*([1.0] + [0.0] * 31))

    def answer(request):
        text = request.text
        draw = np.random.default_rng([seed, *text.encode()])
        vector = draw.normal(size=32)
        lean = {"attr1": 6.0, "attr2": -6.0, "targ1": strength, "targ2": -strength}[text[:5]]
        vector = vector + lean * axis
        return Embedding((vector / np.linalg.norm(vector)).astype(np.float32))

    return answer


def effect(strength, seed=0):
    sample = Sample("planted", WORDS)
    return play(Association(), [sample], planted(strength, seed), seed).estimate("effect size")


def test_the_probe_keeps_the_contract():
    check_probe(Association(), [Sample("one", WORDS)], planted(1.0))


def test_effects_grow_with_the_plant():
    found = [effect(strength).value for strength in (0.0, 0.5, 1.0, 2.0)]
    assert found == sorted(found)
    assert found[-1] > 1.5


def test_a_planted_association_is_found():
    assert effect(2.0).verdict == "differs from null"


def test_targets_dealt_at_random_are_silent():
    # 5 % of intervals miss by design; with 24 targets percentile intervals are a little narrow.
    found = [effect(0.0, seed) for seed in range(100)]
    assert sum(one.verdict == "compatible with null" for one in found) >= 93


def test_p_values_of_no_association_are_uniform():
    def p(seed):
        played = play(Association(), [Sample("t", WORDS)], planted(0.0, seed), seed)
        return played.estimate("effect size", "test=t").extra["p_one_sided"]

    # Of 60 uniform values the mean has a standard deviation of 0.289 / sqrt(60) = 0.037.
    assert np.mean([p(seed) for seed in range(60)]) == pytest.approx(0.5, abs=0.12)


def test_several_tests_are_corrected_and_averaged():
    samples = [Sample(f"t{i}", WORDS) for i in range(3)]
    played = play(Association(), samples, planted(2.0))
    tests = [e for e in played.estimates if e.metric == "effect size" and e.slice]
    assert all(e.extra["p_adjusted"] >= e.extra["p_value"] for e in tests)
    whole = played.estimate("effect size")
    assert whole.value == pytest.approx(np.mean([e.value for e in tests]))


def test_contexts_are_pooled():
    probe = Association(templates=("{}", "{} is here", "{} again"), sampled_contexts=40)
    pooled = play(probe, [Sample("t", WORDS)], planted(2.0)).estimate(
        "effect size pooled over contexts", "test=t"
    )
    assert pooled.low > 1.0


def test_pictures_meet_words():
    draw = np.random.default_rng(3)
    pictures = [Image.from_array(draw.integers(0, 255, (2, 2, 3), np.uint8)) for _ in range(8)]
    lean = {picture.digest: 1.0 if i < 4 else -1.0 for i, picture in enumerate(pictures)}

    def answer(request):
        if isinstance(request, EmbedImage):
            return Embedding(unit(lean[request.image.digest], 0.3).astype(np.float32))
        return Embedding(
            unit(1.0 if request.text.startswith("attr1") else -1.0, 0.1).astype(np.float32)
        )

    words = {name: WORDS[name] for name in ("attr1", "attr2")}
    sample = Sample("t", {"targ1": pictures[:4], "targ2": pictures[4:], **words})
    probe = Association(media=("image", "text"))
    assert probe.needs == (EmbedImage, EmbedText)
    assert play(probe, [sample], answer).estimate("effect size").value > 1.5


def test_a_model_for_speech_is_asked_for_speech():
    assert Association(media=("audio",)).needs == (EmbedAudio,)


def test_a_medium_that_was_not_announced_fails_with_the_reason():
    sample = Sample("t", {**WORDS, "targ1": [Image(data=b"x")]})
    with pytest.raises(DataError, match="the option `media` says text"):
        play(Association(), [sample], planted(0.0))


def test_a_model_that_refuses_is_not_unbiased():
    played = play(Association(), [Sample("t", WORDS)], lambda r: Failure("refused", "no"))
    estimate = played.estimate("effect size")
    assert math.isnan(estimate.value)
    assert estimate.n_failed == 1


def test_equal_vectors_are_undefined_not_fair():
    def answer(request):
        return Embedding(unit(1.0, 2.0).astype(np.float32))

    estimate = play(Association(), [Sample("t", WORDS)], answer).estimate("effect size")
    assert math.isnan(estimate.value)
    assert estimate.reason


@pytest.mark.parametrize("bad", [{"media": ()}, {"templates": ("no place",)}])
def test_options_that_make_no_sense_are_refused(bad):
    with pytest.raises(ValueError):
        Association(**bad)
