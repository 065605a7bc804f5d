"""``evalsuite report``: render runs as one HTML page."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import click

from evalsuite.cli.conventions import echo
from evalsuite.store import Run


@click.command("report", short_help="Render runs as one HTML page.")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    default=Path("report.html"),
    show_default=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The HTML file.",
)
@click.option("--open", "open_it", is_flag=True, help="Open it in a browser afterwards.")
def command(runs: tuple[Path, ...], output: Path, open_it: bool) -> None:
    """Render RUNS (run directories) as one self-contained HTML page; prints its path."""
    from evalsuite.report import write

    path = write([Run.open(run) for run in runs], output)
    if open_it:
        webbrowser.open(path.resolve().as_uri())
    echo(str(path))
