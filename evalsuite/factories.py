"""From names and options to the objects that run: loaders, probes, metrics, sources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalsuite.errors import SuiteError
from evalsuite.metric import Metric
from evalsuite.model import Loader, LoadSettings, ModelInfo
from evalsuite.options import build
from evalsuite.probe import Probe
from evalsuite.registry import Registry
from evalsuite.source import Sample, Source
from evalsuite.suite import ModelSpec
from evalsuite.variant import Variant

if TYPE_CHECKING:
    from evalsuite.plan import PlannedSource


def loader_for(name: str, registry: Registry) -> tuple[Loader, str]:
    """The loader of ``scheme:reference``, and the reference."""
    scheme, colon, reference = name.partition(":")
    if not colon or not reference:
        raise SuiteError(
            f"{name!r} is not a model name; write scheme:reference, e.g. hf:gpt2, "
            "hf:./my-model or control:text-clean. `evalsuite list models` shows the schemes."
        )
    return registry.require("model", scheme).load()(), reference


def describe_model(spec: ModelSpec, registry: Registry) -> ModelInfo:
    """What a model's configuration says, without weights."""
    loader, reference = loader_for(spec.name, registry)
    settings = LoadSettings(device=spec.device, dtype=spec.dtype, options=spec.options)
    return loader.describe(reference, settings)


def make_probe(name: str, options: Mapping[str, Any], registry: Registry) -> Probe:
    """Build a probe from its registered class and its options."""
    probe: Probe = build(registry.require("probe", name).load(), options, f"The probe {name!r}")
    return probe


def make_metric(spec: Mapping[str, Any], registry: Registry) -> Metric:
    """Build one of a suite's further metrics."""
    options = {key: value for key, value in spec.items() if key != "metric"}
    name = str(spec["metric"])
    metric: Metric = build(registry.require("metric", name).load(), options, f"The metric {name!r}")
    return metric


def make_variant(spec: Mapping[str, Any], registry: Registry) -> Variant:
    """Build a variant at one setting of its dial."""
    options = {key: value for key, value in spec.items() if key != "variant"}
    name = str(spec["variant"])
    factory = registry.require("variant", name).load()
    variant: Variant = build(factory, options, f"The variant {name!r}")
    return variant


def settings_of(spec: Mapping[str, Any], registry: Registry) -> list[dict[str, Any]]:
    """A suite's variant at each setting of its dial: as listed, else the variant's own sweep.

    The dial stands first among the options, which is how a report knows it.
    """
    factory = registry.require("variant", str(spec["variant"])).load()
    if not factory.dial:
        return [dict(spec)]
    given = spec.get(factory.dial, list(factory.sweep))
    values = given if isinstance(given, list | tuple) else [given]
    first = {"variant": spec["variant"]}
    return [{**first, factory.dial: value, **_without(spec, factory.dial)} for value in values]


def _without(options: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in options.items() if key != name}


def make_source(planned: PlannedSource, registry: Registry) -> Source:
    """Build a source, with the suite's field names laid over its columns."""
    factory = registry.require("source", planned.type).load()
    source: Source = build(factory, planned.options, f"The source {planned.type!r}")
    return RenamedSource(source, planned.fields) if planned.fields else source


@dataclass(frozen=True)
class RenamedSource:
    """A source whose samples also have their columns under the names that a probe reads."""

    source: Source
    fields: Mapping[str, str]

    def rows(self) -> Iterator[Sample]:
        """The samples, each column also under its mapped name."""
        for sample in self.source.rows():
            if sample.broken is not None:
                yield sample
                continue
            renamed = {name: sample[column] for name, column in self.fields.items()}
            yield Sample(sample.id, {**sample.fields, **renamed})

    def check(self) -> None:
        """As the wrapped source."""
        self.source.check()

    def count(self) -> int | None:
        """As the wrapped source."""
        return self.source.count()

    def fingerprint(self) -> str:
        """As the wrapped source."""
        return self.source.fingerprint()
