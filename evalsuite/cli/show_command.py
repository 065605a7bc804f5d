"""``evalsuite show NAME``: explain one installed thing."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from evalsuite.cli.conventions import answer, echo, json_option, plain_table, print_json
from evalsuite.errors import EvalsuiteError, UnknownNameError
from evalsuite.factories import describe_model
from evalsuite.options import option_meanings, option_names
from evalsuite.registry import Entry, installed
from evalsuite.suite import ModelSpec

FILES = ("suite", "task", "policy")
# A task as `evalsuite run` calls it, and a policy: both may share their name with something else.
WITH_PREFIX = ("task", "policy")


@click.command("show", short_help="Explain one installed thing.")
@click.argument("name")
@json_option
def command(name: str, as_json: bool) -> None:
    """Explain a probe, source, metric, suite, task, policy, or model (scheme:reference) by NAME.

    \b
    evalsuite show fairness/stereotype-pairs
    evalsuite show quickstart
    evalsuite show hf:gpt2
    """  # noqa: D301
    kind, colon, reference = name.partition(":")
    if colon and kind not in WITH_PREFIX:
        _show_model(name, as_json)
        return
    entry = installed().require(kind, reference) if colon else _find(name)
    if entry.kind in FILES:
        echo(Path(entry.load()()).read_text(encoding="utf-8"))
        return
    document = _document(entry)
    if as_json:
        print_json(document)
    else:
        _print(answer(), document)


def _find(name: str) -> Entry:
    catalogues = installed().catalogues()
    for catalogue in catalogues.values():
        if name in catalogue:
            return catalogue.get(name)
    names = [entry.name for catalogue in catalogues.values() for entry in catalogue]
    raise UnknownNameError.among("probe", name, names)


def _document(entry: Entry) -> dict[str, Any]:
    factory = entry.load()
    card = getattr(factory, "card", None)
    meanings = option_meanings(factory)
    facts: dict[str, Any] = {
        "kind": entry.kind,
        "name": entry.name,
        "plugin": entry.plugin,
        "summary": entry.summary,
        "description": inspect.getdoc(factory) or "",
        "options": [
            {
                "name": name,
                "default": "required" if default is inspect.Parameter.empty else repr(default),
                "meaning": meanings.get(name, ""),
            }
            for name, default in option_names(factory).items()
        ],
    }
    if card is not None:
        facts["measures"] = card.measures
        facts["does not measure"] = card.does_not_measure
        facts["known critique"] = card.critique
        facts["reference"] = card.reference
        facts["asks"] = [need.__name__ for need in _by_default(factory, "needs")]
        facts["fields"] = list(_by_default(factory, "fields"))
    return facts


def _by_default(factory: Any, name: str) -> tuple[Any, ...]:
    """What a probe declares; one that depends on its options is built with their defaults."""
    declared = getattr(factory, name)
    if isinstance(declared, property):
        try:
            declared = getattr(factory(), name)
        except (TypeError, ValueError, EvalsuiteError):  # it has no defaults, or refuses them
            return ()
    return tuple(declared)


def _print(console: Console, document: dict[str, Any]) -> None:
    owner = f"  {document['kind']} of {document['plugin']}"
    console.print(Text.assemble((document["name"], "bold"), owner))
    description = re.split(r"\n\n(?:Args|Attributes):\n", document["description"])[0]
    console.print(f"\n{description}\n")
    for key in ("measures", "does not measure", "known critique", "reference", "asks", "fields"):
        value = document.get(key)
        if value:
            text = ", ".join(value) if isinstance(value, list) else value
            console.print(f"{key}: {text}")
    if document["options"]:
        table = plain_table("option", "default", "meaning")
        for option in document["options"]:
            table.add_row(*(Text(option[name]) for name in ("name", "default", "meaning")))
        console.print(table)


def _show_model(name: str, as_json: bool) -> None:
    info = describe_model(ModelSpec(name=name), installed())  # type: ignore[call-arg]
    document = {
        "name": info.name,
        "kind": info.kind,
        "modalities": sorted(info.modalities),
        "answers": sorted(info.methods),
        "revision": info.revision,
        "details": dict(info.details),
    }
    if as_json:
        print_json(document)
        return
    for key, value in document.items():
        text = ", ".join(value) if isinstance(value, list) else value
        if key == "details":
            text = "; ".join(f"{k}: {v}" for k, v in info.details.items())
        if text:
            answer().print(f"{key}: {text}")
