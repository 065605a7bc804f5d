"""What a comparison is: differences, tie groups, and what was not compared, as plain records."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from evalsuite.documents import finite
from evalsuite.metric import Direction

SCHEMA_VERSION = 1

DifferenceVerdict = Literal["better", "worse", "differs", "not distinguishable", "undefined"]


@dataclass(frozen=True, order=True)
class Subject:
    """One model in one run; runs of one name are numbered (``run #2``)."""

    run: str
    model: str

    def __str__(self) -> str:
        return f"{self.model} ({self.run})"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How much one estimate of a candidate exceeds that of the baseline, on the same samples.

    Attributes:
        label: What the suite calls the probe; ``probe`` and ``family`` are the probe's own.
        metric, slice, direction: As of the two estimates.
        baseline, candidate: Who is compared.
        baseline_value, candidate_value: The metric on the paired samples.
        value: Candidate minus baseline; NaN when undefined, with ``reason``.
        low, high: Interval of the difference at ``level``, not adjusted for multiplicity.
        method: How the interval was made; ``test`` how the p-value was.
        unit: What was resampled, e.g. ``sample`` or ``speaker``; ``n_units`` how many there are.
        n: Pairs of samples that both answered.
        n_unpaired: Samples without a partner, or that one of the two did not answer.
        p_value: Of no difference. ``p_holm`` and ``p_bh`` are adjusted over the comparison's
            family of tests, and NaN for a test outside it.
        effect_size: Free of the metric's unit; ``effect_name`` says which, empty where none fits.
        minimum_detectable: The smallest true difference found with 80 % power at this size.
        n_needed: Units at which a true difference as large as the observed one is found with
            80 % power; NaN where none was observed.
        verdict: By the p-value adjusted after Holm in the family, by the plain one outside it.
        is_primary: Whether the scorecard shows it.
        reason: Why something is NaN or another method was taken; None when there is nothing to say.
        extra: Further numbers, e.g. how many samples only one of the two got right.
    """

    label: str
    probe: str
    family: str
    metric: str
    slice: str = ""
    direction: Direction = "neither"
    baseline: Subject
    candidate: Subject
    baseline_value: float = math.nan
    candidate_value: float = math.nan
    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    level: float = 0.95
    method: str = ""
    test: str = ""
    unit: str = "sample"
    n: int = 0
    n_units: int = 0
    n_unpaired: int = 0
    p_value: float = math.nan
    p_holm: float = math.nan
    p_bh: float = math.nan
    effect_size: float = math.nan
    effect_name: str = ""
    minimum_detectable: float = math.nan
    n_needed: float = math.nan
    verdict: DifferenceVerdict = "undefined"
    is_primary: bool = False
    reason: str | None = None
    extra: Mapping[str, float | int | str | None] = field(default_factory=dict)

    @property
    def is_in_family(self) -> bool:
        """Whether its p-value was adjusted for multiplicity."""
        return not math.isnan(self.p_holm)


@dataclass(frozen=True)
class TieGroups:
    """Who cannot be told apart on one metric: subjects that share a letter.

    Attributes:
        label, metric, slice: Whose estimates are compared, all pairs of them.
        letters: For each subject its letters, e.g. ``a``, ``ab``, ``b``; ``a`` holds the best one
            (the highest where neither way is better).
        n_tests: Pairwise tests, whose p-values are adjusted after Holm among themselves.
    """

    label: str
    metric: str
    slice: str
    letters: Mapping[Subject, str]
    n_tests: int


@dataclass(frozen=True)
class VarianceComponents:
    """Where the spread of a model's figures over runs with different seeds comes from.

    Attributes:
        model, label, metric: What was measured in every run.
        runs: The runs, each with a seed of its own; ``seeds`` are the seeds.
        n_samples: Samples answered in all of them.
        mean: Mean over runs and samples.
        between_seeds: Variance that a whole run shares, never below 0.
        between_samples: Variance that a sample shares over runs.
        residual: What is left: a sample answered otherwise under another seed.
        low, high: Interval of the mean over seeds and samples, at ``level``.
        method: How the components and the interval were made.
        reason: Why something is NaN; None when nothing is.
    """

    model: str
    label: str
    metric: str
    runs: tuple[str, ...]
    seeds: tuple[int, ...]
    n_samples: int
    mean: float
    between_seeds: float
    between_samples: float
    residual: float
    low: float
    high: float
    level: float
    method: str
    reason: str | None = None


@dataclass(frozen=True)
class Note:
    """What a reader must know of a comparison: what was left out, and what is not alike.

    ``kind`` is ``not compared`` (no differences at all for this label and subject), ``common
    part`` (data differ and only what both have was compared), ``settings`` (asked otherwise, e.g.
    with other options) or ``samples`` (some were answered by one only).
    """

    kind: Literal["not compared", "common part", "settings", "samples"]
    label: str
    subject: Subject
    text: str


@dataclass(frozen=True)
class TestFamily:
    """The tests whose p-values are adjusted together: declared, and how many they are."""

    __test__ = False  # not a test case, whatever its name

    declared: str
    n_tests: int


@dataclass(frozen=True)
class Comparison:
    """Every candidate against the baseline.

    Attributes:
        subjects: All of them, the baseline first.
        differences: By label, metric and slice, in the baseline run's order, then by candidate.
        ties: For each primary metric of the whole that two or more subjects have.
        components: Of models that were run with several seeds.
        notes: What was not compared, or not alike.
        level: Nominal coverage of the intervals; alpha is that of the tests.
        family: Over which tests p-values are adjusted.
        resamples: Of every bootstrap and permutation of sums; a metric that must be computed
            anew for each resample says in ``method`` how many it had.
        seed: Of every resample.
    """

    subjects: tuple[Subject, ...]
    baseline: Subject
    differences: tuple[Difference, ...]
    ties: tuple[TieGroups, ...]
    components: tuple[VarianceComponents, ...]
    notes: tuple[Note, ...]
    level: float
    alpha: float
    family: TestFamily
    resamples: int
    seed: int

    @property
    def candidates(self) -> tuple[Subject, ...]:
        """Everyone but the baseline."""
        return tuple(subject for subject in self.subjects if subject != self.baseline)

    @property
    def primary(self) -> tuple[Difference, ...]:
        """The differences that a scorecard shows."""
        return tuple(difference for difference in self.differences if difference.is_primary)

    @property
    def regressions(self) -> tuple[Difference, ...]:
        """Primary metrics on which a candidate is worse, or has no value where the baseline has."""
        return tuple(
            d
            for d in self.primary
            if d.verdict == "worse"
            or (math.isnan(d.candidate_value) and not math.isnan(d.baseline_value))
        )

    def tally(self, candidate: Subject) -> Counter[DifferenceVerdict]:
        """How many primary differences of a candidate have each verdict."""
        return Counter(d.verdict for d in self.primary if d.candidate == candidate)

    def of(self, label: str, metric: str, slice_name: str = "") -> Iterator[Difference]:
        """The differences of one estimate, by candidate."""
        for difference in self.differences:
            if (difference.label, difference.metric, difference.slice) == (
                label,
                metric,
                slice_name,
            ):
                yield difference

    def letters(self, label: str, metric: str, subject: Subject) -> str:
        """The tie letters of a subject on the whole of a metric; empty where it has none."""
        for ties in self.ties:
            if (ties.label, ties.metric, ties.slice) == (label, metric, ""):
                return ties.letters.get(subject, "")
        return ""

    def to_json(self) -> dict[str, Any]:
        """A JSON document; NaN and infinity are null."""
        document = asdict(replace(self, ties=()))
        document["ties"] = [
            {
                **{name: getattr(ties, name) for name in ("label", "metric", "slice", "n_tests")},
                "letters": [
                    {"subject": asdict(subject), "letters": letters}
                    for subject, letters in ties.letters.items()
                ],
            }
            for ties in self.ties
        ]
        document["candidates"] = [
            {"subject": asdict(subject), "verdicts": dict(self.tally(subject))}
            for subject in self.candidates
        ]
        cleaned: dict[str, Any] = finite({"schema_version": SCHEMA_VERSION, **document})
        return cleaned
