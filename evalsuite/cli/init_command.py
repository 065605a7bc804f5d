"""``evalsuite init``: write a first suite and a first policy."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import click

from evalsuite.cli.conventions import echo
from evalsuite.documents import write_atomically
from evalsuite.errors import UsageError


@click.command("init", short_help="Write a first suite and policy file.")
@click.argument("directory", default=".", type=click.Path(path_type=Path, file_okay=False))
def command(directory: Path) -> None:
    """Write suite.yaml and policy.yaml, commented, into DIRECTORY; they run offline in seconds."""
    paths = [directory / name for name in ("suite.yaml", "policy.yaml")]
    for path in paths:
        if path.exists():
            raise UsageError(f"{path} exists; remove it or name another directory.")
    for path in paths:
        write_atomically(path, files("evalsuite.cli").joinpath(f"first_{path.name}").read_bytes())
        echo(str(path))
    echo(f"Next: evalsuite check {paths[0]}, then evalsuite run {paths[0]}", err=True)
