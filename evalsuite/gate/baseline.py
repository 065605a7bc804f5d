"""The differences that rules ask about: each model against itself in another run."""

from __future__ import annotations

from dataclasses import replace

from evalsuite.compare import Comparison, Difference, compare
from evalsuite.errors import NothingSelectedError, UsageError
from evalsuite.metric import Estimate
from evalsuite.store import JobResult, Run


class Baseline:
    """A run to compare with; each model's comparison is made when first asked for."""

    def __init__(self, run: Run, baseline: Run, *, allow_different_data: bool = False) -> None:
        """Keep both runs."""
        self._run = run
        self._baseline = baseline
        self._allow_different_data = allow_different_data
        self._made: dict[str, Comparison | str] = {}

    def difference(self, result: JobResult, estimate: Estimate) -> Difference | str:
        """An estimate's difference to the baseline, or why there is none.

        Raises:
            UsageError: The baseline has not got the model, and several others; or the two runs
                saw different data, which was not allowed.
        """
        made = self._comparison(result.model)
        if isinstance(made, str):
            return made
        found = next(made.of(result.label, estimate.metric, estimate.slice), None)
        if found is not None:
            return found
        told = [note.text for note in made.notes if note.label == result.label]
        return "; ".join(told) or "the baseline has no such estimate"

    def _comparison(self, model: str) -> Comparison | str:
        if model not in self._made:
            runs = [_only(self._baseline, self._partner(model)), _only(self._run, model)]
            try:
                self._made[model] = compare(runs, allow_different_data=self._allow_different_data)
            except NothingSelectedError as error:
                self._made[model] = str(error)
        return self._made[model]

    def _partner(self, model: str) -> str:
        """The same model in the baseline, or its only one."""
        models = list(dict.fromkeys(result.model for result in self._baseline.results))
        if model in models:
            return model
        if len(models) == 1:
            return models[0]
        raise UsageError(
            f"The baseline {self._baseline.name!r} has no model {model!r} to compare with; it has "
            f"{', '.join(models) or 'none'}. Name the models that a rule compares with `model:`, "
            "or take a baseline with one model."
        )


def _only(run: Run, model: str) -> Run:
    return replace(run, results=tuple(r for r in run.results if r.model == model))
