"""How far a classifier's error rates on texts that mention an identity lie from those on all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr

from evalsuite import Estimate, Null, Table, undefined
from evalsuite.statistics import BootstrapDistribution, NullDistribution
from evalsuite.statistics.units import chunks, make_units, resampled_counts
from evalsuite_fairness.metrics.term_areas import TermTable, adjusted
from evalsuite_fairness.metrics.term_auc import Floats, Integers


@dataclass(frozen=True)
class EqualityDifferences:
    """False positive and false negative equality difference, and each term's own departure.

    Formula: FPED = Σ_t |FPR - FPR_t|, FNED = Σ_t |FNR - FNR_t| over the terms t with enough texts,
    FPR and FNR over all texts. Range [0, number of terms], lower is fairer; it grows with the
    number of terms and lies above 0 by chance: the null is its mean when errors are dealt anew
    among texts with the same label (within clusters where given).
    Intervals: bootstrap over texts, or whole clusters, centred on the value, since a sum of
    absolute values grows under resampling. Undefined: no term has ``minimum`` texts of
    the kind. Reference: Dixon et al. 2018, AIES, Measuring and mitigating unintended bias.

    Attributes:
        minimum: Fewest harmful and harmless texts of a term.
        clusters: Column of the resampling unit.
        margin: A departure from the null, per term, that does not matter.
    """

    minimum: int = 30
    clusters: str | None = None
    margin: float = 0.02
    permutations: int = 300
    name: str = "false positive equality difference"
    primary: bool = True

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """Both sums, then the signed departure of each term."""
        texts = TermTable.of(table, self.clusters)
        found: list[Estimate] = []
        for kind in ("positive", "negative"):
            among = ~texts.is_positive if kind == "positive" else texts.is_positive
            wrong = texts.is_decided[among] != texts.is_positive[among]
            enough = [
                place
                for place in range(len(texts.terms))
                if texts.lacks(place, self.minimum) is None
            ]
            name = f"false {kind} equality difference"
            if not enough:
                found.append(undefined(name, "no term has enough texts", n=table.n))
                continue
            part = _Errors(
                wrong.astype(float),
                texts.mentions[among][:, enough].astype(float),
                None if texts.clusters is None else texts.clusters[among],
            )
            names = [texts.terms[place] for place in enough]
            found += self._of_errors(name, kind, part, names, rng)
        return found

    def _of_errors(
        self,
        name: str,
        kind: str,
        errors: _Errors,
        terms: Sequence[str],
        rng: np.random.Generator,
    ) -> Iterator[Estimate]:
        null = errors.null(self.permutations, rng)
        replicates = errors.resampled(rng)
        observed = errors.departures(errors.wrong[None, :])[0]
        sums = NullDistribution(np.abs(null).sum(axis=1))
        # A term of which a resample draws no text adds nothing to its sum.
        spread = errors.spread(float(np.abs(observed).sum()), np.nansum(np.abs(replicates), axis=1))
        yield self._made(
            name,
            spread,
            len(errors.wrong),
            direction="lower is better",
            null=Null(sums.mean, self.margin * len(terms), "above", "mean when dealt anew"),
            is_primary=self.primary and name == self.name,
            extra={
                "null_sd": sums.sd,
                "p_value": sums.p_value(spread.observed, "greater"),
                "n_terms": len(terms),
            },
        )
        each = []
        for place, term in enumerate(terms):
            chance = NullDistribution(null[:, place])
            away = abs(float(observed[place]) - chance.mean)
            # By the normal law with the deviation over deals: three hundred deals are few for p.
            p_value = 2 * float(ndtr(-away / chance.sd)) if chance.sd > 0 else float(away == 0)
            each.append(
                self._made(
                    f"false {kind} rate departure",
                    errors.spread(float(observed[place]), replicates[:, place]),
                    int(errors.mentions[:, place].sum()),
                    slice=f"term={term}",
                    direction="closer to null is better",
                    null=Null(0.0, self.margin, why="as over all texts"),
                    extra={"p_value": p_value, "null_sd": chance.sd},
                )
            )
        yield from adjusted(each)

    def _made(self, name: str, spread: BootstrapDistribution, n: int, **facts: Any) -> Estimate:
        interval = spread.interval()
        is_sum = name.endswith("difference") and interval.is_defined
        reason = f"no interval: {interval.reason}"
        return Estimate(
            name,
            spread.observed,
            max(0.0, interval.low) if is_sum else interval.low,
            interval.high,
            method=f"centred {interval.method}" if interval.is_defined else reason,
            unit=self.clusters or "text",
            n=n,
            **facts,
        )


@dataclass(frozen=True, eq=False)
class _Errors:
    """Texts with one label: whether each is judged wrongly, its terms and its cluster."""

    wrong: Floats
    mentions: Floats
    clusters: Integers | None

    def departures(self, wrong: Floats) -> Floats:
        """Rate of each term minus rate of all, [draws, terms], of errors [draws, n]."""
        return np.asarray(
            wrong @ self.mentions / self.mentions.sum(axis=0) - wrong.mean(axis=1, keepdims=True)
        )

    def spread(self, observed: float, replicates: Floats) -> BootstrapDistribution:
        """A figure with its replicates; without an interval where nothing can be resampled.

        Replicates are centred on the figure: a sum of absolute values grows under resampling.
        """
        n_units = len(self.wrong) if self.clusters is None else len(np.unique(self.clusters))
        why = "fewer than two units to resample" if n_units < 2 else None
        shift = observed - float(np.nanmean(replicates)) if np.isfinite(replicates).any() else 0.0
        return BootstrapDistribution(observed, replicates + shift, np.empty(0), n_units, why)

    def resampled(self, rng: np.random.Generator, resamples: int = 2_000) -> Floats:
        """Departures over resamples of texts or clusters, [draws, terms]; NaN where none."""
        own = np.concatenate([np.ones((len(self.wrong), 1)), self.mentions], axis=1)
        units = make_units(len(self.wrong), self.clusters)
        sums = units.sums(np.concatenate([own * self.wrong[:, None], own], axis=1))
        parts = []
        for part in chunks(resamples, len(units)):
            totals = resampled_counts(units, part.stop - part.start, rng) @ sums
            wrong, texts = np.split(totals, 2, axis=1)
            with np.errstate(invalid="ignore", divide="ignore"):
                rates = wrong / texts
            parts.append(rates[:, 1:] - rates[:, :1])
        return np.concatenate(parts)

    def null(self, draws: int, rng: np.random.Generator) -> Floats:
        """Departures when errors are dealt anew, [draws, terms]; within clusters where given.

        Texts that are alone in their cluster exchange their errors with one another.
        """
        own = np.zeros(len(self.wrong))
        if self.clusters is not None:
            is_alone = np.bincount(self.clusters)[self.clusters] == 1
            own = np.where(is_alone, -1.0, self.clusters)
        order = np.argsort(own, kind="stable")
        parts = []
        for part in chunks(draws, len(own)):
            dealt = np.empty((part.stop - part.start, len(own)))
            keys = own + rng.random(dealt.shape)
            dealt[:, order] = self.wrong[np.argsort(keys, axis=1)]
            parts.append(self.departures(dealt))
        return np.concatenate(parts)
