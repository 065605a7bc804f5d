"""``evalsuite schema``: the JSON schema of a suite or policy file."""

from __future__ import annotations

import json

import click

from evalsuite.cli.conventions import echo
from evalsuite.suite import json_schema


@click.command("schema", short_help="Print the JSON schema of a suite or policy file.")
@click.option("--policy", is_flag=True, help="Of a policy file, for `evalsuite gate`.")
def command(policy: bool) -> None:
    """Print the JSON schema of a suite file; editors complete and check with it.

    \b
    evalsuite schema > suite.schema.json
    evalsuite schema --policy > policy.schema.json
    # first line of suite.yaml:  # yaml-language-server: $schema=./suite.schema.json
    """  # noqa: D301
    from evalsuite.policy import policy_schema

    echo(json.dumps(policy_schema() if policy else json_schema(), indent=1))
