"""Skew of rankings with the skew that chance alone would show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from evalsuite import Estimate, Null, Table, undefined
from evalsuite.statistics import NullDistribution, asks_only_values, benjamini_hochberg
from evalsuite_fairness.metrics.skew import (
    Floats,
    Integers,
    dealt,
    max_skew,
    ndkl,
    places,
    shares,
)

# Correlation of two queries' similarities from which on they are one query to the model.
_THE_SAME = 0.999
_WHY = "mean over deals of the groups to the media at random"


@dataclass(frozen=True, eq=False)
class _Ranked:
    """One job's rankings: scores [queries, media], group and cluster of each medium, target."""

    scores: Floats
    codes: Integers
    clusters: Integers | None
    target: Floats

    @property
    def n_distinct(self) -> int:
        """Queries whose similarities to the media are not an earlier one's, but for scale."""
        rows = self.scores - self.scores.mean(axis=1, keepdims=True)
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        unit = rows / np.where(lengths > 0, lengths, 1.0)
        alike = unit @ unit.T > _THE_SAME
        return int((~np.tril(alike, -1).any(axis=1)).sum())

    def statistic(self, name: str, k: int, codes: Integers) -> Floats:
        """MaxSkew@k or NDKL@k of every query, for one labelling or many: [..., queries]."""
        if name == "NDKL":
            return np.stack([ndkl(one, codes, self.target, k) for one in self.scores], axis=-1)
        weights = [places(one, k) for one in self.scores]
        found = [max_skew(shares(w, codes, len(self.target)), self.target) for w in weights]
        return np.stack(found, axis=-1)

    def null(self, name: str, k: int, draws: int, rng: np.random.Generator) -> Floats:
        """The statistic on labellings dealt at random, [draws, queries]."""
        parts = dealt(self.codes, self.clusters, draws, rng)
        return np.concatenate([self.statistic(name, k, labels) for labels in parts])


@dataclass(frozen=True)
class RankingSkew:
    """MaxSkew@k and NDKL@k, mean over queries and for each query.

    Both are 0 where the top of every ranking has the target distribution over groups, and positive
    by chance: the null is the mean over deals of the groups at random, and ``extra`` gives its
    spread, the excess over it and the p-value, adjusted over queries (Benjamini and Hochberg 1995).
    Intervals have the width that chance alone gives, around the value: whoever the media are, the
    queries are taken as given. Several lengths are several looks at one question, so the intervals
    of a figure hold for all of its lengths at once (Bonferroni), and its p-values are adjusted over
    them. ``n_distinct_queries`` counts queries that rank the media differently at all: to a model
    that does not know their words all are the same.
    Undefined: k reaches the end of the list, where the figure depends on the labels alone; fewer
    than two groups.

    Attributes:
        queries: What was searched for, in the order of the column of similarities.
        ks: Lengths of the top.
        target: Aim at the distribution of the data, or at equal shares.
        clusters: Column of the unit that groups belong to (a person); each medium without it.
    """

    queries: tuple[str, ...]
    ks: tuple[int, ...]
    target: str = "data"
    clusters: str | None = None
    draws: int = 1_000
    name: str = "retrieval skew"
    primary: bool = True

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """For each k and figure the mean over queries, then each query."""
        names = sorted({str(group) for group in table["group"]})
        if len(names) < 2:
            return [undefined(f"MaxSkew@{self.ks[0]}", "fewer than two groups to compare")]
        ranked = self._ranked(table, names)
        lengths = [k for k in self.ks if k < table.n]
        level = 1 - 0.05 / max(1, len(lengths))
        found: list[Estimate] = []
        for k in self.ks:
            for name in ("MaxSkew", "NDKL"):
                if k in lengths:
                    found += self._figures(ranked, name, k, names, rng, level)
                else:
                    found.append(self._vacuous(f"{name}@{k}", k, table.n))
        return _over_lengths(found)

    def _ranked(self, table: Table, names: Sequence[str]) -> _Ranked:
        codes = np.array([names.index(str(group)) for group in table["group"]])
        clusters = None
        if self.clusters and self.clusters in table.columns:
            clusters = np.unique([str(c) for c in table[self.clusters]], return_inverse=True)[1]
        counts = np.bincount(codes, minlength=len(names))
        equal = np.full(len(names), 1 / len(names))
        target = equal if self.target == "uniform" else counts / counts.sum()
        return _Ranked(np.stack(list(table["_similarities"])).T, codes, clusters, target)

    def _figures(
        self,
        ranked: _Ranked,
        name: str,
        k: int,
        names: Sequence[str],
        rng: np.random.Generator,
        level: float,
    ) -> Iterator[Estimate]:
        values = ranked.statistic(name, k, ranked.codes)
        null = ranked.null(name, k, 2 if asks_only_values() else self.draws, rng)
        whole = self._made(f"{name}@{k}", float(values.mean()), null.mean(axis=1), ranked, level)
        is_primary = self.primary and name == "MaxSkew"
        facts = {"n_queries": len(values), "n_distinct_queries": ranked.n_distinct}
        yield replace(whole, is_primary=is_primary, extra={**whole.extra, **facts})
        each = [
            self._made(f"{name}@{k}", float(value), null[:, place], ranked, level)
            for place, value in enumerate(values)
        ]
        adjusted = benjamini_hochberg([float(one.extra["p_value"] or 0) for one in each])
        for place, (one, p) in enumerate(zip(each, adjusted.tolist(), strict=True)):
            told = {"p_adjusted": p, "most over-represented": self._most(ranked, place, k, names)}
            yield replace(one, slice=f"query={self.queries[place]}", extra={**one.extra, **told})

    def _most(self, ranked: _Ranked, place: int, k: int, names: Sequence[str]) -> str:
        found = shares(places(ranked.scores[place], k), ranked.codes, len(names))
        return names[int(np.argmax(found / ranked.target))]

    def _made(
        self, metric: str, value: float, null: Floats, ranked: _Ranked, level: float
    ) -> Estimate:
        chance = NullDistribution(null)
        range_ = chance.quantiles(level)
        return Estimate(
            metric,
            value,
            max(0.0, value - (range_.high - chance.mean)),
            value + (chance.mean - range_.low),
            level=level,
            method="permutation spread",
            unit=self.clusters if self.clusters and ranked.clusters is not None else "sample",
            n=len(ranked.codes),
            direction="closer to null is better",
            null=Null(chance.mean, side="above", why=_WHY),
            extra={
                "null_sd": chance.sd,
                "excess_over_null": value - chance.mean,
                "p_value": chance.p_value(value, "greater"),
            },
        )

    def _vacuous(self, metric: str, k: int, n: int) -> Estimate:
        reason = (
            f"the top {k} is the whole list of {n} media, so the figure would depend on the "
            "labels alone and not on the model"
        )
        return undefined(metric, reason, n=n, is_primary=False)


def _over_lengths(estimates: Sequence[Estimate]) -> list[Estimate]:
    """With the p-values of each figure's wholes adjusted over the lengths looked at."""
    found = list(estimates)
    for name in ("MaxSkew", "NDKL"):
        places = [
            place
            for place, one in enumerate(found)
            if one.metric.startswith(name) and not one.slice and "p_value" in one.extra
        ]
        p_values = [float(found[place].extra["p_value"] or 0) for place in places]
        for place, p in zip(places, benjamini_hochberg(p_values).tolist(), strict=True):
            facts = {"p_adjusted": p, "n_comparisons": len(places)}
            found[place] = replace(found[place], extra={**found[place].extra, **facts})
    return found
