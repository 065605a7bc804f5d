"""``evalsuite report``: render runs as one HTML page."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import click

from evalsuite.cli.conventions import echo, notes
from evalsuite.store import Run

MIB = 2**20


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
@click.option(
    "--max-size",
    default=5.0,
    show_default=True,
    type=click.FloatRange(min=0.1),
    help="Of the page, in MiB; a page keeps as many samples as fit, and says which.",
)
@click.option(
    "--media",
    default=16,
    show_default=True,
    type=click.IntRange(min=0),
    help="Pictures and clips of each probe inside the page.",
)
@click.option(
    "--samples",
    default=2400,
    show_default=True,
    type=click.IntRange(min=1),
    help="Samples of all probes together inside the page, as far as they fit.",
)
@click.option(
    "--allow-different-data",
    is_flag=True,
    help="Compare the common part of runs that saw different data.",
)
@click.option(
    "--show-private",
    is_flag=True,
    help="Show secrets and personal data, which are hidden otherwise.",
)
@click.option("--open", "open_it", is_flag=True, help="Open it in a browser afterwards.")
def command(
    runs: tuple[Path, ...],
    output: Path,
    max_size: float,
    media: int,
    samples: int,
    allow_different_data: bool,
    show_private: bool,
    open_it: bool,
) -> None:
    """Render RUNS (run directories, the baseline first) as one self-contained HTML page.

    Prints its path. Models that share a probe are compared with the first of them.
    """
    from evalsuite.report import Budget, write

    budget = Budget(round(max_size * MIB), media, samples)
    opened = [Run.open(run) for run in runs]
    path = write(
        opened,
        output,
        budget,
        allow_different_data=allow_different_data,
        show_private=show_private,
    )
    if show_private:
        notes().print("Note: the page shows secrets and personal data. Do not pass it on.")
    size = path.stat().st_size
    if size > budget.max_bytes:
        notes().print(
            f"The page has {size / MIB:.1f} MiB, more than the {max_size:g} MiB of --max-size: its "
            "estimates and charts alone take that. Give fewer runs, or allow more."
        )
    if open_it:
        webbrowser.open(path.resolve().as_uri())
    echo(str(path))
