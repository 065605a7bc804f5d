"""``evalsuite cache``: what is remembered between runs."""

from __future__ import annotations

import click

from evalsuite.cli.conventions import answer, echo, json_option, plain_table, print_json
from evalsuite.executor import cache_directory


@click.group("cache", short_help="Show or clear what is remembered between runs.")
def command() -> None:
    """Show or clear what is remembered: answers (of `run --cache`) and batch sizes that fit."""


@command.command("ls")
@json_option
def ls(as_json: bool) -> None:
    """Show the remembered files."""
    directory = cache_directory()
    files = [
        {"file": str(path.relative_to(directory)), "bytes": path.stat().st_size}
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    ]
    if as_json:
        print_json({"directory": str(directory), "files": files})
        return
    table = plain_table("file", "bytes", title=str(directory))
    for entry in files:
        table.add_row(str(entry["file"]), f"{entry['bytes']:,}")
    answer().print(table)


@command.command("clear")
def clear() -> None:
    """Remove the remembered files."""
    directory = cache_directory()
    names = ("responses.sqlite", "responses.sqlite-wal", "responses.sqlite-shm", "budgets.json")
    removed = [name for name in names if (directory / name).exists()]
    for name in removed:
        (directory / name).unlink()
    echo(f"removed {', '.join(removed) or 'nothing'} from {directory}")
