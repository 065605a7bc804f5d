"""A control model asked through a server gives what it gives when it is loaded here."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from evalsuite import Generate, LoadSettings, LogLikelihood, RollingLogLikelihood
from evalsuite.cli import run as evalsuite
from evalsuite.store import Run
from evalsuite.testing import check_model
from evalsuite_api.model import Loader

WEIGHTS = Path(__file__).parents[2] / "evalsuite_controls" / "weights" / "text-clean"
PAIRS = [
    ("the capital of france is", " paris"),
    ("the capital of france is", " rome"),
    ("the capital of ", "japan is tokyo"),
    ("the doctor said that", " she was tired"),
    ("the doctor", " said"),
]
SUITE = """
version: 1
name: served
models:
  - {{name: "api:control", options: {options}}}
sources:
  capitals: {{type: control/capitals, limit: 12}}
probes:
  - {{probe: text/multiple-choice, source: capitals}}
"""


@pytest.fixture(scope="module")
def loaded():
    from evalsuite_text.models.causal import Loader as Causal

    return Causal().load(str(WEIGHTS), LoadSettings(device="cpu", dtype="float32"))


def served_model(url: str, **options):
    return Loader().load("control", LoadSettings(options={"base_url": url, **options}))


def test_log_probabilities_are_those_of_the_loaded_model(serve, loaded):
    asked = [LogLikelihood(*pair) for pair in PAIRS]
    with serve() as server:
        theirs = served_model(server["url"]).loglikelihood(asked)
    ours = loaded.loglikelihood(asked)
    for mine, other in zip(ours, theirs, strict=True):
        assert other.total == pytest.approx(mine.total, abs=1e-4)
        assert other.token_logprobs == pytest.approx(mine.token_logprobs, abs=1e-4)
        assert other.is_greedy == mine.is_greedy


def test_a_text_with_nothing_before_it_is_scored_after_the_servers_own_beginning(serve, loaded):
    # As CrowS-Pairs' sentences are asked; this tokenizer marks the beginning of every text.
    asked = [LogLikelihood("", text) for text in ("the house is red", "the nurse said she won")]
    with serve() as server:
        theirs = served_model(server["url"]).loglikelihood(asked)
    ours = loaded.loglikelihood(asked)
    assert [a.total for a in theirs] == pytest.approx([a.total for a in ours], abs=1e-4)
    assert [a.n_tokens for a in theirs] == [a.n_tokens for a in ours]


def test_greedy_text_is_that_of_the_loaded_model(serve, loaded):
    asked = [Generate(context, max_tokens=6) for context, _ in PAIRS]
    with serve() as server:
        theirs = served_model(server["url"]).generate(asked)
    assert [a.text for a in theirs] == [a.text for a in loaded.generate(asked)]


def test_a_served_model_keeps_the_contract(serve):
    with serve() as server:
        asked = [
            *(LogLikelihood(*pair) for pair in PAIRS),
            *(RollingLogLikelihood(a + b) for a, b in PAIRS),
            *(Generate(context, max_tokens=4) for context, _ in PAIRS),
        ]
        check_model(served_model(server["url"]), asked)


def test_a_server_that_dies_loses_nothing_and_resuming_asks_the_rest(serve, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-never-written")
    directory, suite = tmp_path / "run", tmp_path / "suite.yaml"
    with serve(dies_after=20) as server:
        port = server["port"]
        options = f'{{base_url: "{server["url"]}", concurrency: 2, max_retries: 1}}'
        suite.write_text(SUITE.format(options=options))
        assert evalsuite(["run", str(suite), "-q", "-o", str(directory)]) == 3
    (job,) = Run.open(directory).results
    assert 0 < job.n_failed < 12
    assert job.failures == {"connection dropped": job.n_failed}
    with serve(port=port) as server:
        assert evalsuite(["run", "--resume", str(directory), "-q"]) == 0
        asked_again = server["n"]
    whole = Run.open(directory)
    assert whole.results[0].n_failed == 0
    assert asked_again <= 12 * 4 - 20 + 2  # those in flight when it died, no other
    assert whole.results[0].estimates[0].value > 0.9  # the control knows its capitals
    for path in directory.rglob("*"):
        assert not path.is_file() or b"sk-never-written" not in path.read_bytes(), path


def test_a_dead_server_is_waited_for_once(serve):
    waits = []
    with serve() as server:
        url = server["url"]
    from evalsuite_api.model import ServedModel
    from evalsuite_api.options import Options

    model = ServedModel("m", Options.of({"base_url": url, "concurrency": 1}), waits.append)
    answers = model.generate([Generate(str(i)) for i in range(20)])
    assert {answer.kind for answer in answers} == {"connection dropped"}
    assert len(waits) == 5  # the retries of the first request


@pytest.fixture(scope="module")
def transformers_server(tmp_path_factory):
    """``transformers serve`` on the control model, with a chat template to render turns."""
    pytest.importorskip(
        "fastapi", reason="transformers serve needs the extra transformers[serving]"
    )
    pytest.importorskip(
        "uvicorn", reason="transformers serve needs the extra transformers[serving]"
    )
    folder = tmp_path_factory.mktemp("served") / "text-clean"
    shutil.copytree(WEIGHTS, folder)
    (folder / "chat_template.jinja").write_text(
        "{{ bos_token }}{% for message in messages %}{{ message['content'] }}{% endfor %}"
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = [sys.executable, "-c", "from transformers.cli.transformers import main; main()"]
    log = (folder / "log").open("wb")
    process = subprocess.Popen(
        [
            *program,
            "serve",
            str(folder),
            "--port",
            str(port),
            "--device",
            "cpu",
            "--dtype",
            "float32",
        ],
        stdout=log,
        stderr=subprocess.STDOUT,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )
    url = f"http://localhost:{port}"
    try:
        for _ in range(120):
            try:
                if requests.get(f"{url}/health", timeout=2).ok:
                    break
            except requests.RequestException:
                assert process.poll() is None, (folder / "log").read_text()
            time.sleep(0.5)
        yield f"{url}/v1", str(folder)
    finally:
        process.terminate()
        process.wait(timeout=20)
        log.close()


@pytest.mark.slow
def test_transformers_serve_writes_what_the_loaded_model_writes(transformers_server, loaded):
    url, name = transformers_server
    options = {"base_url": url, "endpoint": "chat", "timeout_s": 100}
    model = Loader().load(name, LoadSettings(options=options))
    asked = [Generate(context, max_tokens=6) for context, _ in PAIRS]
    theirs = model.generate(asked)
    for mine, other in zip(loaded.generate(asked), theirs, strict=True):
        assert other.text.strip() == mine.text.strip()
