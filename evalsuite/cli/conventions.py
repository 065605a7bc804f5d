"""What all commands share: answers on stdout, everything else on stderr, one JSON document."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.table import Table

from evalsuite.documents import finite
from evalsuite.errors import UsageError

PLAIN_WIDTH = 110

Command = TypeVar("Command", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")


def answer() -> Console:
    """A console for the answer (stdout)."""
    console = Console(soft_wrap=False, highlight=False)
    if not console.is_terminal:  # a file or a pipe has no width of its own
        console.width = PLAIN_WIDTH
    return console


def notes() -> Console:
    """A console for progress, warnings and hints (stderr)."""
    return Console(stderr=True, highlight=False)


def print_json(document: Any) -> None:
    """Print the one JSON document of a command."""
    click.echo(json.dumps({"schema_version": 1, **finite(document)}, indent=1, ensure_ascii=False))


def plain_table(*columns: str, title: str | None = None) -> Table:
    """A table in the house style: no box but a rule under the header."""
    from rich import box

    return Table(*columns, title=title, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)


def parse_settings(pairs: tuple[str, ...], option: str) -> dict[str, str]:
    """``("a=1", "b=2")`` -> ``{"a": "1", "b": "2"}``."""
    settings: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UsageError(f"{option} takes key=value (got {pair!r}).")
        settings[key] = value
    return settings


def typed(value: str) -> Any:
    """Read an option's value as YAML would: true, 3, 0.5, or text."""
    import yaml

    return yaml.safe_load(value)


def installed_file(kind: str, name: str) -> Path:
    """The file of an installed suite or policy, or of a path."""
    from evalsuite.registry import installed

    catalogue = next(c for c in installed().catalogues().values() if c.kind == kind)
    if name in catalogue:
        return Path(installed().require(kind, name).load()())
    looks_like_a_path = name.endswith((".yaml", ".yml")) or "/" in name or Path(name).exists()
    if not looks_like_a_path:
        installed().require(kind, name)  # raises with a did-you-mean
    return Path(name)
