"""``evalsuite publish``: add runs to a static site of reports, leaderboards and histories."""

from __future__ import annotations

from pathlib import Path

import click

from evalsuite.cli.conventions import echo, notes
from evalsuite.store import Run

MIB = 2**20


@click.command("publish", short_help="Add runs to a static site of reports.")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--to",
    "folder",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="The site's folder, a new one or one that this command wrote.",
)
@click.option(
    "--together", is_flag=True, help="One report that compares RUNS, not one for each of them."
)
@click.option("--title", help="Of the site; kept until another is given.")
@click.option(
    "--url", help="Where the site will be served, for its feeds; kept until another is given."
)
@click.option(
    "--max-size",
    default=5.0,
    show_default=True,
    type=click.FloatRange(min=0.1),
    help="Of each report, in MiB; a page keeps as many samples as fit, and says which.",
)
def command(
    runs: tuple[Path, ...],
    folder: Path,
    together: bool,
    title: str | None,
    url: str | None,
    max_size: float,
) -> None:
    """Add RUNS (run directories, finished) to a site of plain files, and print its first page.

    \b
    evalsuite publish runs/2026-01-* --to site
    evalsuite publish runs/before runs/after --to site --together

    Each report gets an address that stays, and a page that is not changed again. The index, the
    leaderboards and the history of each model are made anew of all runs that the site has. Copy
    the folder to any host of static files, or open its index.html.
    """  # noqa: D301
    from evalsuite.report import Budget
    from evalsuite.site import publish

    opened = [Run.open(run) for run in runs]
    for run in opened:
        if not run.manifest.get("complete", True):
            notes().print(f"{run.path} did not end; its report says what is missing.")
    budget = Budget(max_bytes=round(max_size * MIB))
    made = publish(opened, folder, together=together, title=title, url=url, budget=budget)
    for path in made.kept:
        notes().print(f"{path} was there already and stays as it is.")
    echo(str(made.index))
