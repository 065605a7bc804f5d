"""The README's commands run, and its plugin is a plugin."""

from __future__ import annotations

import re
import shutil
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from evalsuite.cli import run
from evalsuite.errors import ModelError
from evalsuite.factories import describe_model
from evalsuite.registry import installed
from evalsuite.suite import ModelSpec, parse_suite

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
SHELL = "\n".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL))
COMMANDS = [line.partition("#")[0].split() for line in SHELL.splitlines() if line.strip()]


def test_the_two_commands_are_make_targets():
    makefile = (ROOT / "Makefile").read_text()
    assert ["make", "demo"] in COMMANDS
    assert ["make", "test"] in COMMANDS
    assert "demo: install" in makefile
    assert "test: install" in makefile


def test_commands_run_in_their_order(tmp_path, monkeypatch, capsys):
    """Those that name no hub model and no folder of the reader's."""
    monkeypatch.chdir(tmp_path)
    logs = ROOT / "plugins" / "evalsuite_lm_eval" / "tests" / "logs"
    shutil.copytree(logs, tmp_path / "lm-eval-output")
    elsewhere = ("-m", "data=FOLDER", "model=hf:gpt2")
    runnable = [
        c for c in COMMANDS if c[0] == "evalsuite" and not any(word in c for word in elsewhere)
    ]
    for command in runnable:
        if "runs/second" in command and not Path("runs/second").exists():
            assert run(["run", "my-evaluation/suite.yaml", "-q", "-o", "runs/second"]) == 0
        assert run(command[1:]) == 0, command
    assert (tmp_path / "comparison.html").exists()
    assert len(runnable) >= 7


@pytest.mark.parametrize("command", [c for c in COMMANDS if "-m" in c], ids=lambda c: c[4])
def test_hub_models_are_known_schemes(command):
    """A hub name is described where there is a network, and else the hub is asked in vain."""
    pairs = [word.split("=", 1) for before, word in pairwise(command) if before == "--model-option"]
    try:
        told = describe_model(ModelSpec(name=command[4], options=dict(pairs)), installed()).kind
    except ModelError as error:
        told = str(error)
    assert any(
        word in told for word in ("hub", "does not exist", "encoder", "model", "transcriber")
    )


def test_the_harness_finds_our_models(capsys):
    """As far as asking the hub: with the model of the README in its place."""
    (command,) = [c for c in COMMANDS if "model=hf:gpt2" in c]
    from lm_eval.api.registry import get_model

    import evalsuite_lm_eval.language_model as ours

    assert get_model(command[command.index("--model") + 1]) is ours.EvalsuiteLM
    with pytest.raises(ModelError):
        ours.EvalsuiteLM("hf:there-is-no-such-model")


def test_the_suites_of_the_readme_are_suites():
    for text in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL):
        suite = parse_suite(text).suite
        assert {p.source for p in suite.probes} <= set(suite.sources)
        for source in suite.sources.values():
            assert installed().require("source", source.type)
        for probe in suite.probes:
            assert installed().require("probe", probe.probe)


def test_suites_for_published_data_run(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    commands = [c for c in COMMANDS if "data=FOLDER" in c and "--limit" not in c]
    assert len(commands) == 5
    for command in commands:
        replaced = {
            "hf:gpt2": "control:text-clean",
            "hf:openai/whisper-tiny": "control:asr-clean",
            "hf:laion/clap-htsat-unfused": "control:sounds-clean",
        }
        arguments = [replaced.get(a, a).replace("FOLDER", str(data)) for a in command[1:]]
        assert run([*arguments, "--limit", "20", "-q"]) == 0


def test_the_plugin_of_the_readme_works(tmp_path, monkeypatch):
    from evalsuite import Generation, Sample
    from evalsuite.registry import Catalogue
    from evalsuite.testing import check_probe

    package = tmp_path / "my_plugin"
    package.mkdir()
    for code in re.findall(r"```python\n(.*?)```", README, re.DOTALL):
        name = re.match(r"# my_plugin/(\S+)", code)[1]
        (package / name).write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    plugin = __import__("my_plugin")
    catalogue = Catalogue("probe")
    plugin.evalsuite_register_probes(registry=catalogue)
    probe = catalogue.get("mine/politeness").load()()
    samples = [Sample(str(i), {"prompt": f"p{i}"}) for i in range(4)]
    check_probe(probe, samples, lambda r: Generation("Please.", 1, "stop"))
    sys.modules.pop("my_plugin")
