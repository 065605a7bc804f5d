"""The difference of one estimate between two subjects, by the best way that its metric permits."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from evalsuite.compare.independent import from_intervals
from evalsuite.compare.pairing import Pairing
from evalsuite.compare.recomputed import JobRecords, Key, Recomputed
from evalsuite.compare.records import Difference
from evalsuite.compare.refitted import refitted
from evalsuite.metric import Summed
from evalsuite.statistics import (
    PairedComparison,
    generator,
    mcnemar_exact,
    minimum_detectable,
    newcombe_paired,
    paired_comparison,
    paired_totals_comparison,
    standard_error_of,
    units_needed,
)

Floats = npt.NDArray[np.float64]
# For an interval that nobody will see.
MIN_RESAMPLES = 100
DISCORDANT = "odds ratio of discordant pairs, (only candidate + ½) / (only baseline + ½)"
STANDARDISED = "mean over standard deviation of the paired differences (d_z)"


@dataclass(frozen=True)
class Drawing:
    """How differences are resampled."""

    level: float = 0.95
    alpha: float = 0.05
    resamples: int = 10_000
    refits: int = 400
    seed: int = 0

    def generator(self, label: str, key: Key, purpose: str) -> np.random.Generator:
        """A stream of its own for each estimate, the same whoever is compared."""
        return generator(self.seed, "compare", label, *key, purpose)


@dataclass(frozen=True)
class JobPair:
    """One job of two subjects, and which of their samples are the same.

    Without ``needs_interval`` it is for the p-value that the differences are made, as tie groups
    need them: of all pairs of subjects.
    """

    baseline: JobRecords
    candidate: JobRecords
    pairing: Pairing
    drawing: Drawing
    needs_interval: bool = True

    def keys(self) -> list[Key]:
        """Metric and slice of every estimate that both have."""
        return [key for key in self.baseline.estimates if key in self.candidate.estimates]

    def difference(self, key: Key) -> Difference:
        """The difference of one estimate."""
        plain = from_intervals(self.baseline, self.candidate, key, self.drawing.alpha)
        if math.isnan(plain.value):
            return plain
        before = self.baseline.recomputed.get(key)
        after = self.candidate.recomputed.get(key)
        if before is None or after is None or not len(self.pairing.first):
            return replace(plain, reason=plain.reason or _why_unrelated(self.pairing, plain))
        unit = before.unit if before.unit == after.unit else None
        told: dict[str, Any] = {"unit": unit or "sample", "n_unpaired": self.pairing.n_unpaired}
        plain = replace(plain, **told, extra={**plain.extra, **_failed(self.pairing)})
        if before.summed is not None and after.summed is not None:
            if before.summed.names == after.summed.names:
                return self._of_sums(key, before, before.summed, after.summed, plain)
            if not plain.is_primary:
                return replace(plain, reason="the two have other groups or classes")
        return refitted(self, key, before, after, plain)

    def clusters(self, recomputed: Recomputed, rows: npt.NDArray[np.int64]) -> Any:
        """The unit of each of some rows of the baseline's table; None where each is its own."""
        if recomputed.unit is None:
            return None
        return np.array([str(item) for item in recomputed.table[recomputed.unit][rows]])

    def _of_sums(
        self, key: Key, recomputed: Recomputed, before: Summed, after: Summed, plain: Difference
    ) -> Difference:
        ours = after.columns[self.pairing.second]
        theirs = before.columns[self.pairing.first]
        if before.is_mean:
            kept = (ours[:, 1] > 0) & (theirs[:, 1] > 0)
        else:
            kept = (ours != 0).any(axis=1) | (theirs != 0).any(axis=1)
        ours, theirs = ours[kept], theirs[kept]
        if not len(ours):
            return _undefined(plain, "no sample has a value from both")
        values = [float(before.score(c.sum(axis=0, keepdims=True))[0]) for c in (theirs, ours)]
        clusters = self.clusters(recomputed, self.pairing.first[kept])
        plain = replace(plain, baseline_value=values[0], candidate_value=values[1])
        if before.is_mean:
            return self._of_means(key, ours[:, 0], theirs[:, 0], clusters, plain)
        found = paired_totals_comparison(
            ours,
            theirs,
            before.score,
            rng=self.drawing.generator(self.baseline.result.label, key, "sums"),
            clusters=clusters,
            **self._counts(plain),
        )
        return self._made(plain, found, "paired bootstrap of sums", "swaps of paired samples")

    def _of_means(
        self, key: Key, ours: Floats, theirs: Floats, clusters: Any, plain: Difference
    ) -> Difference:
        is_binary = bool(np.isin(ours, (0, 1)).all() and np.isin(theirs, (0, 1)).all())
        n_units = len(ours) if clusters is None else len(set(clusters.tolist()))
        if is_binary:
            plain = _with_counts(plain, ours, theirs)
        is_equal = bool((ours == theirs).all())
        if is_binary and (n_units == len(ours) or (is_equal and n_units > 1)):
            return self._of_counts(plain, ours, theirs, n_units)
        found = paired_comparison(
            ours,
            theirs,
            rng=self.drawing.generator(self.baseline.result.label, key, "means"),
            clusters=clusters,
            method="expanded",
            **self._counts(plain),
        )
        made = self._made(plain, found, "paired bootstrap", "sign flips of paired differences")
        spread = float(np.std(ours - theirs, ddof=1)) if len(ours) > 1 else math.nan
        if not is_binary and spread > 0:
            made = replace(made, effect_size=made.value / spread, effect_name=STANDARDISED)
        return made

    def _of_counts(
        self, plain: Difference, ours: Floats, theirs: Floats, n_units: int
    ) -> Difference:
        """Two yes/no columns of independent pairs: closed forms."""
        hits, share = ours + 2 * theirs, n_units / len(ours)
        neither, only_ours, only_theirs, both = (int(np.sum(hits == kind)) for kind in range(4))
        # Clusters whose pairs all agree: each is worth one pair.
        counts = (round(both * share), only_theirs, only_ours, n_units - round(both * share))
        interval = newcombe_paired(
            *(counts if n_units < len(ours) else (both, only_theirs, only_ours, neither)),
            self.drawing.level,
        )
        found = PairedComparison(
            difference=float(np.mean(ours - theirs)),
            interval=interval,
            p_value=mcnemar_exact(only_ours, only_theirs),
            n=len(ours),
            n_units=n_units,
            standard_error=standard_error_of(interval),
        )
        return self._made(plain, found, "", "McNemar, exact")

    def _counts(self, plain: Difference) -> dict[str, Any]:
        """A tenth of the resamples for what no scorecard shows; few where only p is wanted."""
        count = self.drawing.resamples if plain.is_primary else self.drawing.resamples // 10
        resamples = count if self.needs_interval else MIN_RESAMPLES
        return {"level": self.drawing.level, "resamples": resamples, "permutations": count}

    def _made(self, plain: Difference, found: PairedComparison, name: str, test: str) -> Difference:
        if found.n_units < 2:
            return _undefined(plain, f"fewer than two {plain.unit}s to resample")
        kind = f"{name} ({found.interval.method})" if name else found.interval.method
        standard_error, alpha = found.standard_error, self.drawing.alpha
        return replace(
            plain,
            value=found.difference,
            low=found.interval.low,
            high=found.interval.high,
            level=found.interval.level,
            method=kind if found.interval.is_defined else f"no interval: {found.interval.reason}",
            test=test,
            n=found.n,
            n_units=found.n_units,
            p_value=found.p_value,
            minimum_detectable=minimum_detectable(standard_error, alpha=alpha),
            n_needed=units_needed(found.difference, standard_error, found.n_units, alpha=alpha),
            reason=found.reason,
        )


def _with_counts(plain: Difference, ours: Floats, theirs: Floats) -> Difference:
    """Who alone was right how often, and the odds of it."""
    only_ours, only_theirs = int(np.sum(ours > theirs)), int(np.sum(ours < theirs))
    return replace(
        plain,
        effect_size=(only_ours + 0.5) / (only_theirs + 0.5),
        effect_name=DISCORDANT,
        extra={**plain.extra, "only_candidate": only_ours, "only_baseline": only_theirs},
    )


def _undefined(plain: Difference, reason: str) -> Difference:
    nothing: dict[str, Any] = dict.fromkeys(
        ("value", "low", "high", "p_value", "minimum_detectable", "n_needed", "effect_size"),
        math.nan,
    )
    return replace(plain, **nothing, method="", test="", effect_name="", reason=reason)


def _failed(pairing: Pairing) -> dict[str, int]:
    counts = {
        "failed_baseline": pairing.n_failed_first,
        "failed_candidate": pairing.n_failed_second,
    }
    return {name: count for name, count in counts.items() if count}


def _why_unrelated(pairing: Pairing, plain: Difference) -> str:
    """Why two estimates are taken as those of unrelated samples."""
    if not len(pairing.first):
        why = "no sample was answered by both"
    elif plain.is_primary:
        why = "it does not follow from the records that the run stored"
    else:
        why = "it is neither primary nor a function of sums over the stored records"
    return f"{why}, so the two are taken as unrelated"
