"""A suite file: which models meet which probes on which data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from evalsuite.errors import SuiteError
from evalsuite.marked_yaml import Marks, Strict, explain, parsed, place_of, text_of
from evalsuite.parameters import Scalar, substitute, values_of_parameters


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
    models: tuple[str, ...] | None = Field(
        None,
        description="names of models, default all; those given by -m are asked whatever it says",
    )
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


_SECTIONS: Mapping[str | int, type[BaseModel]] = {
    "models": ModelSpec,
    "sources": SourceSpec,
    "probes": ProbeSpec,
}


def read_suite(path: Path, settings: Mapping[str, str] | None = None) -> SuiteFile:
    """Read and validate a suite file; ``settings`` are the ``--set`` parameters.

    Raises:
        SuiteError: The file is missing, is not YAML, or does not describe a suite.
    """
    return parse_suite(text_of(path, "suite"), path, settings)


def parse_suite(
    text: str, path: Path | None = None, settings: Mapping[str, str] | None = None
) -> SuiteFile:
    """Validate the text of a suite file; see read_suite."""
    document, marks = parsed(text, path, "suite")
    parameters = values_of_parameters(document, settings or {}, path, marks)
    document = substitute(document, parameters, path, marks)
    try:
        suite = Suite.model_validate(document)
    except ValidationError as error:
        raise SuiteError(explain(error, path, marks, _SECTIONS, Suite)) from error
    return SuiteFile(suite, text, path, marks, parameters)


def json_schema() -> dict[str, Any]:
    """The JSON schema of a suite file, for editors."""
    schema = Suite.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "evalsuite suite, version 1"
    item = schema["properties"]["models"]["items"]
    schema["properties"]["models"]["items"] = {"anyOf": [{"type": "string"}, item]}
    return schema
