from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from evalsuite.statistics.permutation import NullDistribution, permutation_null


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def difference(values, labels):
    return values[labels == "a"].mean() - values[labels == "b"].mean()


def test_separated_threes_attain_the_smallest_exact_p() -> None:
    # C(6, 3) = 20 partitions, of which one is as extreme: p = 1/20.
    values, labels = np.array([4, 5, 6, 1, 2, 3]), list("aaabbb")
    null = permutation_null(difference, values, labels, rng=rng())
    assert null.is_exact
    assert null.samples.size == 20
    assert null.p_value(3.0, "greater") == 0.05
    assert null.p_value(3.0, "two-sided") == 0.1
    assert null.p_value(3.0, "less") == 1.0


def test_enumeration_matches_all_orders() -> None:
    values, labels = rng().normal(size=6), np.array(list("aabbbc"))
    null = permutation_null(difference, values, labels, rng=rng())
    naive = [difference(values, labels[list(o)]) for o in itertools.permutations(range(6))]
    assert null.samples.size == 60  # 6! / (2! 3! 1!)
    assert null.mean == pytest.approx(np.mean(naive))
    assert null.sd == pytest.approx(np.std(naive))


def test_random_permutations_approach_the_exact_null() -> None:
    values, labels = rng().normal(size=12), np.array(list("aabbbbbbbbbb"))
    exact = permutation_null(difference, values, labels, rng=rng())
    random = permutation_null(difference, values, labels, rng=rng(), permutations=50)
    assert exact.is_exact
    assert not random.is_exact
    assert random.sd == pytest.approx(exact.sd, rel=0.3)


def test_random_p_is_never_zero() -> None:
    # (1 + 0) / (1 + 99)
    assert NullDistribution(np.zeros(99)).p_value(1.0, "greater") == 0.01


def test_ties_count_as_extreme_whatever_the_rounding() -> None:
    assert NullDistribution(np.array([0.1 + 0.2] * 9)).p_value(0.3, "less") == 1.0


def test_vectorised_and_plain_statistics_agree() -> None:
    values, labels = rng().normal(size=40), np.array(list("ab" * 20))

    def many(values, labels):
        return [difference(values, row) for row in labels]

    plain = permutation_null(difference, values, labels, rng=rng(), permutations=30)
    fast = permutation_null(many, values, labels, rng=rng(), permutations=30, is_vectorised=True)
    np.testing.assert_array_equal(plain.samples, fast.samples)


def test_clusters_with_one_label_are_permuted_whole() -> None:
    clusters = np.repeat(["s1", "s2", "s3", "s4"], 5)
    labels = np.repeat(["a", "a", "b", "b"], 5)
    seen = []
    permutation_null(
        lambda values, drawn: seen.append(drawn) or 0.0,
        clusters,
        labels,
        rng=rng(),
        clusters=clusters,
    )
    assert len(seen) == 6  # C(4, 2)
    for drawn in seen:
        assert all(len(set(drawn[clusters == name])) == 1 for name in clusters)


def test_clusters_with_several_labels_are_permuted_within() -> None:
    clusters, labels = np.tile([0, 1, 2], 4), np.repeat(list("aabb"), 3)
    order = rng().permutation(12)
    clusters, labels = clusters[order], labels[order]

    def share_of_a(values, drawn):
        return float(np.ptp([np.mean(drawn[clusters == c] == "a") for c in range(3)]))

    null = permutation_null(
        share_of_a, np.zeros(12), labels, rng=rng(), clusters=clusters, permutations=50
    )
    assert null.samples.max() == 0.0


def test_p_values_are_uniform_without_an_effect() -> None:
    # At most a share α of p-values may lie at or below α; 400 studies leave an error of 0.011.
    p_values = []
    for seed in range(400):
        values = rng(seed).normal(size=20)
        null = permutation_null(
            lambda v, labels: labels @ v,
            values,
            np.tile([0, 1], 10),
            rng=rng(seed),
            permutations=99,
            is_vectorised=True,
        )
        p_values.append(null.p_value(float(np.tile([0, 1], 10) @ values), "two-sided"))
    assert 0.02 <= np.mean(np.array(p_values) <= 0.05) <= 0.08


def test_one_label_has_no_null() -> None:
    null = permutation_null(difference, [1.0, 2.0], ["a", "a"], rng=rng())
    assert null.reason is not None
    assert math.isnan(null.mean)
    assert math.isnan(null.sd)
    assert math.isnan(null.p_value(1.0))
    assert null.quantiles().reason == null.reason


def test_undefined_observation_has_no_p() -> None:
    assert math.isnan(NullDistribution(np.zeros(9)).p_value(math.nan))
