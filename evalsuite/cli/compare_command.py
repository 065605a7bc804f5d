"""``evalsuite compare``: what differs between models, by how much, and how sure that is."""

from __future__ import annotations

from pathlib import Path

import click

from evalsuite.cli.conventions import answer, json_option, notes, print_json
from evalsuite.cli.differences import print_comparison
from evalsuite.compare import compare
from evalsuite.errors import ExitCode
from evalsuite.redaction import redacted
from evalsuite.store import Run


@click.command("compare", short_help="Compare models of one or several runs, sample by sample.")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--baseline", metavar="NAME", help="MODEL, RUN or 'MODEL (RUN)'; else the first.")
@click.option("-m", "--model", "models", multiple=True, help="Only these models.")
@click.option(
    "--allow-different-data",
    is_flag=True,
    help="Compare what two runs have in common where they saw different data.",
)
@click.option("--all", "show_all", is_flag=True, help="Show every estimate, not the primary ones.")
@click.option("--fail-on", type=click.Choice(["regression"]), help="Exit 1 if there is one.")
@click.option(
    "--level", type=click.FloatRange(0.5, 0.999), default=0.95, show_default=True, help="Coverage."
)
@click.option(
    "--alpha",
    type=click.FloatRange(0.001, 0.5),
    default=0.05,
    show_default=True,
    help="Of the tests, adjusted after Holm.",
)
@click.option(
    "--resamples",
    type=click.IntRange(100),
    default=10_000,
    show_default=True,
    help="Of each bootstrap and permutation.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of these.")
@json_option
def command(
    runs: tuple[Path, ...],
    baseline: str | None,
    models: tuple[str, ...],
    allow_different_data: bool,
    show_all: bool,
    fail_on: str | None,
    level: float,
    alpha: float,
    resamples: int,
    seed: int,
    as_json: bool,
) -> int:
    """Compare every model of RUNS (run directories) with the baseline, on the same samples.

    \b
    evalsuite compare runs/both-models
    evalsuite compare runs/before runs/after --fail-on regression
    evalsuite compare runs/a runs/b --baseline hf:gpt2 --json

    The baseline is the first model of the first run. Samples are paired by their content. A
    regression is a primary metric that is worse after Holm's adjustment, or that has lost its
    value.
    """  # noqa: D301
    comparison = compare(
        [redacted(Run.open(run)) for run in runs],
        baseline=baseline,
        models=models or None,
        allow_different_data=allow_different_data,
        level=level,
        alpha=alpha,
        resamples=resamples,
        seed=seed,
    )
    if as_json:
        print_json(comparison.to_json())
    else:
        print_comparison(answer(), comparison, show_all=show_all)
    if fail_on is None or not comparison.regressions:
        return int(ExitCode.OK)
    count = len(comparison.regressions)
    notes().print(f"Failed: {count} regression{'s' if count > 1 else ''}.")
    return int(ExitCode.GATE_FAILED)
