"""``evalsuite controls``: show the control models, or rebuild them."""

from __future__ import annotations

from pathlib import Path

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from evalsuite.cli.conventions import answer, echo, json_option, notes, plain_table, print_json
from evalsuite_controls.catalogue import CONTROLS
from evalsuite_controls.loader import find


@click.group("controls", short_help="Show or rebuild the control models.")
def controls() -> None:
    """Show the control models, or rebuild them from their recipes."""


@controls.command("list")
@json_option
def list_controls(as_json: bool) -> None:
    """Show every control model, what is planted in it, and its size."""
    rows = [
        {
            "name": f"control:{control.name}",
            "title": control.title,
            "planted": control.planted,
            "twin": control.twin,
            "bytes": sum(p.stat().st_size for p in control.directory.glob("*")),
        }
        for control in CONTROLS.values()
    ]
    if as_json:
        print_json({"controls": rows})
        return
    table = plain_table("model", "what it is", "planted", "kB")
    for row in rows:
        size = f"{int(str(row['bytes'])) / 1000:,.0f}"
        table.add_row(str(row["name"]), str(row["title"]), str(row["planted"] or "–"), size)
    answer().print(table)


@controls.command("show")
@click.argument("name")
def show(name: str) -> None:
    """Print the card of a control model."""
    echo(find(name).card.read_text(encoding="utf-8"))


@controls.command("build")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("controls"),
    show_default=True,
    help="Folder that gets one directory for each model.",
)
def build_controls(names: tuple[str, ...], output: Path) -> None:
    """Rebuild control models (all without a NAME) from recipe and seed; minutes on one core."""
    from evalsuite_controls.build import build

    chosen = [find(name) for name in names] or list(CONTROLS.values())
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=notes()) as progress:
        for control in chosen:
            task = progress.add_task(control.name, total=None)

            def advance(done: int, steps: int, task=task) -> None:
                progress.update(task, completed=done, total=steps)

            build(control, output / control.name, advance)
            echo(str(output / control.name))


@controls.command("cards")
@click.argument("run", type=click.Path(path_type=Path))
def cards(run: Path) -> None:
    """Write the cards anew from a RUN of the quickstart suite (for maintainers)."""
    from evalsuite.store import Run
    from evalsuite_controls.card import write_cards

    for path in write_cards(list(CONTROLS.values()), Run.open(run)):
        echo(str(path))
