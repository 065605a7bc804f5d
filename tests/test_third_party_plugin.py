"""A stranger's plugin: its own folder and pyproject, installed by pip, seen everywhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PYPROJECT = """[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "evalsuite-parrot"
version = "0.3"

[project.entry-points.evalsuite]
parrot = "evalsuite_parrot"

[tool.hatch.build.targets.wheel]
packages = ["evalsuite_parrot"]
"""
MODULE = '''"""A model that repeats, and a probe that counts."""

from evalsuite import hookimpl

api_version = 1


@hookimpl
def evalsuite_register_models(registry):
    registry.add("parrot", factory="evalsuite_parrot.bird:Loader", summary="repeats the prompt")


@hookimpl
def evalsuite_register_probes(registry):
    registry.add("parrot/echo", factory="evalsuite_parrot.bird:Echo", summary="does it repeat?")


@hookimpl
def evalsuite_register_report_sections(registry):
    registry.add("parrot/notes", factory="evalsuite_parrot.bird:notes")
'''
BIRD = """from dataclasses import dataclass
from typing import ClassVar

from evalsuite import Card, Generate, Generation, ModelInfo, Null, Probe, Proportion


class Parrot:
    def __init__(self, name):
        self.info = ModelInfo(name, "parrot", frozenset({"text"}), frozenset({"generate"}))
        self.fingerprint = "parrot-1"

    def cost(self, request):
        return 1

    def generate(self, requests):
        return [Generation(r.prompt[0].text, 1, "stop") for r in requests]

    def close(self):
        pass


class Loader:
    def describe(self, reference, settings):
        return Parrot(f"parrot:{reference}").info

    def load(self, reference, settings):
        return Parrot(f"parrot:{reference}")


@dataclass(frozen=True)
class Echo(Probe):
    name: ClassVar = "parrot/echo"
    family: ClassVar = "task"
    needs: ClassVar = (Generate,)
    fields: ClassVar = ("text",)
    card: ClassVar = Card("Repetition.", "Thought.", "Aesop")
    metrics: ClassVar = (Proportion("same", name="echo rate", null=Null(0.0), primary=True),)

    def ask(self, sample, context):
        answer = yield Generate(sample["text"])
        return {"same": answer.text == sample["text"]}


def notes(runs):
    from evalsuite.report import Section

    return [Section("Parrot notes", ("A parrot was here.",))]
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory) -> dict[str, str]:
    """pip-install the plugin into a folder of its own and put that on the path."""
    project = tmp_path_factory.mktemp("project")
    (project / "evalsuite_parrot").mkdir()
    (project / "pyproject.toml").write_text(PYPROJECT)
    (project / "evalsuite_parrot" / "__init__.py").write_text(MODULE)
    (project / "evalsuite_parrot" / "bird.py").write_text(BIRD)
    target = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", str(target), str(project)], check=True)
    return {**os.environ, "PYTHONPATH": str(target)}


def evalsuite(environment, folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "evalsuite", *arguments]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_is_listed(environment, tmp_path):
    assert "evalsuite-parrot 0.3" in evalsuite(environment, tmp_path, "plugins")
    assert "parrot/echo" in evalsuite(environment, tmp_path, "list")


def test_its_model_and_probe_run_and_are_reported(environment, tmp_path):
    (tmp_path / "rows.jsonl").write_text('{"text": "hello"}\n{"text": "again"}\n')
    (tmp_path / "suite.yaml").write_text(
        "version: 1\nname: birds\nmodels: ['parrot:polly']\n"
        "sources: {rows: {type: jsonl, path: rows.jsonl}}\n"
        "probes: [{probe: parrot/echo, source: rows}]\n"
    )
    out = evalsuite(environment, tmp_path, "run", "suite.yaml", "-q", "-o", "run")
    assert "parrot/echo: echo rate" in out
    evalsuite(environment, tmp_path, "report", "run", "-o", "report.html")
    page = (tmp_path / "report.html").read_text()
    assert "parrot:polly" in page
    assert "A parrot was here." in page


def test_its_probe_keeps_the_contract(environment, tmp_path):
    program = (
        "from evalsuite import Generation, Sample\n"
        "from evalsuite.testing import check_model, check_probe\n"
        "from evalsuite_parrot.bird import Echo, Loader\n"
        "rows = [Sample(str(i), {'text': f'row {i}'}) for i in range(5)]\n"
        "check_probe(Echo(), rows, lambda r: Generation(r.prompt[0].text, 1, 'stop'))\n"
        "from evalsuite import Generate\n"
        "check_model(Loader().load('polly', None), [Generate('a'), Generate('b')])\n"
    )
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)


@pytest.fixture(scope="module")
def broken(tmp_path_factory) -> dict[str, str]:
    """Another plugin, which raises when it is imported, and a probe whose module does."""
    target = tmp_path_factory.mktemp("broken")
    for name, code in {
        "evalsuite_sick": "raise RuntimeError('no such drug')\n",
        "evalsuite_lame": MODULE.replace("parrot/", "lame/").replace("evalsuite_parrot.bird", "no_leg")
        .replace('"parrot"', '"lame"'),
    }.items():  # fmt: skip
        project = tmp_path_factory.mktemp(name)
        (project / name).mkdir()
        (project / name / "__init__.py").write_text(code)
        text = PYPROJECT.replace("evalsuite_parrot", name).replace("evalsuite-parrot", name)
        (project / "pyproject.toml").write_text(text.replace('parrot = "', f'{name[10:]} = "'))
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
        pip += ["--no-build-isolation", "--target", str(target), str(project)]
        subprocess.run(pip, check=True)
    return {**os.environ, "PYTHONPATH": str(target)}


def failing(environment, folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "evalsuite", *arguments]
    return subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True)


def test_a_broken_plugin_is_listed_and_costs_nobody_else(broken, tmp_path):
    done = failing(broken, tmp_path, "plugins", "--check")
    assert done.returncode == 4
    assert "RuntimeError: no such drug" in done.stderr
    assert "pip install --upgrade" in done.stderr
    assert failing(broken, tmp_path, "list").returncode == 0


def test_what_a_broken_plugin_owns_is_an_error_that_names_it(broken, tmp_path):
    suite = (
        "version: 1\nname: x\nmodels: ['control:text-clean']\n"
        "sources: {rows: {type: control/capitals}}\nprobes: [{probe: PROBE, source: rows}]\n"
    )
    for probe, code, words in (
        ("lame/echo", 4, "of plugin 'lame' cannot be used"),
        ("sick/echo", 2, "may own it: evalsuite_sick"),
    ):
        (tmp_path / "suite.yaml").write_text(suite.replace("PROBE", probe))
        done = failing(broken, tmp_path, "run", "suite.yaml")
        assert done.returncode == code, done.stderr
        assert words in done.stderr
        assert "Traceback" not in done.stderr
