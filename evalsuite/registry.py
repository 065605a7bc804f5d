"""What is installed: names of models, probes, metrics, sources and suites, and who owns them.

Registration is declaration only. A factory is a string ``package.module:Object`` that is imported
on first use, so that ``evalsuite list`` imports no model library. Each plugin is loaded alone: a
broken one is listed with its error and fails only a request for something it owns. Two plugins
that claim one name are both refused, and the message says who they are.
"""

from __future__ import annotations

import functools
import importlib
import os
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import pluggy

from evalsuite import hookspecs
from evalsuite.errors import PluginError, UnknownNameError, UsageError

API_VERSION = 1
GROUP = "evalsuite"
KINDS = (
    "model",
    "probe",
    "metric",
    "source",
    "suite",
    "task",
    "policy",
    "variant",
    "executor",
    "report_section",
    "exporter",
    "command",
)


def import_object(path: str) -> Any:
    """Import ``package.module:attribute``; raises PluginError with the cause when that fails."""
    module_name, _, attribute = path.partition(":")
    if not attribute:
        raise UsageError(f"{path!r} does not have the form 'package.module:attribute'.")
    try:
        return getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError) as error:
        raise PluginError(f"{path} cannot be imported: {type(error).__name__}: {error}") from error


@dataclass(frozen=True)
class Entry:
    """One registered name."""

    kind: str
    name: str
    factory: str
    plugin: str
    summary: str = ""
    tags: tuple[str, ...] = ()

    def load(self) -> Any:
        """Import the factory; raises PluginError naming the plugin that owns it."""
        try:
            return import_object(self.factory)
        except PluginError as error:
            raise PluginError(
                f"The {self.kind} {self.name!r} of plugin {self.plugin!r} cannot be used: {error}"
            ) from error


@dataclass(frozen=True)
class PluginRecord:
    """One entry point of the group ``evalsuite``, loaded or not."""

    name: str
    distribution: str
    version: str
    module: str
    error: str | None = None
    hooks: tuple[str, ...] = ()
    traceback: str = ""


class Catalogue:
    """The entries of one kind."""

    def __init__(self, kind: str) -> None:
        """Start empty."""
        self.kind = kind
        self._entries: dict[str, Entry] = {}
        self._conflicts: dict[str, tuple[Entry, Entry]] = {}
        self.owner = ""

    def add(
        self, name: str, *, factory: str, summary: str = "", tags: tuple[str, ...] = ()
    ) -> None:
        """Declare a name; ``factory`` is ``package.module:Object``, imported on first use."""
        if ":" not in factory:
            raise UsageError(
                f"Plugin {self.owner!r} registers {self.kind} {name!r} with factory {factory!r}; "
                "a factory is a string 'package.module:Object'."
            )
        entry = Entry(self.kind, name, factory, self.owner, summary, tuple(tags))
        if name in self._entries:
            self._conflicts[name] = (self._entries[name], entry)
            return
        self._entries[name] = entry

    def get(self, name: str) -> Entry:
        """An entry by name; raises UnknownNameError (did you mean), or PluginError on a clash."""
        if name in self._conflicts:
            first, second = self._conflicts[name]
            raise PluginError(
                f"Two plugins claim the {self.kind} {name!r}: {first.plugin!r} ({first.factory}) "
                f"and {second.plugin!r} ({second.factory}). Uninstall one of them."
            )
        if name not in self._entries:
            raise UnknownNameError.among(self.kind, name, self._entries)
        return self._entries[name]

    def remove_owned_by(self, plugin: str) -> None:
        """Forget everything a plugin declared, because it failed half way."""
        self._entries = {n: e for n, e in self._entries.items() if e.plugin != plugin}

    def __contains__(self, name: object) -> bool:
        """Whether a name is registered."""
        return name in self._entries

    def __iter__(self) -> Iterator[Entry]:
        """All entries, by name."""
        return iter(sorted(self._entries.values(), key=lambda entry: entry.name))


@dataclass
class Registry:
    """All catalogues, the plugins they came from, and pluggy's manager for life-cycle hooks."""

    models: Catalogue = field(default_factory=lambda: Catalogue("model"))
    probes: Catalogue = field(default_factory=lambda: Catalogue("probe"))
    metrics: Catalogue = field(default_factory=lambda: Catalogue("metric"))
    sources: Catalogue = field(default_factory=lambda: Catalogue("source"))
    suites: Catalogue = field(default_factory=lambda: Catalogue("suite"))
    tasks: Catalogue = field(default_factory=lambda: Catalogue("task"))
    policies: Catalogue = field(default_factory=lambda: Catalogue("policy"))
    variants: Catalogue = field(default_factory=lambda: Catalogue("variant"))
    executors: Catalogue = field(default_factory=lambda: Catalogue("executor"))
    report_sections: Catalogue = field(default_factory=lambda: Catalogue("report_section"))
    exporters: Catalogue = field(default_factory=lambda: Catalogue("exporter"))
    commands: Catalogue = field(default_factory=lambda: Catalogue("command"))
    plugins: list[PluginRecord] = field(default_factory=list)
    manager: pluggy.PluginManager = field(default_factory=lambda: pluggy.PluginManager(GROUP))

    @property
    def hook(self) -> Any:
        """Pluggy's caller for the life-cycle hooks."""
        return self.manager.hook

    def catalogues(self) -> Mapping[str, Catalogue]:
        """Every catalogue by the plural that its hook is named after."""
        return {
            "models": self.models,
            "probes": self.probes,
            "metrics": self.metrics,
            "sources": self.sources,
            "benchmarks": self.suites,
            "tasks": self.tasks,
            "policies": self.policies,
            "variants": self.variants,
            "executors": self.executors,
            "report_sections": self.report_sections,
            "exporters": self.exporters,
            "commands": self.commands,
        }

    def require(self, kind: str, name: str) -> Entry:
        """An entry by kind and name; names broken plugins when the name is unknown."""
        catalogue = next(c for c in self.catalogues().values() if c.kind == kind)
        try:
            return catalogue.get(name)
        except UnknownNameError as error:
            broken = [plugin for plugin in self.plugins if plugin.error]
            if not broken:
                raise
            listed = "; ".join(f"{p.distribution} {p.version} ({p.error})" for p in broken)
            raise UnknownNameError(
                f"{error} These plugins failed to load and may own it: {listed}."
            ) from error


def load_registry(disabled: bool | None = None) -> Registry:
    """Discover and load every plugin, each on its own.

    ``EVALSUITE_PLUGINS=""`` loads none; ``EVALSUITE_PLUGINS=a,b`` only these entry points;
    ``EVALSUITE_RAISE=1`` lets a plugin's exception through, for its author.
    """
    registry = Registry()
    registry.manager.add_hookspecs(hookspecs)
    chosen = os.environ.get("EVALSUITE_PLUGINS")
    allowed = None if chosen is None else {name for name in chosen.split(",") if name}
    if disabled:
        allowed = set()
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        if allowed is None or point.name in allowed:
            register_entry_point(registry, point)
    return registry


def register_entry_point(registry: Registry, point: EntryPoint) -> PluginRecord:
    """Load one entry point and record what happened; never raises for the plugin's faults."""
    distribution = point.dist.name if point.dist else "unknown"
    version = point.dist.version if point.dist else "?"
    error: str | None = None
    trace, hooks = "", tuple[str, ...]()
    try:
        hooks = _register(registry, point.name, point.load())
    except Exception as cause:
        if os.environ.get("EVALSUITE_RAISE"):
            raise
        error = f"{type(cause).__name__}: {cause}"
        trace = traceback.format_exc()
        _forget(registry, point.name)
    record = PluginRecord(point.name, distribution, version, point.value, error, hooks, trace)
    registry.plugins.append(record)
    return record


def _register(registry: Registry, name: str, module: Any) -> tuple[str, ...]:
    """Check the plugin's version and hooks, then let it declare its names."""
    asked = getattr(module, "api_version", None)
    if asked != API_VERSION:
        raise PluginError(
            f"it is written for plugin API {asked!r}, this evalsuite has {API_VERSION} "
            "(a plugin module states `api_version = 1`)"
        )
    registry.manager.register(module, name)
    registry.manager.check_pending()
    hooks = tuple(sorted(c.name for c in registry.manager.get_hookcallers(module) or []))
    for plural, catalogue in registry.catalogues().items():
        implementation = getattr(module, f"evalsuite_register_{plural}", None)
        if implementation is not None:
            catalogue.owner = name
            implementation(registry=catalogue)
    return hooks


def _forget(registry: Registry, name: str) -> None:
    """Undo a half-finished registration."""
    if registry.manager.has_plugin(name):
        registry.manager.unregister(name=name)
    for catalogue in registry.catalogues().values():
        catalogue.remove_owned_by(name)


@functools.cache
def installed() -> Registry:
    """The registry of this process, loaded once."""
    return load_registry()
