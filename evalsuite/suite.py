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
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from evalsuite.errors import SuiteError, plural

Scalar = str | int | float | bool | None
Marks = Mapping[tuple[str | int, ...], tuple[int, int]]


class Strict(BaseModel):
    """Refuses keys that it does not have."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelSpec(Strict):
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


class VariantSpec(BaseModel):
    """One way to make a probe's data harder; every key besides ``variant`` is its option."""

    model_config = ConfigDict(extra="allow", frozen=True)

    variant: str = Field(description="a registered variant, e.g. image/gaussian-noise")


def _as_variant(value: Any) -> Any:
    return {"variant": value} if isinstance(value, str) else value


def _as_model(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


class ProbeSpec(Strict):
    """One probe on one source, or one task, for all models or for those listed."""

    probe: str = Field("", description="a registered probe, e.g. text/multiple-choice")
    task: str | None = Field(
        None, description="instead of a probe: a registered task, or the path of a task file"
    )
    source: str = Field("", description="a name under `sources`; a task brings its own")
    label: str = Field("", description="what the report calls it; needed to use a probe twice")
    models: tuple[str, ...] | None = Field(None, description="names of models; default all")
    options: dict[str, Any] = Field(default_factory=dict, description="the probe's own options")
    limit: Annotated[int, Field(ge=1)] | None = Field(None, description="first N samples only")
    metrics: tuple[MetricSpec, ...] = Field((), description="further metrics of its records")
    variants: tuple[Annotated[VariantSpec, BeforeValidator(_as_variant)], ...] = Field(
        (), description="ask it again on data made harder in these ways"
    )

    @model_validator(mode="after")
    def _names_one_thing(self) -> ProbeSpec:
        if bool(self.probe) == bool(self.task):
            raise ValueError("an entry names either a `probe` or a `task`")
        if self.probe and not self.source:
            raise ValueError("a probe needs a `source`")
        return self


class Suite(Strict):
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
    marks: Marks
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


def read_suite(path: Path, settings: Mapping[str, str] | None = None) -> SuiteFile:
    """Read and validate a suite file; ``settings`` are the ``--set`` parameters.

    Raises:
        SuiteError: The file is missing, is not YAML, or does not describe a suite.
    """
    return parse_suite(_text_of(path, "suite"), path, settings)


def parse_suite(
    text: str, path: Path | None = None, settings: Mapping[str, str] | None = None
) -> SuiteFile:
    """Validate the text of a suite file; see read_suite."""
    document, marks = _parsed(text, path, "suite")
    parameters = _parameters(document, settings or {}, path, marks)
    document = substitute(document, parameters, path, marks)
    try:
        suite = Suite.model_validate(document)
    except ValidationError as error:
        raise SuiteError(explain(error, path, marks, _SECTIONS, Suite)) from error
    return SuiteFile(suite, text, path, marks, parameters)


def read_document(path: Path, what: str) -> tuple[str, dict[str, Any], Marks]:
    """The text of a YAML file, its mapping, and where everything stands; ``what`` names it."""
    text = _text_of(path, what)
    return (text, *_parsed(text, path, what))


def _text_of(path: Path, what: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SuiteError(
            f"{path}: there is no such {what} file. `evalsuite list {plural(what)}` shows the "
            "installed ones" + (", `evalsuite init` writes a new one." if what == "suite" else ".")
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SuiteError(f"{path}: the {what} file cannot be read: {error}") from error


def _parsed(text: str, path: Path | None, what: str) -> tuple[dict[str, Any], Marks]:
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


def _parameters(
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
        is_path = given is not None and Path(given).exists()
        values[name] = str(Path(given).resolve()) if given is not None and is_path else given
        if given is None:
            values[name] = default
    return values


_REFERENCE = re.compile(r"\$\{(\w+)\}")


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


_SECTIONS: Mapping[str | int, type[BaseModel]] = {
    "models": ModelSpec,
    "sources": SourceSpec,
    "probes": ProbeSpec,
}


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


def json_schema() -> dict[str, Any]:
    """The JSON schema of a suite file, for editors."""
    schema = Suite.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "evalsuite suite, version 1"
    item = schema["properties"]["models"]["items"]
    schema["properties"]["models"]["items"] = {"anyOf": [{"type": "string"}, item]}
    return schema
