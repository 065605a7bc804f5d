"""``evalsuite schema``: the JSON schema of a suite file."""

from __future__ import annotations

import json

import click

from evalsuite.cli.conventions import echo
from evalsuite.suite import json_schema


@click.command("schema", short_help="Print the JSON schema of a suite file.")
def command() -> None:
    """Print the JSON schema of a suite file; editors complete and check with it.

    \b
    evalsuite schema > suite.schema.json
    # first line of suite.yaml:  # yaml-language-server: $schema=./suite.schema.json
    """  # noqa: D301
    echo(json.dumps(json_schema(), indent=1))
