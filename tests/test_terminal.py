"""Whatever models, data, plugins and suites are called, no command hands it raw to a terminal."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from report.small_runs import result
from rich.table import Table
from rich.text import Text

from evalsuite import cli, registry
from evalsuite.cli.conventions import PlainConsole, emit
from evalsuite.cli.estimates import print_estimates
from evalsuite.cli.progress import Bars, Lines
from evalsuite.cli.run_command import _explain
from evalsuite.errors import ExitCode, UsageError
from evalsuite.foreign_text import json_written_out, written_out
from evalsuite.plan import Job
from evalsuite.registry import PluginRecord
from evalsuite.store import SampleRow, Store

ROOT = Path(__file__).parents[1]
# Clears the screen, links elsewhere, sets the title, in seven bits and eight; rich's own markup;
# a line that overwrites itself; text that runs backwards; half of a surrogate pair.
HOSTILE = (
    "a\x1b[2J\x1b]8;;http://outside.example\x1b\\b\x1b]0;title\x07\x9b31m[red]c[/red]"
    "[link=http://outside.example]d[/link][/]\re\u202ef\x00g\x7f\ud800:smile:"
)
RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def raw_of(text: str) -> list[str]:
    """Characters that a terminal must not get."""
    return RAW.findall(text)


def typed(text: str) -> str:
    """What of a text can stand on a command line."""
    return text.replace("\x00", "").replace("\ud800", "")


# ------------------------------------------------------------------------------------------------
# The one function, and the one console
# ------------------------------------------------------------------------------------------------


def test_control_characters_are_written_out():
    assert written_out("a\x1b[2Jb\u202ec\ud800") == "a⟨U+001B⟩[2Jb⟨U+202E⟩c⟨U+D800⟩"
    assert raw_of(written_out(HOSTILE)) == []


def test_readable_text_stays_as_it_is():
    plain = "naïve שלום ไทย 日本語 👩‍🔬 tab\t line\n windows\r\n"
    assert written_out(plain) == plain


def test_a_carriage_return_that_overwrites_its_line_is_written_out():
    assert written_out("failed\rpassed\r\n") == "failed⟨U+000D⟩passed\r\n"


def test_json_reads_back_the_same():
    document = json.dumps({HOSTILE: [HOSTILE]}, ensure_ascii=False)
    assert raw_of(json_written_out(document)) == []
    assert json.loads(json_written_out(document)) == {HOSTILE: [HOSTILE]}


@pytest.mark.parametrize(("is_terminal", "raw"), [(True, 0), (False, 3)])
def test_a_document_is_exact_but_on_a_terminal(is_terminal, raw, capsys, monkeypatch):
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda self: is_terminal)
    emit("a\x1b[2J\x9b31m\u202eb\n")
    emit(b"c\n")
    told = capsys.readouterr().out
    assert len(raw_of(told)) == raw
    assert told.endswith("b\nc\n")


def drawn(capsys) -> str:
    captured = capsys.readouterr()
    return captured.out + captured.err


@pytest.mark.parametrize("kind", [str, Text])
def test_a_console_prints_foreign_text_as_text(kind, capsys):
    console = PlainConsole()
    table = Table("x")
    table.add_row(kind(HOSTILE))
    console.print(kind(HOSTILE), soft_wrap=True)
    console.print(table)
    told = drawn(capsys)
    assert raw_of(told) == []
    assert "[red]c[/red]" in told
    assert ":smile:" in told


def test_a_bar_shows_foreign_names_as_text(monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")
    console = PlainConsole(stderr=True)
    job = Job.__new__(Job)
    for name, value in {"id": "1", "model": HOSTILE, "label": HOSTILE}.items():
        object.__setattr__(job, name, value)
    with Bars(console) as bars:
        bars.model_loading(HOSTILE)
        bars.job_started(job, 2, HOSTILE)
        bars.sample_finished(job, SampleRow("1", "h", "ok", record={HOSTILE: 1.0}))
        bars.progress.refresh()
        bars.job_finished(replace(result(HOSTILE, 0.5, 0.4, 0.6), id="1", label=HOSTILE))
    told = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", drawn(capsys))  # the bar's own colours and moves
    assert raw_of(told.replace("\r", "")) == []
    assert "outside.example" in told


# ------------------------------------------------------------------------------------------------
# Every command
# ------------------------------------------------------------------------------------------------


@pytest.fixture
def hostile_plugin(monkeypatch):
    """A plugin all of whose names and summaries are hostile, and a broken one."""
    found = registry.load_registry()
    monkeypatch.setattr(registry, "load_registry", lambda: found)
    registry.installed.cache_clear()
    for catalogue in found.catalogues().values():
        catalogue.owner = HOSTILE
        for name in (HOSTILE, typed(HOSTILE)):
            catalogue.add(name, factory=f"nowhere:{HOSTILE}", summary=HOSTILE, tags=(HOSTILE,))
    found.plugins.append(PluginRecord(HOSTILE, HOSTILE, HOSTILE, HOSTILE, error=HOSTILE))
    yield
    registry.installed.cache_clear()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["list"],
        ["list", "--json"],
        ["plugins"],
        ["plugins", "--json"],
        ["doctor"],
        ["doctor", "--json"],
        ["show", HOSTILE],
        ["show", HOSTILE, "--json"],
        ["show", f"hf:{HOSTILE}"],
        ["check", HOSTILE],
        ["run", HOSTILE],
        ["run", "quickstart", "-m", HOSTILE],
        ["run", "quickstart", "--set", HOSTILE],
        ["report", HOSTILE],
        ["score", HOSTILE],
        ["compare", HOSTILE, HOSTILE],
        [HOSTILE],
        ["list", HOSTILE],
        ["list", f"--{HOSTILE}"],
    ],
    ids=lambda arguments: " ".join(arguments).replace(HOSTILE, "X").replace("\x00", ""),
)
def test_no_command_prints_a_raw_name(arguments, hostile_plugin, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cli.run([typed(argument) for argument in arguments])
    told = drawn(capsys)
    assert "outside.example" in told
    assert raw_of(told) == []


SUITE = r"""
version: 1
name: "small \e[2J\x9b31m [red]x[/red]"
models: [control:text-clean]
sources:
  "rows \e[2J [/] [red]": {type: control/capitals, limit: 3}
probes:
  - {probe: text/multiple-choice, source: "rows \e[2J [/] [red]", label: "l \e[31m \u202e [red] [/]"}
"""


@pytest.fixture
def suite(tmp_path, monkeypatch) -> str:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "suite.yaml").write_text(SUITE)
    return "suite.yaml"


def test_a_suite_of_hostile_names_is_checked_run_scored_and_reported(suite, capsys):
    for arguments in (
        ["check", suite],
        ["check", suite, "--json"],
        ["run", suite, "-o", "run"],
        ["run", suite, "-o", "again"],
        ["compare", "run", "again"],
        ["compare", "run", "again", "--json"],
        ["score", "run"],
        ["score", "run", "--json"],
        ["report", "run", "-o", "report.html"],
    ):
        assert cli.run(arguments) == 0, drawn(capsys)
        told = drawn(capsys)
        assert raw_of(told) == [], arguments
        assert "[red]" in told or arguments[0] == "report"


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo terminals are of Unix")
def test_a_terminal_gets_none_but_our_own_sequences(suite):
    """Colours and the moves of the progress bar are ours; all else that escapes is not."""
    import pty

    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "evalsuite", "run", suite, "-o", "run"]
    process = subprocess.Popen(command, stdout=theirs, stderr=theirs, stdin=theirs)
    os.close(theirs)
    told = b""
    with suppress(OSError):  # how Linux says that the other end has closed
        while piece := os.read(ours, 4096):
            told += piece
    assert process.wait() == 0
    own = re.compile(r"\x1b\[[0-9;]*[mAK]|\x1b\[\?25[lh]|\r")
    assert b"\x1b[" in told  # it was taken for a terminal
    assert raw_of(own.sub("", told.decode())) == []
    assert "⟨U+001B⟩[31m".encode() in told


def test_a_reason_of_a_failed_job_is_printed_as_text(tmp_path, capsys):
    item = replace(
        result(HOSTILE, 0.5, 0.4, 0.6), status="failed", reason=HOSTILE, label=HOSTILE, n_failed=1,
        failures={HOSTILE: 1},
    )  # fmt: skip
    odd = replace(item, status="finished")
    _explain((item, odd), ExitCode.INCOMPLETE, tmp_path)
    print_estimates(PlainConsole(), [item, replace(item, estimates=()), odd])
    lines = Lines(PlainConsole(stderr=True))
    lines.model_loading(HOSTILE)
    lines.job_finished(item)
    told = drawn(capsys)
    assert raw_of(told) == []
    assert "[red]c[/red]" in told


def test_a_reason_of_ten_megabytes_fills_no_terminal(tmp_path, capsys):
    item = replace(result("m:a", 0.5, 0.4, 0.6), status="failed", reason="x" * 10_000_000)
    _explain((item,), ExitCode.INCOMPLETE, tmp_path)
    Lines(PlainConsole(stderr=True)).job_finished(item)
    told = drawn(capsys)
    assert len(told) < 5000
    assert told.count("(9,998,000 more characters)") == 2


@pytest.mark.parametrize("error", [UsageError(HOSTILE), RuntimeError(HOSTILE)])
def test_an_error_is_printed_as_text(error, monkeypatch, capsys):
    def broken(**options):
        raise error

    monkeypatch.setattr(cli.main_group, "main", broken)
    assert cli.run([]) in (2, 70)
    told = drawn(capsys)
    assert raw_of(told) == []
    assert "outside.example" in told


def test_a_run_with_hostile_numbers_of_its_own_is_scored(tmp_path, capsys):
    store = Store(tmp_path / "run")
    store.write_plan(
        {"suite_name": HOSTILE, "models": [{"name": "m:a"}], "jobs": [], "sources": []}
    )
    store.close()
    cli.run(["score", str(tmp_path / "run")])
    assert raw_of(drawn(capsys)) == []


@pytest.mark.parametrize("folder", ["evalsuite", "plugins"])
def test_nothing_prints_but_through_the_one_door(folder):
    """``echo``, ``answer()`` and ``notes()`` make text safe; click and rich alone do not."""
    for path in (ROOT / folder).rglob("*.py"):
        if "tests" in path.parts or path.name == "conventions.py" or "recipes" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                allowed = path == ROOT / "evalsuite/cli/__init__.py" and called == "click.echo"
                is_raw = called in (
                    "print",
                    "click.echo",
                    "click.secho",
                    "Console",
                    "sys.stdout.write",
                )
                assert allowed or not is_raw, f"{path}: {called}"
