"""``evalsuite check``: everything that can be known of a suite without loading a model."""

from __future__ import annotations

from typing import Any

import click

from evalsuite.cli.conventions import answer, json_option, notes, plain_table, print_json
from evalsuite.cli.selection import Selection, plan_of, selection_options
from evalsuite.factories import make_probe, make_source
from evalsuite.plan import Job, Plan
from evalsuite.probe import requests_in
from evalsuite.registry import installed


@click.command("check", short_help="Check a suite without loading a model.")
@click.argument("suite")
@selection_options
@json_option
def command(suite: str, as_json: bool, **selection: Any) -> None:
    """Check SUITE and estimate its work; no weights are read.

    Checked: the file against the schema; every model's configuration; every probe, metric and
    source with their options; that data files exist and have the fields the probes read; which
    probes each model can answer.
    """
    plan = plan_of(suite, Selection(**selection))
    work = {job.id: _requests(plan, job) for job in plan.jobs if job.applicable}
    if as_json:
        print_json({"plan": plan.to_json(), "requests_at_least": work})
        return
    _print(plan, work)


def _requests(plan: Plan, job: Job) -> int | None:
    """Questions that are sure to be asked: those before the first answer comes back."""
    if job.n_samples is None:
        return None
    probe = make_probe(job.probe, job.options, installed())
    source = make_source(plan.source(job.source), installed())
    first = next((sample for sample in source.rows() if sample.broken is None), None)
    if first is None or not probe.needs:
        return 0
    preparing = probe.prepare([first])
    try:
        shared = len(requests_in(next(preparing)))
        return shared + job.n_samples
    except StopIteration as stop:
        asked = next(probe.ask(first, stop.value), ())
        return len(requests_in(asked)) * job.n_samples


def _print(plan: Plan, work: dict[str, int | None]) -> None:
    table = plain_table("model", "probe", "source", "samples", "questions (at least)", "status")
    for column in (3, 4):
        table.columns[column].justify = "right"
    for job in plan.jobs:
        requests = work.get(job.id)
        table.add_row(
            job.model,
            job.label,
            job.source,
            "?" if job.n_samples is None else f"{job.n_samples:,}",
            "" if requests is None else f"{requests:,}",
            "ok" if job.applicable else f"not applicable: {job.reason}",
        )
    answer().print(table)
    applicable = [job for job in plan.jobs if job.applicable]
    total = sum(filter(None, work.values()))
    notes().print(
        f"{plan.suite_name}: {len(applicable)} of {len(plan.jobs)} jobs can run; at least "
        f"{total:,} questions (equal ones are asked once). Checked: suite file, model "
        "configurations, probes, options, sources, fields, capabilities.",
        soft_wrap=True,
    )
