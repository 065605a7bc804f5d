"""The command: one file to stdout or where it is told, several to a folder, nothing half written."""

from __future__ import annotations

import json

import pytest
from report.small_runs import make_run, result

from evalsuite import hookimpl
from evalsuite.cli import run as evalsuite
from evalsuite.exports import Export, ExportedFile
from evalsuite.registry import installed


@pytest.fixture
def run(tmp_path):
    two = (result("control:clean", 0.03, 0.01, 0.04), result("control:planted", 0.3, 0.2, 0.4))
    return str(make_run(tmp_path / "run", *two, text="words").path)


@pytest.mark.parametrize("form", ["csv", "jsonl", "junit", "latex", "markdown"])
def test_one_file_goes_to_stdout_or_to_a_path(form, run, tmp_path, capfdbinary):
    assert evalsuite(["export", run, "--to", form]) == 0
    printed = capfdbinary.readouterr().out
    assert evalsuite(["export", run, "--to", form, "-o", str(tmp_path / "x" / "file")]) == 0
    assert (tmp_path / "x" / "file").read_bytes() == printed


def test_a_folder_that_exists_takes_one_file_by_its_own_name(run, tmp_path, capsys):
    assert evalsuite(["export", run, "--to", "csv", "-o", str(tmp_path)]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "estimates.csv")


@pytest.mark.parametrize("form", ["parquet", "model-card", "every-eval-ever"])
def test_several_files_need_a_folder(form, run, tmp_path, capsys):
    assert evalsuite(["export", run, "--to", form]) == 2
    assert "-o DIR" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    assert evalsuite(["export", run, "--to", form, "-o", str(tmp_path / "file")]) == 2
    assert evalsuite(["export", run, "--to", form, "-o", str(tmp_path / "folder")]) == 0
    written = [p for p in (tmp_path / "folder").rglob("*") if p.is_file()]
    assert len(written) == 2


def test_one_model_of_several(run, tmp_path):
    card = tmp_path / "README.md"
    arguments = ["export", run, "--to", "model-card", "-m", "control:clean", "-o", str(card)]
    assert evalsuite(arguments) == 0
    assert "name: clean\n" in card.read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--to", "jsnol"], "Did you mean 'jsonl'"),
        (["--to", "csv", "-m", "control:claen"], "They have: control:clean, control:planted"),
        (["--to", "csv", "-o", "/dev/null/x"], "could not be written"),
    ],
)
def test_bad_input_is_one_clear_paragraph(run, arguments, message, capsys):
    assert evalsuite(["export", run, *arguments]) == 2
    error = capsys.readouterr().err.strip()
    assert message in error
    assert "\n" not in error


def test_nothing_to_write_is_exit_5(tmp_path, capsys):
    empty = make_run(tmp_path / "empty")
    assert evalsuite(["export", str(empty.path), "--to", "every-eval-ever"]) == 5
    assert "no results yet" in capsys.readouterr().err


def test_a_file_is_whole_or_not_there(run, tmp_path, monkeypatch):
    def broken(runs):
        def parts():
            yield b"half"
            raise RuntimeError("the plugin broke")

        return Export((ExportedFile("x", parts()),))

    monkeypatch.setattr("evalsuite.exports.samples_jsonl.export", broken)
    (tmp_path / "x").write_text("before")
    assert evalsuite(["export", run, "--to", "jsonl", "-o", str(tmp_path / "x")]) == 70
    assert (tmp_path / "x").read_text() == "before"
    assert not [p for p in tmp_path.iterdir() if p.name.endswith(".part")]


def test_a_plugin_adds_a_format(run, monkeypatch, capsys):
    import sys
    from importlib.metadata import EntryPoint
    from types import ModuleType

    from evalsuite.registry import load_registry, register_entry_point

    @hookimpl
    def evalsuite_register_exporters(registry):
        registry.add("mine", factory="mine_exports:export")

    module = ModuleType("mine_exports")
    module.api_version = 1
    module.evalsuite_register_exporters = evalsuite_register_exporters
    module.export = lambda runs: Export((ExportedFile("names", [r.name.encode() for r in runs]),))
    monkeypatch.setitem(sys.modules, "mine_exports", module)
    registry = load_registry()
    register_entry_point(registry, EntryPoint("mine", "mine_exports", "evalsuite"))
    monkeypatch.setattr("evalsuite.cli.export_command.installed", lambda: registry)
    assert evalsuite(["export", run, "--to", "mine"]) == 0
    assert capsys.readouterr().out == "run"


def test_the_formats_are_listed(capsys):
    assert evalsuite(["list", "exporters", "--json"]) == 0
    listed = {e["name"]: e["plugin"] for e in json.loads(capsys.readouterr().out)["exporters"]}
    assert listed["lm-eval"] == "lm-eval"
    assert {"csv", "jsonl", "parquet", "junit", "every-eval-ever", "model-card", "latex",
            "markdown"} <= {n for n, owner in listed.items() if owner == "core"}  # fmt: skip
    assert len(installed().exporters._entries) == len(listed)
