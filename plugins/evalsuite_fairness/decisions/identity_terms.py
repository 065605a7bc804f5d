"""Does the mention of an identity move a classifier's verdict on a text?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from evalsuite import Card, Metric, Sample
from evalsuite.text_lists import written
from evalsuite_fairness.decisions.deciding import DecidingProbe, Words
from evalsuite_fairness.decisions.group_fairness import outcome_of
from evalsuite_fairness.metrics.equality_differences import EqualityDifferences
from evalsuite_fairness.metrics.term_areas import TermAreas


@dataclass(frozen=True, kw_only=True)
class IdentityTerms(DecidingProbe):
    """Score harmful and harmless texts and compare those that mention a term with the others.

    Args:
        by, positive, negative, prompt, medium, threshold, delimiter, max_tokens: How the model
            judges; ``positive`` is the label or option for harmful.
        label: Field that says whether a text is harmful.
        outcome: Values of that field that mean harmful; without them it is 0 or 1.
        term: Field with the terms of a text, one or a list; empty or absent for none.
        terms: Words to look for in the text instead of that field.
        text: Field in which they are looked for.
        whole_words: Whether a term must stand alone; not so in languages without spaces.
        minimum: Fewest harmful and harmless texts of a term.
        cluster_by: Field of the resampling unit, e.g. the sentence without its term.
        power: Of the generalised mean over terms; 0 leaves it out.
        margin: A departure that does not matter.
    """

    label: str = "label"
    outcome: Words = ()
    term: str = "term"
    terms: tuple[str, ...] = ()
    text: str = "text"
    whole_words: bool = True
    minimum: int = 30
    cluster_by: str = ""
    power: float = -5.0
    margin: float = 0.02

    name: ClassVar[str] = "fairness/identity-terms"
    sensitive: ClassVar[bool] = True
    card: ClassVar[Card] = Card(
        measures="How well harmful and harmless texts are told apart among those that mention a "
        "term (subgroup AUC), whether its harmless texts score like harmful ones (BPSN) and its "
        "harmful ones like harmless ones (BNSP), and how far its error rates at the threshold lie "
        "from those of all texts (FPED, FNED).",
        does_not_measure="Bias against identities that no term names, or that context implies.",
        reference="Dixon et al. 2018, AIES; Borkan et al. 2019, WWW companion",
        critique="Sentences from templates are simple and unlike what people write; a term is not "
        "a group of people. The sums over terms grow with their number and are above 0 by chance; "
        "the area over all texts is itself moved by a term that is frequent.",
    )

    def __post_init__(self) -> None:
        """Refuse ways that give no score, and a power without a mean."""
        super().__post_init__()
        if self.by == "writing":
            raise ValueError("writing gives decisions without scores; use by: likelihood")
        if self.minimum < 2:
            raise ValueError(f"minimum must be at least 2 (got {self.minimum})")

    @property
    def fields(self) -> tuple[str, ...]:  # type: ignore[override]
        """The fields that every sample must have."""
        named = (self.label, self.cluster_by, self.text if self.terms else "", self.medium)
        return tuple(dict.fromkeys(name for name in named if name))

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """Areas, then error rates."""
        clusters = self.cluster_by or None
        return (
            TermAreas(self.minimum, clusters, self.power, self.margin),
            EqualityDifferences(self.minimum, clusters, self.margin),
        )

    def ask(self, sample: Sample, context: Any) -> Any:
        """Ask for one score."""
        facts: dict[str, Any] = {
            "label": outcome_of(sample, self.label, self.outcome),
            "terms": written(self.terms_of(sample)),
        }
        if self.cluster_by:
            facts[self.cluster_by] = str(sample[self.cluster_by])
        replies = yield self.way.requests(self.content(sample))
        found = self.way.read(replies, context)
        return {**facts, "score": found.probability, "decision": int(bool(found.is_positive))}

    def terms_of(self, sample: Sample) -> list[str]:
        """The terms that a text mentions."""
        if not self.terms:
            given = sample.get(self.term)
            listed = given if isinstance(given, list | tuple) else [given]
            return [str(one) for one in listed if one not in (None, "")]
        return mentioned(str(sample[self.text]), self.terms, whole_words=self.whole_words)


def mentioned(text: str, terms: Sequence[str], *, whole_words: bool = True) -> list[str]:
    """The terms that occur in a text, upper and lower case alike."""
    edge = r"(?<!\w){}(?!\w)" if whole_words else "{}"
    return [term for term in terms if re.search(edge.format(re.escape(term)), text, re.IGNORECASE)]
