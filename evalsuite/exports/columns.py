"""Which column of the records a metric is the plain mean of."""

from __future__ import annotations

from collections.abc import Mapping

from evalsuite.errors import EvalsuiteError
from evalsuite.factories import make_probe
from evalsuite.registry import installed
from evalsuite.store import JobResult
from evalsuite.summaries import Mean, Proportion


def columns_of_means(result: JobResult) -> Mapping[str, str]:
    """Metric name -> column, for the metrics of a job's probe that average one column.

    Empty for a probe that is no longer installed, or whose options it no longer takes.
    """
    try:
        metrics = make_probe(result.probe, result.options, installed()).metrics
    except EvalsuiteError:
        return {}
    return {m.name: m.column for m in metrics if isinstance(m, Mean | Proportion)}
