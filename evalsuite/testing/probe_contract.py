"""The promises that every probe makes."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

from evalsuite.probe import Probe
from evalsuite.response import Failure
from evalsuite.source import Sample
from evalsuite.testing.playing import Answering, play

_FAMILIES = ("task", "fairness", "privacy", "explainability", "robustness", "representation")
_SCALARS = (str, int, float, bool, type(None))


def check_probe(probe: Probe, samples: Sequence[Sample], answer: Answering) -> None:
    """Check a probe against the contract, on a few samples and a function that answers.

    Checked: it is a frozen dataclass with a card, a family and a name; it asks only what it says
    it needs; records are flat and of scalars; playing twice gives the same estimates, and so does
    the reverse order of samples up to the interval's random resampling; a model that answers
    nothing gives no record, no crash and no defined estimate.

    Raises:
        AssertionError: With one sentence, for the first promise that is broken.
    """
    _check_declaration(probe)
    played = play(probe, samples, answer)
    undeclared = {type(r).__name__ for r in played.requests if not isinstance(r, probe.needs)}
    assert not undeclared, f"it asks {sorted(undeclared)}, which `needs` does not list"
    _check_records(probe, samples, answer)
    again = play(probe, samples, answer)
    assert repr(played.estimates) == repr(again.estimates), "playing twice gives other estimates"
    _check_order(probe, samples, answer)
    _check_refusal(probe, samples)


def _check_declaration(probe: Probe) -> None:
    assert dataclasses.is_dataclass(probe), "a probe is a dataclass"
    assert type(probe).__dataclass_params__.frozen, "a probe is frozen"  # type: ignore[attr-defined]
    assert "/" in probe.name, f"its name {probe.name!r} is not owner/name"
    assert probe.family in _FAMILIES, f"its family {probe.family!r} is none of {_FAMILIES}"
    for item in dataclasses.fields(probe.card):
        if item.name != "critique":
            assert getattr(probe.card, item.name), f"its card says nothing under {item.name!r}"


def _check_records(probe: Probe, samples: Sequence[Sample], answer: Answering) -> None:
    for record in play(probe, samples, answer).records:
        for name, value in record.items():
            if name.startswith("_"):
                continue  # for metrics only
            is_scalar = isinstance(value, _SCALARS) or getattr(value, "ndim", None) == 0
            assert is_scalar, f"record entry {name!r} is a {type(value).__name__}, no scalar"


def _check_order(probe: Probe, samples: Sequence[Sample], answer: Answering) -> None:
    forward = play(probe, samples, answer)
    backward = play(probe, list(reversed(samples)), answer)
    for one, other in zip(forward.estimates, backward.estimates, strict=True):
        same = math.isclose(one.value, other.value, rel_tol=1e-9, abs_tol=1e-12)
        both_undefined = math.isnan(one.value) and math.isnan(other.value)
        assert same or both_undefined, f"the order of samples changes {one.metric!r}"


def _check_refusal(probe: Probe, samples: Sequence[Sample]) -> None:
    if not probe.needs:
        return
    played = play(probe, samples, lambda request: Failure("refused", "the model answers nothing"))
    for estimate in played.estimates:
        assert math.isnan(estimate.value), (
            f"a model that answers nothing gets {estimate.metric} = {estimate.value}"
        )
