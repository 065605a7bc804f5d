"""What runs and models are called in one page, so that no two of them share a name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from evalsuite.foreign_text import MAX_REASON, beginning
from evalsuite.report.wording import short
from evalsuite.store import Run


def with_distinct_models(runs: Sequence[Run]) -> list[Run]:
    """The runs, their models under the names that the page shows.

    A model is called by its short name; by its whole one where two models share the short one;
    and with its run where it was measured in more than one, for else one measurement would be
    taken for the other.
    """
    occurrences = Counter(name for run in runs for name in _models(run))
    shortened = Counter(short(name) for name in occurrences)
    made = []
    for run in runs:
        names = {}
        for name in _models(run):
            shown = short(name) if shortened[short(name)] == 1 else name
            names[name] = f"{shown} ({run.name})" if occurrences[name] > 1 else shown
        made.append(_renamed(run, names))
    return made


def _models(run: Run) -> list[str]:
    planned = [str(model["name"]) for model in run.plan.get("models", ())]
    return list(dict.fromkeys([*planned, *(result.model for result in run.results)]))


def _renamed(run: Run, names: Mapping[str, str]) -> Run:
    results = tuple(
        replace(result, model=names[result.model], reason=beginning(result.reason, MAX_REASON))
        for result in run.results
    )
    models = [_model(model, names) for model in run.plan.get("models", ())]
    return replace(run, results=results, plan={**run.plan, "models": models})


def _model(model: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    controls = dict(model.get("controls") or {})
    if controls.get("twin"):
        controls["twin"] = names.get(str(controls["twin"]), controls["twin"])
    return {**model, "name": names[str(model["name"])], "controls": controls}
