"""Effect sizes of association tests, one for each test and their mean."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from evalsuite import Estimate, Null, Table, undefined
from evalsuite.statistics import BootstrapDistribution, NullDistribution, benjamini_hochberg
from evalsuite_fairness.metrics.association import DRAWS, Associations

NULL = Null(0.0, why="targets dealt to the two sets at random")
_FLAT = (
    "the targets are all equally close to the attributes, as words are that a model does not know"
)


@dataclass(frozen=True)
class AssociationEffect:
    """Effect size of every test, and the mean over tests.

    Range about [-2, 2]; closer to 0 is less associated; the sign follows the order of the sets.
    Intervals resample targets within their sets, and are widened as
    few targets require. ``extra`` has the permutation p-values, one- and
    two-sided, the smallest p that so few targets can reach, the spread of the null, and the
    two-sided p adjusted over all tests (Benjamini and Hochberg 1995).
    Undefined: no spread among the targets' associations.
    Reference: Caliskan et al. 2017; May et al. 2019.
    """

    column: str
    name: str = "effect size"
    primary: bool = False
    draws: int = DRAWS

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """The mean over tests, then each test."""
        found = [
            self._one(str(test), value, rng)
            for test, value in zip(table["test"], table[self.column], strict=True)
        ]
        defined = [each for each in found if each.resampled is not None]
        if not defined:
            return [undefined(self.name, _FLAT, is_primary=self.primary)]
        whole = self._whole(defined, rng, n=table.n)
        return [whole, *_adjusted([each.estimate for each in found])]

    def _one(self, test: str, value: Associations, rng: np.random.Generator) -> _Test:
        effect = value.effect_size
        if math.isnan(effect):
            return _Test(undefined(self.name, _FLAT, slice=f"test={test}", null=NULL))
        null = value.permuted(rng, self.draws)
        resampled = value.resampled(rng)
        interval = resampled.interval(method="expanded")
        made = Estimate(
            self.name,
            effect,
            interval.low,
            interval.high,
            method=interval.method,
            unit="target",
            n=len(value.first) + len(value.second),
            slice=f"test={test}",
            direction="closer to null is better",
            null=NULL,
            extra={
                "n_first": len(value.first),
                "n_second": len(value.second),
                "p_one_sided": null.p_value(effect, "greater"),
                "p_value": null.p_value(effect),
                "smallest_p": 1 / (len(null.samples) + (0 if null.is_exact else 1)),
                "null_sd": null.sd,
                "permutations": "all" if null.is_exact else f"{len(null.samples):,} drawn",
            },
        )
        return _Test(made, resampled, null)

    def _whole(self, tests: Sequence[_Test], rng: np.random.Generator, *, n: int) -> Estimate:
        """The mean; each test is resampled, and dealt anew, by itself."""
        value = float(np.mean([test.estimate.value for test in tests]))
        null = _mean_null([test.null for test in tests if test.null is not None], rng, self.draws)
        resampled = [test.resampled for test in tests if test.resampled is not None]
        interval = BootstrapDistribution(
            value,
            np.nanmean(np.stack([one.replicates for one in resampled]), axis=0),
            np.empty(0),
            min(one.n_units for one in resampled),
            next((one.reason for one in resampled if one.reason), None),
        ).interval(method="expanded")
        return Estimate(
            self.name,
            value,
            interval.low,
            interval.high,
            method=interval.method,
            unit="target",
            n=n,
            direction="closer to null is better",
            null=NULL,
            is_primary=self.primary,
            extra={
                "n_tests": len(tests),
                "n_undefined": n - len(tests) or None,
                "p_value": null.p_value(value),
                "null_sd": null.sd,
            },
        )


@dataclass(frozen=True, eq=False)
class _Test:
    """One test's estimate; where it is defined, its resamples and its null."""

    estimate: Estimate
    resampled: BootstrapDistribution | None = None
    null: NullDistribution | None = None


def _mean_null(
    nulls: Sequence[NullDistribution], rng: np.random.Generator, draws: int
) -> NullDistribution:
    """What the mean of tests would be where each is dealt by itself.

    Tests that share their targets are not independent: the spread of their mean is then larger.
    """
    if len(nulls) == 1:
        return nulls[0]
    known = [null.samples[~np.isnan(null.samples)] for null in nulls]
    return NullDistribution(np.mean([rng.choice(one, draws) for one in known], axis=0))


def _adjusted(tests: Sequence[Estimate]) -> Iterator[Estimate]:
    """The tests with p-values for having made several; a test without one stays as it is."""
    p = [float(test.extra.get("p_value", math.nan) or math.nan) for test in tests]
    for test, value in zip(tests, benjamini_hochberg(p).tolist(), strict=True):
        is_tested = not math.isnan(value)
        yield replace(test, extra={**test.extra, "p_adjusted": value}) if is_tested else test
