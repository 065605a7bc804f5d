"""A suite file: which models meet which probes on which data.

YAML, read by a safe loader that refuses duplicate keys and remembers where everything stands, so
that every mistake is reported as file:line:column. ``${name}`` in any string is replaced by a
parameter, given by ``--set name=value``, by the environment variable EVALSUITE_NAME, or by its
default in the file.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from evalsuite.errors import SuiteError

Scalar = str | int | float | bool | None


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelSpec(_Strict):
    """One model: a name, or a mapping with the name and how to load it."""

    name: str = Field(description="scheme:reference, e.g. hf:gpt2 or control:text-clean")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:N or mps")
    dtype: str = Field("auto", description="auto, float32, bfloat16 or float16")
    options: dict[str, Any] = Field(default_factory=dict, description="the model's own options")


class SourceSpec(BaseModel):
    """One data set; every key besides these is an option of the source type."""

    model_config = ConfigDict(extra="allow", frozen=True)

    type: str = Field(description="a registered source, e.g. csv, jsonl, image-folder")
    fields: dict[str, str] = Field(
        default_factory=dict, description="field that a probe reads: column that holds it"
    )


class MetricSpec(BaseModel):
    """One more metric for a probe; every key besides ``metric`` is its option."""

    model_config = ConfigDict(extra="allow", frozen=True)

    metric: str = Field(description="a registered metric, e.g. core/Mean")


def _as_model(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


class ProbeSpec(_Strict):
    """One probe on one source, for all models or for those listed."""

    probe: str = Field(description="a registered probe, e.g. text/multiple-choice")
    source: str = Field(description="a name under `sources`")
    label: str = Field("", description="what the report calls it; needed to use a probe twice")
    models: tuple[str, ...] | None = Field(None, description="names of models; default all")
    options: dict[str, Any] = Field(default_factory=dict, description="the probe's own options")
    limit: Annotated[int, Field(ge=1)] | None = Field(None, description="first N samples only")
    metrics: tuple[MetricSpec, ...] = Field((), description="further metrics of its records")


class Suite(_Strict):
    """The whole file."""

    version: Literal[1] = Field(description="version of this format")
    name: str = Field(description="what the suite is called")
    description: str = ""
    seed: int = Field(0, description="all randomness derives from it")
    parameters: dict[str, Scalar] = Field(
        default_factory=dict, description="values for ${name}; null means: must be given"
    )
    executor: str = Field("local", description="where batches run")
    models: tuple[Annotated[ModelSpec, BeforeValidator(_as_model)], ...] = ()
    sources: dict[str, SourceSpec] = Field(default_factory=dict)
    probes: tuple[ProbeSpec, ...] = ()


@dataclass(frozen=True)
class SuiteFile:
    """A suite together with its text and the place of everything in it."""

    suite: Suite
    text: str
    path: Path | None
    marks: Mapping[tuple[str | int, ...], tuple[int, int]]
    parameters: Mapping[str, Scalar]

    @property
    def folder(self) -> Path:
        """What relative paths in the file are relative to."""
        return self.path.parent if self.path else Path()

    def where(self, *location: str | int) -> str:
        """``file:line:column`` of the nearest enclosing thing that has a place."""
        return place_of(self.path, self.marks, location)


def place_of(
    path: Path | None,
    marks: Mapping[tuple[str | int, ...], tuple[int, int]],
    location: tuple[str | int, ...],
) -> str:
    """``file:line:column`` of a location, or of the nearest thing around it."""
    while location and location not in marks:
        location = location[:-1]
    line, column = marks.get(location, (1, 1))
    return f"{path or '<suite>'}:{line}:{column}"


class _Marks:
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


def read_suite(path: Path, settings: Mapping[str, str] | None = None) -> SuiteFile:
    """Read and validate a suite file; ``settings`` are the ``--set`` parameters.

    Raises:
        SuiteError: The file is missing, is not YAML, or does not describe a suite.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SuiteError(
            f"{path}: there is no such suite file. `evalsuite list suites` shows the installed "
            "suites, `evalsuite init` writes a new one."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SuiteError(f"{path}: the suite file cannot be read: {error}") from error
    return parse_suite(text, path, settings)


def parse_suite(
    text: str, path: Path | None = None, settings: Mapping[str, str] | None = None
) -> SuiteFile:
    """Validate the text of a suite file; see read_suite."""
    marks = _Marks(path)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise SuiteError(
            f"{path or '<suite>'}:{line}:{column}: this is not YAML: {error.problem}."
        ) from error
    if node is None:
        raise SuiteError(f"{path or '<suite>'}:1:1: the suite file is empty.")
    document = marks.value(node)
    if not isinstance(document, dict):
        raise SuiteError(f"{path or '<suite>'}:1:1: a suite file is a mapping of keys to values.")
    parameters = _parameters(document, settings or {}, path, marks.marks)
    document = _substitute(document, parameters, path, marks.marks)
    try:
        suite = Suite.model_validate(document)
    except ValidationError as error:
        raise SuiteError(_explain(error, path, marks.marks)) from error
    return SuiteFile(suite, text, path, marks.marks, parameters)


def _parameters(
    document: Mapping[str, Any],
    settings: Mapping[str, str],
    path: Path | None,
    marks: Mapping[tuple[str | int, ...], tuple[int, int]],
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
        is_path = given is not None and Path(given).exists()
        values[name] = str(Path(given).resolve()) if given is not None and is_path else given
        if given is None:
            values[name] = default
    return values


_REFERENCE = re.compile(r"\$\{(\w+)\}")


def _substitute(
    document: Any,
    parameters: Mapping[str, Scalar],
    path: Path | None,
    marks: Mapping[tuple[str | int, ...], tuple[int, int]],
    location: tuple[str | int, ...] = (),
) -> Any:
    """Replace ``${name}`` in every string below ``document``, but in the parameters themselves."""
    if isinstance(document, dict):
        return {
            key: value
            if not location and key == "parameters"
            else _substitute(value, parameters, path, marks, (*location, key))
            for key, value in document.items()
        }
    if isinstance(document, list):
        return [
            _substitute(value, parameters, path, marks, (*location, i))
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


def _legal_keys(location: tuple[str | int, ...]) -> list[str]:
    """The keys that a mapping at this place may have."""
    by_section: dict[str | int, type[BaseModel]] = {
        "models": ModelSpec,
        "sources": SourceSpec,
        "probes": ProbeSpec,
    }
    model = by_section.get(location[0], Suite) if len(location) > 1 else Suite
    return list(model.model_fields)


def _explain(
    error: ValidationError,
    path: Path | None,
    marks: Mapping[tuple[str | int, ...], tuple[int, int]],
) -> str:
    """One line for each mistake: where, what, what is legal."""
    lines = []
    for problem in error.errors():
        location = tuple(part for part in problem["loc"] if part in _path_parts(marks))
        where = place_of(path, marks, location)
        name = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            key = str(problem["loc"][-1])
            legal = _legal_keys(tuple(problem["loc"]))
            close = difflib.get_close_matches(key, legal, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            lines.append(
                f"{where}: {name!r} is not a key of a suite; legal here: {', '.join(legal)}.{hint}"
            )
        elif problem["type"] == "missing":
            lines.append(f"{where}: the key {name!r} is missing.")
        else:
            lines.append(f"{where}: {name}: {problem['msg']} (got {problem['input']!r}).")
    return "\n".join(lines)


def _path_parts(marks: Mapping[tuple[str | int, ...], tuple[int, int]]) -> set[str | int]:
    return {part for location in marks for part in location}


def json_schema() -> dict[str, Any]:
    """The JSON schema of a suite file, for editors."""
    schema = Suite.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "evalsuite suite, version 1"
    item = schema["properties"]["models"]["items"]
    schema["properties"]["models"]["items"] = {"anyOf": [{"type": "string"}, item]}
    return schema
