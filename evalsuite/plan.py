"""What will run: jobs = models x probes, as in plan.json; `planner` makes it of a suite."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from evalsuite.all_changes import AllChanges
from evalsuite.model import LoadSettings

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class PlannedModel:
    """A model as it will be loaded, and what its configuration says."""

    name: str
    device: str
    dtype: str
    options: Mapping[str, Any]
    kind: str
    modalities: tuple[str, ...]
    methods: tuple[str, ...]
    revision: str = ""
    details: Mapping[str, str] = field(default_factory=dict)
    controls: Mapping[str, str] = field(default_factory=dict)

    @property
    def settings(self) -> LoadSettings:
        """How to load it."""
        return LoadSettings(device=self.device, dtype=self.dtype, options=self.options)


@dataclass(frozen=True)
class PlannedSource:
    """A data set as it will be read."""

    name: str
    type: str
    options: Mapping[str, Any]
    fields: Mapping[str, str]
    fingerprint: str
    n_rows: int | None


@dataclass(frozen=True)
class Job:
    """One probe on one model."""

    id: str
    model: str
    probe: str
    family: str
    label: str
    source: str
    options: Mapping[str, Any]
    limit: int | None
    metrics: tuple[Mapping[str, Any], ...]
    applicable: bool
    reason: str
    n_samples: int | None
    card: Mapping[str, str]
    sensitive: bool
    variant: Mapping[str, Any] = field(default_factory=dict)
    base: str = ""

    @property
    def is_variant(self) -> bool:
        """Whether its data are made harder than those of the job ``base``."""
        return bool(self.variant)

    @property
    def is_over_changes(self) -> bool:
        """Whether it asks nothing, and follows from the job ``base`` and its variants."""
        return self.probe == AllChanges.name


@dataclass(frozen=True)
class Plan:
    """What will run; plan.json."""

    suite_name: str
    suite_text: str
    suite_path: str
    parameters: Mapping[str, Any]
    seed: int
    executor: str
    command: str
    created: str
    models: tuple[PlannedModel, ...]
    sources: tuple[PlannedSource, ...]
    jobs: tuple[Job, ...]
    description: str = ""
    schema_version: int = SCHEMA_VERSION

    def model(self, name: str) -> PlannedModel:
        """A planned model by name."""
        return next(model for model in self.models if model.name == name)

    def source(self, name: str) -> PlannedSource:
        """A planned source by name."""
        return next(source for source in self.sources if source.name == name)

    def jobs_of(self, model: str) -> tuple[Job, ...]:
        """The applicable jobs of one model."""
        return tuple(job for job in self.jobs if job.model == model and job.applicable)

    def to_json(self) -> dict[str, Any]:
        """As written to plan.json."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Plan:
        """The inverse of to_json."""
        facts = dict(document)
        facts["models"] = tuple(
            PlannedModel(
                **{**m, "modalities": tuple(m["modalities"]), "methods": tuple(m["methods"])}
            )
            for m in facts["models"]
        )
        facts["sources"] = tuple(PlannedSource(**s) for s in facts["sources"])
        facts["jobs"] = tuple(Job(**{**j, "metrics": tuple(j["metrics"])}) for j in facts["jobs"])
        return cls(**facts)
