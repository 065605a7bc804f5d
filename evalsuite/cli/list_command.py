"""``evalsuite list``: what is installed."""

from __future__ import annotations

import click

from evalsuite.cli.conventions import answer, json_option, plain_table, print_json
from evalsuite.registry import Catalogue, installed

PLURALS = {
    "models": "models",
    "probes": "probes",
    "sources": "sources",
    "metrics": "metrics",
    "suites": "benchmarks",
    "tasks": "tasks",
    "policies": "policies",
    "variants": "variants",
    "executors": "executors",
    "exporters": "exporters",
}


@click.command("list", short_help="Show what is installed.")
@click.argument("kind", type=click.Choice(list(PLURALS)), required=False)
@click.option("--tag", help="Only those with this tag, e.g. fairness or audio.")
@json_option
def command(kind: str | None, tag: str | None, as_json: bool) -> None:
    """Show what is installed: models, probes, sources, metrics, suites, tasks, policies, ..."""
    catalogues = installed().catalogues()
    kinds = [kind] if kind else list(PLURALS)
    if as_json:
        print_json({name: _entries(catalogues[PLURALS[name]], tag) for name in kinds})
        return
    for name in kinds:
        _print(name, catalogues[PLURALS[name]], tag)


def _entries(catalogue: Catalogue, tag: str | None) -> list[dict[str, object]]:
    return [
        {"name": e.name, "summary": e.summary, "plugin": e.plugin, "tags": list(e.tags)}
        for e in catalogue
        if tag is None or tag in e.tags
    ]


def _print(name: str, catalogue: Catalogue, tag: str | None) -> None:
    table = plain_table(name, "what it is", "plugin")
    table.columns[0].no_wrap = True
    for entry in catalogue:
        if tag is None or tag in entry.tags:
            table.add_row(entry.name, entry.summary, entry.plugin)
    if table.row_count:
        answer().print(table)
