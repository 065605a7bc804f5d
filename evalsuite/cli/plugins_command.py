"""``evalsuite plugins``: what is installed under the entry-point group, and what is broken."""

from __future__ import annotations

import click
from rich.text import Text

from evalsuite.cli.conventions import answer, json_option, notes, plain_table, print_json
from evalsuite.errors import ExitCode
from evalsuite.registry import PluginRecord, installed


@click.command("plugins", short_help="Show installed plugins.")
@click.option("--check", is_flag=True, help="Exit with 4 when any plugin is broken.")
@json_option
def command(check: bool, as_json: bool) -> int:
    """Show installed plugins with their versions, what they register, and load errors."""
    records = installed().plugins
    if as_json:
        print_json({"plugins": [_document(record) for record in records]})
    else:
        _print(records)
    broken = any(record.error for record in records)
    return int(ExitCode.PLUGIN if check and broken else ExitCode.OK)


def _counts(record: PluginRecord) -> dict[str, int]:
    """How many names of each kind a plugin owns."""
    catalogues = installed().catalogues()
    owned = {
        plural: sum(entry.plugin == record.name for entry in catalogue)
        for plural, catalogue in catalogues.items()
    }
    return {plural: number for plural, number in owned.items() if number}


def _document(record: PluginRecord) -> dict[str, object]:
    return {
        "name": record.name,
        "distribution": record.distribution,
        "version": record.version,
        "module": record.module,
        "registers": _counts(record),
        "hooks": list(record.hooks),
        "error": record.error,
    }


def _print(records: list[PluginRecord]) -> None:
    table = plain_table("plugin", "distribution", "registers", "status")
    for record in records:
        registers = ", ".join(f"{number} {kind}" for kind, number in _counts(record).items())
        status = Text(f"broken: {record.error}", style="red") if record.error else Text("ok")
        table.add_row(record.name, f"{record.distribution} {record.version}", registers, status)
    answer().print(table)
    for record in records:
        if record.error:
            notes().print(
                f"Plugin {record.name!r} ({record.module}) of {record.distribution} "
                f"{record.version} could not be loaded: {record.error}. Everything else works. "
                f"Repair it with `pip install --upgrade {record.distribution}` or remove it with "
                f"`pip uninstall {record.distribution}`; EVALSUITE_RAISE=1 shows the traceback.",
                soft_wrap=True,
            )
