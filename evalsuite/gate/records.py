"""What a gate says: one check for each demand on each estimate, and one verdict over all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from evalsuite.documents import finite
from evalsuite.errors import ExitCode

SCHEMA_VERSION = 1

Outcome = Literal["passed", "failed", "skipped"]
GateVerdict = Literal["passed", "failed", "incomplete"]

# A sign and a word for each, so that nothing hangs on a colour.
SIGNS: Mapping[Outcome, str] = {
    "passed": "✓ passed",
    "failed": "✗ failed",
    "skipped": "– skipped",
}
_EXIT_CODES: Mapping[GateVerdict, ExitCode] = {
    "passed": ExitCode.OK,
    "failed": ExitCode.GATE_FAILED,
    "incomplete": ExitCode.INCOMPLETE,
}


@dataclass(frozen=True, kw_only=True)
class Check:
    """One demand of one rule on one estimate.

    Attributes:
        rule: The rule's title.
        model, label, metric, slice: Which estimate; ``metric`` is empty where there is none.
        demand: In words, e.g. ``upper bound at most 0.1``.
        figure: What was held against it; NaN where there was nothing.
        margin: How far inside the range it lies, in the metric's own unit; negative outside, NaN
            where there is no range.
        outcome: ``skipped`` where the policy says to pass over what cannot be judged.
        why: Why it failed or was skipped; empty where it passed.
    """

    rule: str
    model: str
    label: str
    metric: str = ""
    slice: str = ""
    demand: str = ""
    figure: float = float("nan")
    margin: float = float("nan")
    outcome: Outcome
    why: str = ""

    @property
    def subject(self) -> str:
        """The estimate by its label, metric and slice."""
        sliced = f" [{self.slice}]" if self.slice else ""
        return f"{self.label}: {self.metric}{sliced}" if self.metric else self.label


@dataclass(frozen=True)
class Gate:
    """All checks of a policy on a run.

    Attributes:
        policy: Its name.
        run, baseline: Names of the run directories; ``baseline`` is empty without one.
        checks: In the policy's order.
        incomplete: What the run lacks, where the policy does not allow that; else empty.
    """

    policy: str
    run: str
    baseline: str
    checks: tuple[Check, ...]
    incomplete: tuple[str, ...] = ()

    @property
    def verdict(self) -> GateVerdict:
        """``incomplete`` before anything else: half a run is neither good nor bad."""
        if self.incomplete:
            return "incomplete"
        return "failed" if self.failed else "passed"

    @property
    def exit_code(self) -> ExitCode:
        """What a command that printed the verdict ends with."""
        return _EXIT_CODES[self.verdict]

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that do not hold."""
        return tuple(check for check in self.checks if check.outcome == "failed")

    @property
    def sentence(self) -> str:
        """The verdict with its counts."""
        judged = [check for check in self.checks if check.outcome != "skipped"]
        skipped = len(self.checks) - len(judged)
        aside = f"; {skipped} skipped, as the policy says" if skipped else ""
        if self.verdict == "incomplete":
            return (
                f"Not judged: the run {self.run!r} is not complete ({'; '.join(self.incomplete)}). "
                "Finish it with `evalsuite run --resume`, or allow it with `--allow-incomplete`."
            )
        if self.verdict == "failed":
            rules = ", ".join(dict.fromkeys(repr(check.rule) for check in self.failed))
            return (
                f"Failed: {len(self.failed)} of {len(judged)} checks of the policy "
                f"{self.policy!r} do not hold ({rules}){aside}."
            )
        checks = "The one check" if len(judged) == 1 else f"All {len(judged)} checks"
        verb = "holds" if len(judged) == 1 else "hold"
        return f"Passed: {checks} of the policy {self.policy!r} {verb}{aside}."

    def to_json(self) -> dict[str, Any]:
        """A JSON document; NaN is null."""
        document = {
            "schema_version": SCHEMA_VERSION,
            "verdict": self.verdict,
            "exit_code": int(self.exit_code),
            "sentence": self.sentence,
            **asdict(self),
        }
        cleaned: dict[str, Any] = finite(document)
        return cleaned
