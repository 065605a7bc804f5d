"""What all commands share: answers on stdout, everything else on stderr, one JSON document."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from evalsuite.documents import finite
from evalsuite.errors import UsageError
from evalsuite.foreign_text import json_written_out, written_out

PLAIN_WIDTH = 110

Command = TypeVar("Command", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")


class PlainConsole(Console):
    """A console that prints what it is given: texts are no markup and command no terminal.

    Models, data and plugins name themselves as they like, so a name may hold an escape sequence
    or rich's own markup. Style comes from our code alone, as ``Text`` or ``style=``.
    """

    def __init__(self, *, stderr: bool = False) -> None:
        """Write to stdout, or to stderr."""
        super().__init__(stderr=stderr, highlight=False, markup=False, emoji=False)

    def render_str(self, text: str, **options: Any) -> Text:
        """Text of a string, its control characters written out before its width is measured."""
        return super().render_str(written_out(text), **options)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterator[Segment]:
        """Whatever else is drawn (a ``Text``, a progress bar) passes here last."""
        for segment in super().render(renderable, options):
            text, style, control = segment
            yield segment if control else Segment(written_out(text), style)


def answer() -> Console:
    """A console for the answer (stdout)."""
    console = PlainConsole()
    if not console.is_terminal:  # a file or a pipe has no width of its own
        console.width = PLAIN_WIDTH
    return console


def notes() -> Console:
    """A console for progress, warnings and hints (stderr)."""
    return PlainConsole(stderr=True)


def echo(text: str, *, err: bool = False) -> None:
    """Print one text as it is, whatever its width, to stdout or stderr."""
    click.echo(written_out(text), err=err)


def emit(part: str | bytes) -> None:
    """Write a piece of a document to stdout: exactly to a file or pipe, made safe on a terminal."""
    if isinstance(part, bytes):
        click.echo(part, nl=False)
    else:  # click would leave out escape sequences, and a file is to hold what it is to hold
        sys.stdout.write(written_out(part) if sys.stdout.isatty() else part)


def print_json(document: Any) -> None:
    """Print the one JSON document of a command."""
    text = json.dumps({"schema_version": 1, **finite(document)}, indent=1, ensure_ascii=False)
    click.echo(json_written_out(text))


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
