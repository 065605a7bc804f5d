"""``${name}`` in a suite: given by ``--set name=value``, by EVALSUITE_NAME, or by its default."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evalsuite.errors import SuiteError
from evalsuite.marked_yaml import Marks, place_of

Scalar = str | int | float | bool | None

# What names of data files end in.
_DATA_FILES = frozenset({".csv", ".json", ".jsonl", ".parquet", ".tar", ".tsv", ".txt"})
_REFERENCE = re.compile(r"\$\{(\w+)\}")


def values_of_parameters(
    document: Mapping[str, Any],
    settings: Mapping[str, str],
    path: Path | None,
    marks: Marks,
) -> dict[str, Scalar]:
    """The value of every declared parameter; refuses undeclared and missing ones."""
    declared = document.get("parameters") or {}
    unknown = sorted(set(settings) - set(declared))
    if unknown:
        legal = ", ".join(declared) or "none"
        raise SuiteError(
            f"{path or '<suite>'}: --set {unknown[0]}=... names no parameter of this suite; its "
            f"parameters are: {legal}."
        )
    values: dict[str, Scalar] = {}
    for name, default in declared.items():
        given = settings.get(name, os.environ.get(f"EVALSUITE_{name.upper()}"))
        if given is None and default is None:
            raise SuiteError(
                f"{place_of(path, marks, ('parameters', name))}: the parameter {name!r} has no "
                f"value; give one with `--set {name}=...` or EVALSUITE_{name.upper()}."
            )
        beside = path.parent if path is not None else Path()
        values[name] = default if given is None else _from_here(given, beside)
    return values


def _from_here(given: str, beside: Path) -> str:
    """A value that is a path in the current folder made absolute; what else it is stays.

    A name in a folder that there is counts as a path too, and so does that of a data file which
    does not stand ``beside`` the suite: a slip is looked for, and reported, where it was made.
    """
    path = Path(given)
    is_in_a_folder = path.parent != Path() and path.parent.is_dir()
    is_bare = path.name == given and ":" not in given  # ngram:corpus.txt is a model's name
    is_file_name = is_bare and path.suffix in _DATA_FILES and not (beside / path).exists()
    is_path = bool(given) and (path.exists() or is_in_a_folder or is_file_name)
    return str(path.resolve()) if is_path else given


def substitute(
    document: Any,
    parameters: Mapping[str, Scalar],
    path: Path | None,
    marks: Marks,
    location: tuple[str | int, ...] = (),
) -> Any:
    """Replace ``${name}`` in every string below ``document``, but in the parameters themselves."""
    if isinstance(document, dict):
        return {
            key: value
            if not location and key == "parameters"
            else substitute(value, parameters, path, marks, (*location, key))
            for key, value in document.items()
        }
    if isinstance(document, list):
        return [
            substitute(value, parameters, path, marks, (*location, i))
            for i, value in enumerate(document)
        ]
    if not isinstance(document, str):
        return document

    def replacement(match: re.Match[str]) -> str:
        if match[1] not in parameters:
            raise SuiteError(
                f"{place_of(path, marks, location)}: ${{{match[1]}}} is not declared; add "
                f"`{match[1]}: <default>` under `parameters`."
            )
        return str(parameters[match[1]])

    return _REFERENCE.sub(replacement, document)


def references_in(document: Any) -> set[str]:
    """The names of all ``${name}`` in the strings of a document."""
    if isinstance(document, dict):
        return {name for value in document.values() for name in references_in(value)}
    if isinstance(document, list):
        return {name for value in document for name in references_in(value)}
    return set(_REFERENCE.findall(document)) if isinstance(document, str) else set()
