"""``evalsuite score``: recompute the estimates of a run from its stored answers."""

from __future__ import annotations

from pathlib import Path

import click

from evalsuite.cli.conventions import answer, echo, json_option, print_json
from evalsuite.cli.estimates import estimates_document, print_estimates
from evalsuite.documents import read_json
from evalsuite.plan import Plan
from evalsuite.redaction import redacted
from evalsuite.registry import installed
from evalsuite.run import score
from evalsuite.sealing import refuse_sealed
from evalsuite.store import Run, Store


@click.command("score", short_help="Recompute a run's estimates without its models.")
@click.argument("run", type=click.Path(path_type=Path))
@json_option
def command(run: Path, as_json: bool) -> None:
    """Recompute every record and estimate of RUN from its stored answers; loads no model."""
    refuse_sealed(run)
    plan = Plan.from_json(read_json(run / "plan.json"))
    store = Store(run)
    try:
        score(plan, store, installed(), store.fingerprints())
    finally:
        store.close()
    results = redacted(Run.open(run)).results
    if as_json:
        print_json({"run": str(run), "jobs": estimates_document(results)})
    else:
        print_estimates(answer(), results)
        echo(str(run))
