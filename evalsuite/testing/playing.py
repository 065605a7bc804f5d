"""Play the harness for one probe: every request is answered by a function."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalsuite.errors import RequestFailed
from evalsuite.metric import Estimate, Table, estimate_all
from evalsuite.probe import Probe, Question, reply_to, requests_in
from evalsuite.request import Request
from evalsuite.response import Answer, Failure
from evalsuite.source import Sample
from evalsuite.statistics import generator

Answering = Callable[[Request], Answer]


@dataclass(frozen=True)
class Played:
    """What came of it: records of the answered samples, reasons of the others, estimates."""

    records: tuple[Mapping[str, Any], ...]
    failures: tuple[str, ...]
    estimates: tuple[Estimate, ...]
    requests: tuple[Request, ...]

    def estimate(self, metric: str, slice_name: str = "") -> Estimate:
        """One estimate by metric name and slice; raises StopIteration when there is none."""
        return next(e for e in self.estimates if e.metric == metric and e.slice == slice_name)


def play(probe: Probe, samples: Sequence[Sample], answer: Answering, seed: int = 0) -> Played:
    """Ask everything a probe asks about some samples, and compute its metrics.

    Args:
        probe: The probe.
        samples: What to ask about.
        answer: Maps a request to a response, or to a Failure.
        seed: Seed of tabulation and metrics.
    """
    asked: list[Request] = []
    context, unprepared = drive(probe.prepare(samples), answer, asked)
    records: list[Mapping[str, Any]] = []
    failures = []
    for sample in samples:
        record: Mapping[str, Any] = {}
        failure = unprepared
        if unprepared is None:
            record, failure = drive(probe.ask(sample, context), answer, asked)
        if failure is None:
            records.append(record)
        else:
            failures.append(f"{failure.kind}: {failure.message}")
    final = probe.tabulate(records, context, generator(seed, probe.name, "tabulate"))
    table = Table.from_records(final, n_failed=len(failures))
    estimates = estimate_all(probe.metrics, table, lambda name: generator(seed, probe.name, name))
    return Played(tuple(final), tuple(failures), tuple(estimates), tuple(asked))


def drive(
    asking: Generator[Question, Any, Any], answer: Answering, asked: list[Request]
) -> tuple[Any, Failure | None]:
    """Run one generator to its end; returns its value, or the failure it did not catch."""
    try:
        question = next(asking)
        while True:
            requests = requests_in(question)
            asked.extend(requests)
            replies = [answer(request) for request in requests]
            failed = next((r for r in replies if isinstance(r, Failure)), None)
            if failed is not None:
                question = asking.throw(RequestFailed(failed))
            else:
                question = asking.send(reply_to(question, replies))  # type: ignore[arg-type]
    except StopIteration as stop:
        return stop.value, None
    except RequestFailed as error:
        return None, error.failure
