"""Plugins: each is loaded alone; what is broken is listed, not fatal."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from types import ModuleType

import pytest

from evalsuite import hookimpl
from evalsuite.errors import PluginError, UnknownNameError
from evalsuite.registry import Registry, hookspecs, installed, register_entry_point


def registry() -> Registry:
    made = Registry()
    made.manager.add_hookspecs(hookspecs)
    return made


def plugin(name: str, **attributes) -> EntryPoint:
    module = ModuleType(name)
    for key, value in {"api_version": 1, **attributes}.items():
        setattr(module, key, value)
    sys.modules[name] = module
    return EntryPoint(name=name, value=name, group="evalsuite")


@hookimpl
def evalsuite_register_probes(registry):
    registry.add("owner/probe", factory="package.module:Probe")


def test_every_first_party_plugin_loads():
    assert [record.error for record in installed().plugins if record.error] == []


def test_a_module_that_cannot_be_imported_is_recorded():
    made = registry()
    point = EntryPoint(name="gone", value="no_such_module", group="evalsuite")
    assert "ModuleNotFoundError" in register_entry_point(made, point).error


def test_a_misspelled_hook_is_recorded():
    @hookimpl
    def evalsuite_register_probs(registry):
        return None

    made = registry()
    record = register_entry_point(
        made, plugin("typo", evalsuite_register_probs=evalsuite_register_probs)
    )
    assert "evalsuite_register_probs" in record.error


def test_another_api_version_is_refused():
    assert "plugin API 2" in register_entry_point(registry(), plugin("new", api_version=2)).error


def test_a_plugin_that_fails_half_way_leaves_nothing_behind():
    @hookimpl
    def evalsuite_register_probes(registry):
        registry.add("owner/half", factory="a.b:C")
        raise RuntimeError("no")

    made = registry()
    register_entry_point(made, plugin("half", evalsuite_register_probes=evalsuite_register_probes))
    assert "owner/half" not in made.probes


def test_two_owners_of_one_name_are_both_refused():
    made = registry()
    for name in ("first", "second"):
        register_entry_point(
            made, plugin(name, evalsuite_register_probes=evalsuite_register_probes)
        )
    with pytest.raises(PluginError, match="'first'.*'second'"):
        made.probes.get("owner/probe")


def test_an_unknown_name_suggests_and_names_broken_plugins():
    made = registry()
    register_entry_point(made, plugin("good", evalsuite_register_probes=evalsuite_register_probes))
    register_entry_point(made, EntryPoint(name="gone", value="no_such", group="evalsuite"))
    with pytest.raises(UnknownNameError, match=r"'owner/probe'\?.*may own it"):
        made.require("probe", "owner/prob")
