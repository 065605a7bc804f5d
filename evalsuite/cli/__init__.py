"""The command line: one file per command, imported when it is used."""

from __future__ import annotations

import importlib
import io
import os
import sys
import traceback
from typing import Any

import click

from evalsuite import __version__
from evalsuite.errors import EvalsuiteError, ExitCode
from evalsuite.foreign_text import beginning, written_out

COMMANDS = {
    "init": "Write a first suite and policy file.",
    "list": "Show which models, probes, sources, metrics and suites are installed.",
    "show": "Explain one installed thing.",
    "check": "Check a suite and estimate its work, without loading a model.",
    "run": "Run a suite, leaving a run directory.",
    "score": "Recompute the estimates of a run without its models.",
    "compare": "Compare models of one or several runs, sample by sample.",
    "power": "Say how many samples a difference takes, or how small a one is found.",
    "report": "Render runs as one HTML page.",
    "view": "Look at runs in a browser, also while they go on.",
    "publish": "Add runs to a static site of reports.",
    "export": "Write runs in the format of another tool.",
    "gate": "Hold a run against a policy; exit 1 where it fails.",
    "plugins": "Show installed plugins, and why a broken one is broken.",
    "doctor": "Show what this machine has, to paste into an issue.",
    "schema": "Print the JSON schema of a suite or policy file.",
    "cache": "Show or clear what is remembered between runs.",
    "completion": "Print a shell's completion script.",
}


# A message may list many names; one of a library may repeat a whole file.
MAX_ERROR = 20_000


class LazyGroup(click.Group):
    """A group whose commands are modules of this package, or registered by plugins."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Our commands in the order of use, then those of plugins."""
        from evalsuite.registry import installed

        return [*COMMANDS, *(entry.name for entry in installed().commands)]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import one command."""
        if name in COMMANDS:
            module = importlib.import_module(f"evalsuite.cli.{name}_command")
            command: click.Command = module.command
            return command
        from evalsuite.registry import installed

        if name in installed().commands:
            loaded: click.Command = installed().require("command", name).load()
            return loaded
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List commands with their summaries, importing none of them."""
        from evalsuite.registry import installed

        plugin_rows = [
            (written_out(entry.name), written_out(entry.summary)) for entry in installed().commands
        ]
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))
        if plugin_rows:
            with formatter.section("Commands of plugins"):
                formatter.write_dl(plugin_rows)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "EVALSUITE"},
    epilog=(
        "Exit codes: 0 ok, 1 gate failed, 2 wrong usage or suite, 3 run incomplete, 4 plugin, "
        "5 nothing selected, 70 a bug of ours, 130 interrupted."
    ),
)
@click.version_option(__version__, prog_name="evalsuite")
def main_group() -> None:
    """Evaluate text, image-text and audio-text models.

    \b
    evalsuite run quickstart                     the control models, all modalities, offline
    evalsuite run suite.yaml -m hf:gpt2          your model instead of the suite's
    evalsuite report runs/2026-... -o report.html
    """  # noqa: D301


def main(arguments: list[str] | None = None) -> None:
    """Entry point: run a command, say what went wrong in one paragraph, exit with its code."""
    sys.exit(run(arguments))


def _show(error: click.ClickException) -> None:
    """What click has to say, which repeats what was typed."""
    told = io.StringIO()
    error.show(told)
    _say(told.getvalue().rstrip("\n"))


def _say(text: str) -> None:
    """Print to stderr, without importing what only answers need."""
    click.echo(written_out(text), err=True)


def run(arguments: list[str] | None = None) -> int:
    """Run a command line and return its exit code."""
    try:
        result: Any = main_group.main(args=arguments, standalone_mode=False)
    except click.exceptions.Exit as stop:
        return int(stop.exit_code)
    except click.ClickException as error:
        _show(error)
        return int(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _say("Interrupted.")
        return int(ExitCode.INTERRUPTED)
    except EvalsuiteError as error:
        _say(f"Error: {beginning(str(error), MAX_ERROR)}")
        return int(error.exit_code)
    except BrokenPipeError:  # the reader of a pipe has gone, e.g. `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(ExitCode.OK)
    except Exception:  # noqa: BLE001  the outermost boundary: what is no user error is a bug, and says so
        _say(
            f"{traceback.format_exc()}This is a bug of evalsuite or of a plugin; the lines above "
            "and `evalsuite doctor` are what its maintainers need."
        )
        return int(ExitCode.BUG)
    return int(result) if isinstance(result, int) else int(ExitCode.OK)
