"""How well texts that mention an identity are told apart: areas under the ROC curve by term."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import ndtr

from evalsuite import Estimate, Null, Table, undefined
from evalsuite.statistics import benjamini_hochberg
from evalsuite.text_lists import listed
from evalsuite_fairness.metrics.term_auc import (
    Area,
    Flags,
    Floats,
    Integers,
    KindOfArea,
    area_of,
    generalised_mean,
    members,
    p_value_below,
)

KINDS: Mapping[KindOfArea, str] = {
    "subgroup": "subgroup AUC",
    "BPSN": "BPSN AUC",
    "BNSP": "BNSP AUC",
}


@dataclass(frozen=True, eq=False)
class TermTable:
    """The scored texts of a job, and which terms each one mentions.

    Attributes:
        scores: (n,).
        is_positive: Whether a text is harmful, (n,).
        is_decided: Whether the classifier says so at its threshold, (n,).
        mentions: (n, terms).
        terms: Their names, sorted.
        clusters: Code of the resampling unit, (n,); None for independent texts.
    """

    scores: Floats
    is_positive: Flags
    is_decided: Flags
    mentions: Flags
    terms: tuple[str, ...]
    clusters: Integers | None

    @classmethod
    def of(cls, table: Table, clusters: str | None) -> TermTable:
        """From the records of the probe."""
        own = [set(listed(value, "terms")) for value in table["terms"]]
        terms = tuple(sorted(set().union(*own)))
        codes = None
        if clusters is not None and clusters in table.columns:
            names = [str(item) for item in table[clusters]]
            codes = np.unique(names, return_inverse=True)[1]
        return cls(
            table.numbers("score"),
            table.numbers("label") == 1,
            table.numbers("decision") == 1,
            np.array([[term in found for term in terms] for found in own], bool).reshape(
                table.n, len(terms)
            ),
            terms,
            codes,
        )

    def area(self, kind: KindOfArea, place: int) -> Area:
        """One of the three areas of a term."""
        rows = members(kind, self.mentions[:, place], self.is_positive)
        return area_of(self.scores, self.is_positive, rows)

    def lacks(self, place: int, minimum: int) -> str | None:
        """Why a term has too few texts for a figure; None when it has enough."""
        mine = self.mentions[:, place]
        n_positive = int((mine & self.is_positive).sum())
        n_negative = int((mine & ~self.is_positive).sum())
        if min(n_positive, n_negative) >= minimum:
            return None
        return f"{n_positive} harmful and {n_negative} harmless texts; fewer than {minimum}"


@dataclass(frozen=True)
class TermAreas:
    """Area over all texts, then for each term its subgroup, BPSN and BNSP area.

    All are chances that a harmful text scores above a harmless one (ties half), range [0, 1],
    higher is better: within texts of the term, of background harmful against the term's harmless
    ones (BPSN), and the reverse (BNSP). The null of a term's areas is the area over all texts;
    p-values say how surprising an area as far below it is, adjusted over all terms and areas
    (Benjamini and Hochberg 1995). With a power, the three generalised means over terms as well.
    Intervals: DeLong's on the logit scale, over whole clusters where given.
    Undefined: a term with fewer than ``minimum`` harmful or harmless texts (NaN with a reason).
    Reference: Borkan et al. 2019, Nuanced metrics for measuring unintended bias.

    Attributes:
        minimum: Fewest harmful and harmless texts of a term.
        clusters: Column of the resampling unit, e.g. the sentence without its term.
        power: Of the generalised mean over terms; 0 leaves it out.
        margin: A departure from the area over all texts that does not matter.
    """

    minimum: int = 30
    clusters: str | None = None
    power: float = -5.0
    margin: float = 0.02
    name: str = "AUC over all texts"
    primary: bool = True

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """The whole, the means over terms, and every term in each kind."""
        del rng
        texts = TermTable.of(table, self.clusters)
        overall = area_of(texts.scores, texts.is_positive, np.ones(table.n, bool))
        if math.isnan(overall.value):
            return [undefined(self.name, "all texts have the same label", n=table.n)]
        null = Null(overall.value, self.margin, "below", "as over all texts")
        guessing = Null(0.5, side="above", why="harmful and harmless texts score alike")
        whole = self._made(self.name, overall, texts, guessing, "")
        whole = replace(whole, extra={**whole.extra, **_beyond_chance(overall)})
        by_term = [
            one
            for kind in KINDS
            for place in range(len(texts.terms))
            for one in self._of_term(kind, place, texts, overall, null)
        ]
        means = list(self._means(texts, overall, null))
        return [whole, *means, *adjusted(by_term)]

    def _of_term(
        self, kind: KindOfArea, place: int, texts: TermTable, overall: Area, null: Null
    ) -> Iterator[Estimate]:
        label = f"term={texts.terms[place]}"
        reason = texts.lacks(place, self.minimum)
        if reason is not None:
            n = int(texts.mentions[:, place].sum())
            yield undefined(KINDS[kind], reason, slice=label, n=n, direction="higher is better")
            return
        area = texts.area(kind, place)
        if math.isnan(area.value):
            reason = "there is no background text of the kind"
            yield undefined(KINDS[kind], reason, slice=label, direction="higher is better")
            return
        made = self._made(KINDS[kind], area, texts, null, label)
        p_value = p_value_below(area, overall, texts.clusters)
        facts = {} if math.isnan(p_value) else {"p_value": p_value}
        yield replace(made, extra={**made.extra, **facts})

    def _means(self, texts: TermTable, overall: Area, null: Null) -> Iterator[Estimate]:
        """The generalised mean of each kind over the terms that have enough texts."""
        if self.power == 0:
            return
        enough = [
            place for place in range(len(texts.terms)) if texts.lacks(place, self.minimum) is None
        ]
        for kind, name in KINDS.items():
            areas = [texts.area(kind, place) for place in enough]
            areas = [area for area in areas if not math.isnan(area.value)]
            title = f"generalised mean of {name}s"
            if not areas:
                yield undefined(title, "no term has enough texts", direction="higher is better")
                continue
            mean = generalised_mean(areas, self.power)
            made = self._made(title, mean, texts, null, "")
            facts = {"power": self.power, "n_terms": len(areas)}
            p_value = p_value_below(mean, overall, texts.clusters)
            yield replace(made, n=len(texts.scores), extra={**facts, "p_value": p_value})

    def _made(
        self, name: str, area: Area, texts: TermTable, null: Null | None, label: str
    ) -> Estimate:
        interval = area.interval(texts.clusters)
        return Estimate(
            name,
            area.value,
            interval.low,
            interval.high,
            method=interval.described,
            unit="text" if texts.clusters is None else str(self.clusters),
            n=area.n_positive + area.n_negative,
            slice=label,
            direction="higher is better",
            null=null,
            is_primary=self.primary and name == self.name,
            extra={"n_positive": area.n_positive, "n_negative": area.n_negative},
        )


def _beyond_chance(area: Area) -> dict[str, float]:
    """Spread of an area when harm is dealt to the texts at random, and how surprising it is.

    Mann and Whitney's: the variance (n₁ + n₀ + 1) / (12 n₁ n₀), ties left aside; one-sided.
    """
    n, m = area.n_positive, area.n_negative
    null_sd = math.sqrt((n + m + 1) / (12 * n * m))
    return {"null_sd": null_sd, "p_value": float(ndtr((0.5 - area.value) / null_sd))}


def adjusted(estimates: Sequence[Estimate]) -> list[Estimate]:
    """P-values adjusted over all given estimates that have one."""
    found = list(estimates)
    places = [place for place, one in enumerate(found) if "p_value" in one.extra]
    raw: list[Any] = [found[place].extra["p_value"] for place in places]
    for place, p_adjusted in zip(places, benjamini_hochberg(raw).tolist(), strict=True):
        facts = {"p_adjusted": p_adjusted, "n_comparisons": len(places)}
        found[place] = replace(found[place], extra={**found[place].extra, **facts})
    return found
