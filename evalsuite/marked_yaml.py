"""YAML files that people write: read safely, and every mistake told as file:line:column.

A safe loader that refuses duplicate keys and remembers where everything stands.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from evalsuite.errors import SuiteError, plural

Marks = Mapping[tuple[str | int, ...], tuple[int, int]]


class Strict(BaseModel):
    """Refuses keys that it does not have."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def read_document(path: Path, what: str) -> tuple[str, dict[str, Any], Marks]:
    """The text of a YAML file, its mapping, and where everything stands; ``what`` names it."""
    text = text_of(path, what)
    return (text, *parsed(text, path, what))


def text_of(path: Path, what: str) -> str:
    """The text of a file; ``what`` names its kind. Raises SuiteError where there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SuiteError(
            f"{path}: there is no such {what} file. `evalsuite list {plural(what)}` shows the "
            "installed ones" + (", `evalsuite init` writes a new one." if what == "suite" else ".")
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SuiteError(f"{path}: the {what} file cannot be read: {error}") from error


def parsed(text: str, path: Path | None, what: str) -> tuple[dict[str, Any], Marks]:
    """The mapping that a text holds, and where everything in it stands."""
    reader = _Reader(path)
    name = path or f"<{what}>"
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise SuiteError(f"{name}:{line}:{column}: this is not YAML: {error.problem}.") from error
    if node is None:
        raise SuiteError(f"{name}:1:1: the {what} file is empty.")
    document = reader.value(node)
    if not isinstance(document, dict):
        raise SuiteError(f"{name}:1:1: a {what} file is a mapping of keys to values.")
    return document, reader.marks


def place_of(
    path: Path | None,
    marks: Marks,
    location: tuple[str | int, ...],
) -> str:
    """``file:line:column`` of a location, or of the nearest thing around it."""
    while location and location not in marks:
        location = location[:-1]
    line, column = marks.get(location, (1, 1))
    return f"{path or '<suite>'}:{line}:{column}"


class _Reader:
    """Turn a YAML node graph into plain data and remember where each part stands."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.marks: dict[tuple[str | int, ...], tuple[int, int]] = {}
        self._constructor = yaml.SafeLoader("")

    def value(self, node: yaml.Node, location: tuple[str | int, ...] = ()) -> Any:
        self.marks[location] = _mark(node)
        if isinstance(node, yaml.MappingNode):
            return dict(self._items(node, location))
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*location, i)) for i, item in enumerate(node.value)]
        return self._constructor.construct_object(node, deep=True)

    def _items(
        self, node: yaml.MappingNode, location: tuple[str | int, ...]
    ) -> Iterator[tuple[str, Any]]:
        seen: set[str] = set()
        for key_node, value_node in node.value:
            key = str(key_node.value)
            line, column = _mark(key_node)
            if key in seen:
                raise SuiteError(
                    f"{self.path or '<suite>'}:{line}:{column}: the key {key!r} stands twice in "
                    "one mapping; YAML would silently keep the last. Remove one."
                )
            seen.add(key)
            value = self.value(value_node, (*location, key))
            self.marks[(*location, key)] = (line, column)
            yield key, value


def _mark(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


def explain(
    error: ValidationError,
    path: Path | None,
    marks: Marks,
    sections: Mapping[str | int, type[BaseModel]],
    whole: type[BaseModel],
) -> str:
    """One line for each mistake: where, what, what is legal.

    ``sections`` are the models of the mappings below a key, however deep, ``whole`` that of the
    file.
    """
    lines = []
    for problem in error.errors():
        location = tuple(part for part in problem["loc"] if part in _path_parts(marks))
        where = place_of(path, marks, location)
        name = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            key = str(problem["loc"][-1])
            around = (sections[part] for part in reversed(problem["loc"][:-1]) if part in sections)
            model = next(around, whole)
            legal = list(model.model_fields)
            close = difflib.get_close_matches(key, legal, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            lines.append(
                f"{where}: {name!r} is not a key of a {whole.__name__.lower()}; legal here: "
                f"{', '.join(legal)}.{hint}"
            )
        elif problem["type"] == "missing":
            lines.append(f"{where}: the key {name!r} is missing.")
        else:
            lines.append(f"{where}: {name}: {problem['msg']} (got {problem['input']!r}).")
    return "\n".join(lines)


def _path_parts(marks: Mapping[tuple[str | int, ...], tuple[int, int]]) -> set[str | int]:
    return {part for location in marks for part in location}
