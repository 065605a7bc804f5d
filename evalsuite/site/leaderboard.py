"""The newest figures of all models under one measure, in tie groups: who was told from whom."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

from evalsuite.compare import Comparison, Subject, compare
from evalsuite.errors import EvalsuiteError
from evalsuite.metric import Estimate
from evalsuite.report.forest import Forest
from evalsuite.report.verdicts import SIGNS, meaning
from evalsuite.report.wording import ARROWS, interval, null, number, visible
from evalsuite.site.measurements import Measure, Measurement
from evalsuite.store import Run

# As many as in a report; `evalsuite compare` draws more.
RESAMPLES = 2000
# More names than these are counted only.
_MAX_NAMED = 4
_LETTER = re.compile(r"[a-z]\d*")


@dataclass(frozen=True)
class Place:
    """One model on one metric.

    Attributes:
        model: As the site calls it.
        letters: Its tie groups; models that share a letter were not told apart.
        estimate: Its figure; None where the job has none, and ``why`` says why.
        measurement: Where the figure is from.
    """

    model: str
    letters: str
    estimate: Estimate | None
    measurement: Measurement
    why: str = ""

    @property
    def value(self) -> str:
        """The figure in words."""
        return number(self.estimate.value) if self.estimate else "n/a"

    @property
    def interval(self) -> str:
        """Its interval, or why there is no figure."""
        return (interval(self.estimate) if self.estimate else "") or self.why

    @property
    def null(self) -> str:
        """What there would be if there were nothing to find."""
        return null(self.estimate) if self.estimate else ""

    @property
    def sign(self) -> tuple[str, str]:
        """A mark and words for its place beside the null."""
        family = self.measurement.result.family
        return SIGNS[meaning(family, self.estimate)] if self.estimate else SIGNS["undefined"]

    @property
    def order(self) -> str:
        """What the column is sorted by."""
        missing = self.estimate is None or math.isnan(self.estimate.value)
        return "n/a" if missing or self.estimate is None else f"{self.estimate.value:.9g}"


@dataclass(frozen=True)
class Board:
    """One metric of a measure: all models, the best group first.

    Attributes:
        metric: Its name.
        direction: Which way is better, as an arrow.
        is_ranked: Whether one way is better at all; without, the highest stand first.
        places: The models.
        n_tests: Pairwise tests behind the letters.
        chart: The same as a forest plot, SVG.
    """

    metric: str
    direction: str
    is_ranked: bool
    places: tuple[Place, ...]
    n_tests: int
    chart: str

    @property
    def first(self) -> str:
        """Who is in the first group, all that were not told from the best; or why nobody is."""
        if not self.is_ranked:
            return "neither way is better"
        if not self.n_tests:
            return "one model" if len(self.places) == 1 else "not compared"
        names = [place.model for place in self.places if "a" in _LETTER.findall(place.letters)]
        more = len(names) - _MAX_NAMED
        return ", ".join(names[:_MAX_NAMED]) + (f" and {more} more" if more > 0 else "")


@dataclass(frozen=True)
class Leaderboard:
    """A measure's boards, one for each primary metric, and what a reader must know of them."""

    measure: Measure
    boards: tuple[Board, ...]
    notes: tuple[str, ...]


def leaderboard(measure: Measure, names: dict[str, str]) -> Leaderboard:
    """Compare the newest measurement of each model, pairwise and by sample.

    Args:
        measure: What was measured.
        names: What the site calls each model.
    """
    comparison, notes = _compared(measure, names)
    boards = tuple(_board(measure, metric, comparison, names) for metric in measure.metrics)
    return Leaderboard(measure, boards, tuple(notes))


def only(measurement: Measurement, label: str) -> Run:
    """A run with one job only, under a label that other runs use, too."""
    result = replace(measurement.result, label=label)
    jobs = [
        {**job, "label": label}
        for job in measurement.run.plan.get("jobs", ())
        if job.get("id") == result.id
    ]
    plan = {**measurement.run.plan, "jobs": jobs}
    name = f"{measurement.run.name} {result.id}"
    return replace(measurement.run, name=name, results=(result,), plan=plan)


def _compared(measure: Measure, names: dict[str, str]) -> tuple[Comparison | None, list[str]]:
    """The comparison of the newest measurements, and what it could not do."""
    runs = [only(measurement, measure.newest.label) for measurement in measure.latest]
    if len(runs) < 2:
        return None, []
    try:
        # Of equal data by their fingerprint; a run that was cut short is compared on what it has.
        made = compare(runs, resamples=RESAMPLES, allow_different_data=True)
    except EvalsuiteError as refusal:
        return None, [f"Not compared: {refusal}"]
    return made, [f"{names[n.subject.model]}: {n.kind}: {n.text}" for n in made.notes]


def _board(
    measure: Measure, metric: str, comparison: Comparison | None, names: dict[str, str]
) -> Board:
    places = [_place(m, metric, measure.newest.label, comparison, names) for m in measure.latest]
    ordered = sorted(places, key=_rank)
    ties = [t for t in comparison.ties if (t.metric, t.slice) == (metric, "")] if comparison else []
    rows = [
        (str(visible(place.model)), place.estimate)
        for place in ordered
        if place.estimate is not None
    ]
    forest = Forest(str(visible(f"{metric} of {measure.newest.label}")), rows)
    return Board(
        metric,
        ARROWS[rows[0][1].direction] if rows else "",
        bool(rows) and rows[0][1].direction != "neither",
        tuple(ordered),
        ties[0].n_tests if ties else 0,
        forest.svg if rows else "",
    )


def _place(
    measurement: Measurement,
    metric: str,
    label: str,
    comparison: Comparison | None,
    names: dict[str, str],
) -> Place:
    result, estimate = measurement.result, measurement.estimate(metric)
    subject = Subject(only(measurement, label).name, result.model)
    letters = comparison.letters(label, metric, subject) if comparison else ""
    why = result.reason or result.status
    if estimate is not None:
        why = estimate.reason or ""
    return Place(names[result.model], letters, estimate, measurement, why)


def _rank(place: Place) -> tuple[bool, float, str]:
    """The best first, as its metric has it; what was not measured last."""
    found = place.estimate
    if found is None or math.isnan(found.value):
        return True, 0.0, place.model
    if found.direction == "lower is better":
        return False, found.value, place.model
    if found.direction == "closer to null is better" and found.null is not None:
        return False, abs(found.value - found.null.value), place.model
    return False, -found.value, place.model
