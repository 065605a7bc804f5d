"""A policy file: what the estimates of a run must keep to, as YAML.

Thresholds hold the bounds of an interval, not the estimate alone, so that a lucky draw of samples
neither passes nor fails a model. What cannot be judged fails by default: a model that refuses has
no number, and must not pass for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, FiniteFloat, ValidationError, model_validator

from evalsuite.errors import SuiteError
from evalsuite.marked_yaml import Marks, Strict, explain, place_of, read_document

Handling = Literal["fail", "skip"]
# The verdicts of a comparison that each requirement takes.
ACCEPTED = {
    "better": frozenset({"better"}),
    "not worse": frozenset({"better", "not distinguishable"}),
    "not different": frozenset({"not distinguishable"}),
}


class Range(Strict):
    """Where a figure must lie; both ends belong to it."""

    min: FiniteFloat | None = Field(None, description="the smallest figure that passes")
    max: FiniteFloat | None = Field(None, description="the largest figure that passes")

    @model_validator(mode="after")
    def _is_a_range(self) -> Range:
        if self.min is None and self.max is None:
            raise ValueError("a range needs a `min` or a `max`")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("`min` is above `max`, so that nothing can pass")
        return self


class Bounds(Strict):
    """Ranges for a figure and for the bounds of its interval."""

    value: Range | None = Field(None, description="the figure itself; prefer a bound")
    lower: Range | None = Field(None, description="the lower bound of its interval")
    upper: Range | None = Field(None, description="the upper bound of its interval")

    def named(self) -> dict[str, Range]:
        """The ranges that are given, by what they hold."""
        ranges = {"value": self.value, "lower": self.lower, "upper": self.upper}
        return {name: given for name, given in ranges.items() if given is not None}


class Rule(Bounds):
    """Which estimates, and what they must keep to.

    ``probe``, ``label``, ``model``, ``metric`` and ``slice`` are patterns as of a shell: ``*``,
    ``?``, ``[abc]``.
    """

    name: str = Field("", description="what the table calls it; by default what it selects")
    probe: str = Field("*", description="pattern of probes, e.g. fairness/*")
    label: str = Field("*", description="pattern of labels, as the suite gives them")
    model: str = Field("*", description="pattern of models, e.g. hf:*")
    metric: str | None = Field(None, description="pattern of metrics; by default the primary ones")
    slice: str = Field("", description="pattern of slices, e.g. group=*; by default the whole")
    n: Range | None = Field(None, description="answered samples that an estimate rests on")
    failed: Range | None = Field(None, description="share of the job's samples without answer")
    difference: Bounds | None = Field(None, description="to the same estimate of the baseline")
    verdict: Literal["better", "not worse", "not different"] | None = Field(
        None, description="of the test against the baseline; a small n is `not worse` easily"
    )
    undefined: Handling = Field("fail", description="where there is no number, or no interval")
    missing: Handling = Field("fail", description="where a job has not got the estimate")
    not_applicable: Handling = Field("skip", description="where the model cannot be asked")
    partial: Literal["fail", "allow"] = Field("fail", description="where samples were limited")

    @model_validator(mode="after")
    def _demands_something(self) -> Rule:
        if self.difference is not None and not self.difference.named():
            raise ValueError("`difference` needs a `value`, a `lower` or an `upper`")
        if not (self.named() or self.n or self.failed or self.difference or self.verdict):
            raise ValueError(
                "a rule demands something: `lower`, `upper`, `value`, `n`, `failed`, "
                "`difference` or `verdict`"
            )
        return self

    @property
    def needs_baseline(self) -> bool:
        """Whether it compares."""
        return self.difference is not None or self.verdict is not None

    @property
    def title(self) -> str:
        """Its name, else what it selects."""
        if self.name:
            return self.name
        place = self.label if self.label != "*" else self.probe
        return f"{place}: {self.metric or 'primary'}{f' [{self.slice}]' if self.slice else ''}"


class Policy(Strict):
    """The whole file."""

    version: Literal[1] = Field(description="version of this format")
    name: str = Field(description="what the policy is called")
    description: str = ""
    incomplete: Literal["refuse", "allow"] = Field(
        "refuse", description="whether a run that did not end may be judged"
    )
    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]


@dataclass(frozen=True)
class PolicyFile:
    """A policy with the place of everything in it."""

    policy: Policy
    path: Path
    marks: Marks

    def where(self, rule: int) -> str:
        """``file:line:column`` of a rule."""
        return place_of(self.path, self.marks, ("rules", rule))


_SECTIONS: Mapping[str | int, type[BaseModel]] = {
    "rules": Rule,
    "difference": Bounds,
    **dict.fromkeys(("value", "lower", "upper", "n", "failed"), Range),
}


def read_policy(path: Path) -> PolicyFile:
    """Read and validate a policy file.

    Raises:
        SuiteError: The file is missing, is no YAML, or does not describe a policy; the text has
            ``file:line:column`` of every mistake.
    """
    _, document, marks = read_document(path, "policy")
    try:
        return PolicyFile(Policy.model_validate(document), path, marks)
    except ValidationError as error:
        raise SuiteError(explain(error, path, marks, _SECTIONS, Policy)) from error


def policy_schema() -> dict[str, Any]:
    """The JSON schema of a policy file, for editors."""
    schema = Policy.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "evalsuite policy, version 1"
    return schema
