"""Likelihood bias: the worked pairs, its null, corrections, what length explains."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from evalsuite import ContinuationScore, DataError, Failure, Sample, Table, TokenScoreTable
from evalsuite.statistics import generator
from evalsuite.testing import check_probe, play
from evalsuite_fairness.pairs.likelihood_bias import LikelihoodBias, MaskedLikelihoodBias
from evalsuite_fairness.pairs.pairwise_differences import PairwiseDifferences, pairwise_p_values


def rows(axis: str = "ability", template: str = "t", **groups):
    return [
        {"axis": axis, "template": template, "descriptor": name, "surprisal": float(v), **extra}
        for name, values in groups.items()
        for v, extra in ((v, {}) if not isinstance(v, tuple) else v for v in values)
    ]


def estimates(records, seed: int = 0, **options):
    metric = PairwiseDifferences(**{"permutations": 0, **options})
    return metric.estimate(Table.from_records(records), generator(seed, "t"))


# deaf above all others: U = 64, p = 2 / C(16, 8). short_i above tall_1 .. tall_i: U = 36.
TALL = np.arange(2, 18, 2)
SHORT, DEAF = TALL + 1, TALL + 100


def test_the_worked_pairs():
    values = np.concatenate([DEAF, SHORT, TALL]).astype(float)
    found = pairwise_p_values(values, np.repeat([0, 1, 2], 8))
    assert found == pytest.approx([0.000155, 0.000155, 0.720901], abs=1e-6)
    assert found[0] == pytest.approx(2 / math.comb(16, 8))
    whole = estimates(rows(deaf=DEAF, short=SHORT, tall=TALL))[0]
    assert whole.value == pytest.approx(0.666667, abs=1e-6)
    assert whole.extra["n_pairs"] == 3


@pytest.mark.parametrize("sizes", [(9, 9, 9), (30, 12, 25, 40), (4, 9), (8, 8)])
def test_p_values_are_those_of_scipy(sizes):
    draw = np.random.default_rng(0)
    codes = draw.permutation(np.repeat(np.arange(len(sizes)), sizes))
    values = draw.normal(size=len(codes)) + 0.3 * codes
    for column in (values, np.round(values, 1)):  # the second has ties
        groups = [column[codes == code] for code in range(len(sizes))]
        expected = [mannwhitneyu(a, b).pvalue for a, b in combinations(groups, 2)]
        assert pairwise_p_values(column, codes) == pytest.approx(expected, abs=1e-12)


def same_for_all(seed: int, n_descriptors: int = 12, n: int = 30, templates: int = 3):
    draw = np.random.default_rng(seed)
    return [
        record
        for t in range(templates)
        for record in rows(
            template=f"t{t}", **{f"d{i}": draw.normal(size=n) for i in range(n_descriptors)}
        )
    ]


def test_without_differences_the_share_is_alpha_not_zero():
    """The floor: about one pair in twenty differs by chance, .0577 in the worked control."""
    shares = [estimates(same_for_all(seed))[0].value for seed in range(60)]
    assert np.mean(shares) == pytest.approx(0.05, abs=0.012)
    assert min(shares) >= 0.0


def test_the_null_is_stated_with_its_spread():
    found = estimates(same_for_all(1), permutations=99)[0]
    assert found.null.value == 0.05
    assert found.extra["null_mean"] == pytest.approx(0.05, abs=0.01)
    assert 0.0 < found.extra["null_sd"] < 0.05


def test_shuffled_descriptors_stay_inside_the_permutation_null():
    inside = 0
    for seed in range(300):
        records = same_for_all(seed, n_descriptors=6, n=10, templates=1)
        inside += estimates(records, permutations=99)[0].extra["p_value"] > 0.05
    # 285 are expected, deviation 3.8. The p-value is exact: a mid-p would give up its level.
    assert inside >= 0.93 * 300


def test_one_descriptor_that_surprises_is_found_in_all_its_pairs():
    # one of 12 shifted far: 11 of 66 pairs, the other 55 at chance
    records = [
        {**r, "surprisal": r["surprisal"] + 9 * (r["descriptor"] == "d3")} for r in same_for_all(2)
    ]
    found = estimates(records, correction="bonferroni")[0]
    assert found.value == pytest.approx(11 / 66)
    assert found.null.value == 0.0
    assert found.unit == "template"
    more = estimates(records)[0].value
    assert 11 / 66 < more < 11 / 66 + 55 / 66 * 0.15


def test_corrected_shares_are_zero_without_differences():
    for correction in ("bonferroni", "benjamini-hochberg"):
        shares = [
            estimates(same_for_all(seed), correction=correction)[0].value for seed in range(10)
        ]
        assert np.mean(shares) < 0.005


def test_what_the_number_of_tokens_explains_can_be_taken_out():
    draw = np.random.default_rng(5)
    records = [
        {"axis": "a", "template": "t", "descriptor": f"d{i}", "n_tokens": 5 + i,
         "surprisal": 2.0 + 0.4 * i + draw.normal() * 0.1}
        for i in range(8) for _ in range(20)
    ]  # fmt: skip
    assert estimates(records)[0].value == pytest.approx(1.0)
    assert estimates(records, adjust_for=("n_tokens",))[0].value < 0.2


def test_a_covariate_that_is_not_there_is_refused():
    with pytest.raises(DataError, match="log_count"):
        estimates(rows(a=[1, 2], b=[3, 4]), adjust_for=("log_count",))


def test_the_nonce_axis_is_a_control_and_no_part_of_the_mean():
    records = rows("age", old=DEAF, young=TALL) + rows("nonce", blicket=TALL, dax=SHORT)
    whole, age, nonce = estimates(records)
    assert (whole.value, age.value, nonce.value) == (1.0, 1.0, 0.0)
    assert nonce.slice == "axis=nonce"
    assert whole.extra["n_pairs"] == 1


def test_the_mean_is_over_templates_and_then_over_axes():
    # axis one: 1 in t1, 0 in t2; axis two: 0 in t1 only. Over cells 1/3, over axes (1/2 + 0) / 2
    records = (
        rows("one", "t1", a=DEAF, b=TALL) + rows("one", "t2", a=SHORT, b=TALL)
        + rows("two", "t1", c=SHORT, d=TALL)
    )  # fmt: skip
    assert estimates(records)[0].value == pytest.approx(0.25)


def test_an_axis_of_one_descriptor_is_undefined():
    found = estimates(rows(old=TALL))[0]
    assert math.isnan(found.value)
    assert "two descriptors" in found.reason


SAMPLES = [
    Sample(f"{axis}{d}{t}{n}", {"text": f"{t} a {d} {n}", "axis": axis, "descriptor": d,
                               "template": t, "log_count": 1.5})
    for axis in ("age", "nonce") for d in ("x", "y", "z") for t in ("one", "two")
    for n in range(9)
]  # fmt: skip


def shifted(request):
    """Sentences about x are a nat per token less likely."""
    text = getattr(request, "continuation", None) or request.text
    n = int(text.split()[-1])
    total = -4.0 * (1 + 0.01 * n + (" x " in text))
    if hasattr(request, "mask"):
        return TokenScoreTable((total / 4,) * 4)
    return ContinuationScore(total, 4, False)


@pytest.mark.parametrize("probe", [LikelihoodBias, MaskedLikelihoodBias])
def test_a_planted_shift_is_found_in_the_pairs_that_have_it(probe):
    # x against y and z differ, y and z are the same: two of three
    played = play(probe(permutations=19), SAMPLES, shifted)
    found = played.estimate("likelihood bias")
    assert found.value == pytest.approx(2 / 3)
    assert played.records[0]["surprisal"] == pytest.approx(2.0)
    axis = played.estimate("likelihood bias", "axis=age")
    assert axis.extra["p_adjusted"] >= axis.extra["p_value"]
    check_probe(probe(permutations=0, adjust_for=["n_tokens", "log_count"]), SAMPLES, shifted)


def test_a_model_that_refuses_is_never_fair():
    played = play(LikelihoodBias(), SAMPLES, lambda r: Failure("refused", "no"))
    assert all(math.isnan(e.value) for e in played.estimates)


@pytest.mark.parametrize("options", [{"alpha": 0}, {"correction": "fdr"}, {"permutations": -1}])
def test_bad_options_are_refused(options):
    with pytest.raises(ValueError, match="must|cannot"):
        LikelihoodBias(**options)
