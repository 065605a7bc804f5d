"""``evalsuite init``: write a first suite file."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import click

from evalsuite.cli.conventions import echo
from evalsuite.documents import write_atomically
from evalsuite.errors import UsageError


@click.command("init", short_help="Write a first suite file.")
@click.argument("directory", default=".", type=click.Path(path_type=Path, file_okay=False))
def command(directory: Path) -> None:
    """Write suite.yaml, commented, into DIRECTORY; it runs offline in seconds."""
    path = directory / "suite.yaml"
    if path.exists():
        raise UsageError(f"{path} exists; remove it or name another directory.")
    text = files("evalsuite.cli").joinpath("first_suite.yaml").read_bytes()
    write_atomically(path, text)
    echo(str(path))
    echo(f"Next: evalsuite check {path}, then evalsuite run {path}", err=True)
