"""One model over time: what its runs of different dates found, measure by measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from evalsuite.compare import Difference, compare
from evalsuite.errors import EvalsuiteError
from evalsuite.metric import Estimate
from evalsuite.report.wording import ARROWS, interval, null, number, visible
from evalsuite.site.leaderboard import RESAMPLES, only
from evalsuite.site.line_chart import Dated, LineChart
from evalsuite.site.measurements import Measure, Measurement, slug

_CHANGES = {
    "better": "better",
    "worse": "worse",
    "differs": "other",
    "not distinguishable": "not told apart",
    "undefined": "not tested",
}


@dataclass(frozen=True)
class Point:
    """One run of the model.

    Attributes:
        measurement: The run's job.
        estimate: Its figure; None where there is none, and ``note`` says why.
        change: What a paired test says of it beside the run before.
        is_worse: Whether that is for the worse.
        note: The difference with its interval, or what is missing.
    """

    measurement: Measurement
    estimate: Estimate | None
    change: str = ""
    is_worse: bool = False
    note: str = ""

    @property
    def value(self) -> str:
        """The figure in words."""
        return number(self.estimate.value) if self.estimate else "n/a"

    @property
    def interval(self) -> str:
        """Its interval."""
        return interval(self.estimate) if self.estimate else ""

    @property
    def null(self) -> str:
        """What there would be if there were nothing to find."""
        return null(self.estimate) if self.estimate else ""


@dataclass(frozen=True)
class Course:
    """One metric of one measure over the model's runs, the oldest first."""

    measure: Measure
    metric: str
    direction: str
    points: tuple[Point, ...]
    chart: str


@dataclass(frozen=True)
class History:
    """All that a site knows of one model.

    Attributes:
        model: Its name in the runs; ``name`` as the site calls it.
        courses: Where it was measured more than once come first.
    """

    model: str
    name: str
    courses: tuple[Course, ...]

    @property
    def slug(self) -> str:
        """Its name in addresses."""
        return slug(self.name, self.model)

    @property
    def measurements(self) -> list[Measurement]:
        """All its measurements, the oldest first."""
        found = [point.measurement for course in self.courses for point in course.points]
        return sorted(found, key=lambda m: m.date)


def histories(measures: Sequence[Measure], names: dict[str, str]) -> list[History]:
    """One for each model, by name."""
    return [
        History(model, name, tuple(_courses(model, name, measures)))
        for model, name in sorted(names.items(), key=lambda pair: pair[1])
    ]


def _courses(model: str, name: str, measures: Sequence[Measure]) -> list[Course]:
    made = []
    for measure in measures:
        own = [m for m in measure.measurements if m.result.model == model]
        if own:
            changes = [_changes(a, b, measure.newest.label) for a, b in pairwise(own)]
            made += [_course(name, measure, metric, own, changes) for metric in measure.metrics]
    return sorted(made, key=lambda course: len(course.points) == 1)


def _course(
    name: str,
    measure: Measure,
    metric: str,
    own: Sequence[Measurement],
    changes: Sequence[dict[str, Difference]],
) -> Course:
    before: list[dict[str, Difference]] = [{}, *changes]
    points = [_point(m, metric, change) for m, change in zip(own, before, strict=True)]
    dated = [Dated(p.measurement.date, p.estimate) for p in points if p.estimate is not None]
    title = f"{metric} of {measure.newest.label} by {name} over its runs"
    chart = LineChart(str(visible(title)), dated).svg if len(dated) > 1 else ""
    direction = ARROWS[dated[0].estimate.direction] if dated else ""
    return Course(measure, metric, direction, tuple(points), chart)


def _point(measurement: Measurement, metric: str, changes: dict[str, Difference]) -> Point:
    estimate, result = measurement.estimate(metric), measurement.result
    if estimate is None:
        return Point(measurement, None, note=result.reason or result.status)
    found = changes.get(metric)
    if found is None:
        return Point(measurement, estimate, note=estimate.reason or "")
    told = f"{number(found.value)} [{number(found.low)}, {number(found.high)}]"
    note = told if found.reason is None else f"{told}; {found.reason}"
    return Point(measurement, estimate, _CHANGES[found.verdict], found.verdict == "worse", note)


def _changes(before: Measurement, after: Measurement, label: str) -> dict[str, Difference]:
    """The primary differences between two runs of the model, by metric; none without a test."""
    runs = [only(before, label), only(after, label)]
    try:
        made = compare(runs, resamples=RESAMPLES, allow_different_data=True)
    except EvalsuiteError:
        return {}
    return {d.metric: d for d in made.primary if not d.slice}
