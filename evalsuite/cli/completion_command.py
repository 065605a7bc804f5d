"""``evalsuite completion SHELL``: a completion script."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from evalsuite.cli.conventions import echo
from evalsuite.errors import UsageError


@click.command("completion", short_help="Print a shell's completion script.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print a completion script for SHELL.

    \b
    evalsuite completion bash >> ~/.bashrc
    """  # noqa: D301
    from evalsuite.cli import main_group

    completion = get_completion_class(shell)
    if completion is None:
        raise UsageError(f"click has no completion for {shell!r}.")
    echo(completion(main_group, {}, "evalsuite", "_EVALSUITE_COMPLETE").source())
