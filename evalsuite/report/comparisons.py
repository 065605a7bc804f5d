"""How the models of a page compare: one comparison for each group of models that share probes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from evalsuite.compare import Comparison, Difference, DifferenceVerdict, compare
from evalsuite.errors import EvalsuiteError
from evalsuite.report.scorecard import Letters, connected
from evalsuite.store import JobResult, Run

# A page is built in seconds; `evalsuite compare` draws more, and its p-values have more digits.
RESAMPLES = 2000
# Jobs with one of these cannot make two models comparable; the findings say what became of them.
_UNMEASURED = frozenset({"not applicable", "pending", "interrupted"})
# More than these are counted only; the panels below name them.
MAX_NAMED = 3

# A sign and words for each, so that no meaning hangs on a colour.
SIGNS: dict[DifferenceVerdict, str] = {
    "better": "▴",
    "worse": "▾",
    "differs": "≠",
    "not distinguishable": "=",
    "undefined": "–",
}
_RELATIONS: dict[DifferenceVerdict, str] = {
    "better": ">",
    "worse": "<",
    "differs": "≠",
    "not distinguishable": "",
    "undefined": "",
}


@dataclass(frozen=True)
class Standing:
    """How the models of one comparison stand beside its baseline, a sentence for each."""

    baseline: str
    tests: str
    sentences: tuple[tuple[DifferenceVerdict, str], ...]


@dataclass(frozen=True)
class Compared:
    """All comparisons of a page.

    Attributes:
        comparisons: One for each group of models that share probes.
        refusals: Why a group was not compared.
    """

    comparisons: tuple[Comparison, ...] = ()
    refusals: tuple[str, ...] = ()

    @cached_property
    def letters(self) -> Letters:
        """The tie groups of each model by label, metric and model."""
        return {
            (ties.label, ties.metric, subject.model): letters
            for comparison in self.comparisons
            for ties in comparison.ties
            if not ties.slice
            for subject, letters in ties.letters.items()
        }

    @property
    def baselines(self) -> frozenset[str]:
        """The models that others are compared with."""
        return frozenset(comparison.baseline.model for comparison in self.comparisons)

    def primary_of(self, label: str) -> list[Difference]:
        """The differences of one probe that a scorecard shows."""
        return [d for c in self.comparisons for d in c.primary if d.label == label and not d.slice]

    @property
    def standings(self) -> list[Standing]:
        """Sentences generated from the tests, and from nothing else."""
        return [made for c in self.comparisons if (made := _standing(c)).sentences]


def comparisons(
    runs: Sequence[Run], results: Sequence[JobResult], allow_different_data: bool = False
) -> Compared:
    """Compare the models that share a probe, the first of each group being the baseline.

    Args:
        runs: Under the names that the page shows, so that each model has one name only.
        results: Their results that the scorecard shows.
        allow_different_data: Compare the common part of what runs saw, where it is not the same.
    """
    asked = [result for result in results if result.status not in _UNMEASURED]
    found, refusals = [], []
    for models in connected(asked):
        if len(models) < 2:
            continue
        try:
            made = compare(
                runs,
                models=models,
                resamples=RESAMPLES,
                allow_different_data=allow_different_data,
            )
            found.append(made)
        except EvalsuiteError as refusal:
            refusals.append(f"{', '.join(models)}: {refusal}")
    return Compared(tuple(found), tuple(refusals))


def _standing(comparison: Comparison) -> Standing:
    sentences = []
    for candidate in comparison.candidates:
        own = [d for d in comparison.primary if d.candidate == candidate and not d.slice]
        if own:
            sentences.append((_worst(own), _sentence(comparison, candidate.model, own)))
    tests = f"α = {comparison.alpha:g}, Holm over {_count(comparison.family.n_tests, 'test')}"
    return Standing(comparison.baseline.model, tests, tuple(sentences))


def _worst(differences: Sequence[Difference]) -> DifferenceVerdict:
    found = {difference.verdict for difference in differences}
    order: tuple[DifferenceVerdict, ...] = ("worse", "differs", "better", "not distinguishable")
    return next((verdict for verdict in order if verdict in found), "undefined")


def _sentence(comparison: Comparison, candidate: str, own: Sequence[Difference]) -> str:
    """``B > A on 3 of 12 metrics (...), < on 1; 8 not distinguishable.``."""
    related: list[str] = []
    others: list[str] = []
    for verdict, relation in _RELATIONS.items():
        names = _named([d for d in own if d.verdict == verdict])
        if not names:
            continue
        is_first = not related and not others
        n = f"{len(names)} of {_count(len(own), 'metric')}" if is_first else f"{len(names)}"
        if relation:
            whom = f" {comparison.baseline.model}" if is_first else ""
            which = f" ({', '.join(names)})" if len(names) <= MAX_NAMED else ""
            related.append(f"{relation}{whom} on {n}{which}")
        else:
            others.append(f"{n} {'could not be tested' if verdict == 'undefined' else verdict}")
    clauses = [*([", ".join(related)] if related else []), *others]
    return f"{candidate}{' ' if related else ': '}{'; '.join(clauses)}."


def _count(number_of: int, noun: str) -> str:
    return f"{number_of:,} {noun}{'' if number_of == 1 else 's'}"


def _named(differences: Sequence[Difference]) -> list[str]:
    """The probes with their metrics; without them where a probe has one only."""
    several = len({(d.label, d.metric) for d in differences}) > len({d.label for d in differences})
    return [f"{d.label}: {d.metric}" if several else d.label for d in differences]
