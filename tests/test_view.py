"""`evalsuite view`: the page of runs as a file, or served to this machine while they go on."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from report.headless import headless
from report.small_runs import make_run, result

from evalsuite.cli import run
from evalsuite.errors import UsageError
from evalsuite.store import Store
from evalsuite.view import LivePage, make_page, make_server

FIRST = result("control:clean", 0.01, 0.0, 0.03)
SECOND = result("control:planted", 0.5, 0.4, 0.6)


@pytest.fixture
def going_on(tmp_path) -> Path:
    """A run of two jobs, of which one is finished."""
    make_run(tmp_path / "run", FIRST)
    plan = json.loads((tmp_path / "run" / "plan.json").read_text())
    plan["jobs"] = [{"id": job.id, "label": job.label} for job in (FIRST, SECOND)]
    (tmp_path / "run" / "plan.json").write_text(json.dumps(plan))
    return tmp_path / "run"


def finish(path: Path) -> None:
    store = Store(path)
    store.write_result(SECOND)
    store.write_manifest({"versions": {}, "complete": True})
    store.close()


@pytest.fixture
def live(going_on, monkeypatch) -> LivePage:
    # The plan is no whole one, so that nothing can be asked again of the journal.
    monkeypatch.setattr("evalsuite.so_far._unfinished", lambda run, ids: iter(()))
    return LivePage([going_on])


@pytest.fixture
def served(live) -> Iterator[tuple[LivePage, int]]:
    with make_server(live) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield live, server.server_address[1]
        server.shutdown()


def ask(port: int, path: str, *, method: str = "GET", **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


def test_the_page_is_served_and_its_state_beside_it(served):
    live, port = served
    assert ask(port, "/") == (200, live.shown.page)
    status, body = ask(port, "/state.json")
    assert status == 200
    assert json.loads(body)["text"].startswith("1 of 2 measurements are finished.")
    assert json.loads(body)["page"] in live.shown.page.decode()


def test_there_is_nothing_else_to_get(served):
    _, port = served
    assert ask(port, "/../plan.json")[0] == 404
    assert ask(port, "/", method="POST")[0] == 501
    assert ask(port, "/", method="HEAD") == (200, b"")


def test_another_sites_name_for_this_machine_gets_nothing(served):
    """A page elsewhere can let its own name point here, and would then read what is served."""
    _, port = served
    assert ask(port, "/", Host=f"rebound.example:{port}")[0] == 403
    assert ask(port, "/state.json", Host=f"localhost:{port}")[0] == 200


def test_the_server_is_this_machines_own(live):
    with make_server(live) as server:
        assert server.server_address[0] == "127.0.0.1"


def test_a_port_that_is_taken_is_told(served):
    live, port = served
    with pytest.raises(UsageError, match="--port"):
        make_server(live, port)


def test_the_page_is_made_anew_only_when_something_changed(live, going_on):
    assert not live.refresh()
    finish(going_on)
    assert live.refresh()
    assert live.shown.is_over
    assert live.text == "2 of 2 measurements are finished. The run is over."


def test_only_a_served_page_may_ask_its_server(live, going_on):
    finish(going_on)
    assert b"connect-src" in live.shown.page
    for word in (b"connect-src", b"live-state", b"state.json"):
        assert word not in make_page([going_on])


def test_the_command_leaves_a_file_and_prints_where(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or True)
    make_run(tmp_path / "run", FIRST, SECOND)
    assert run(["view", str(tmp_path / "run")]) == 0
    printed = Path(capsys.readouterr().out.strip())
    assert printed.read_text().startswith("<!doctype html>")
    assert opened == [printed.as_uri()]


def test_what_is_no_run_is_refused(tmp_path, capsys):
    assert run(["view", str(tmp_path), "--serve", "--no-open"]) == 2
    assert "is not a run directory" in capsys.readouterr().err


@pytest.fixture(scope="module")
def browser():
    with headless() as opened:
        yield opened


WAIT = """const done = arguments[arguments.length - 1], until = () => {SCRIPT};
(function look() { until() ? done(true) : setTimeout(look, 20); })();"""


def wait(browser, script: str) -> None:
    browser.set_script_timeout(20)
    browser.execute_async_script(WAIT.replace("{SCRIPT}", script))


def test_a_browser_gets_the_newer_page_and_keeps_what_was_opened(served, going_on, browser):
    live, port = served
    browser.get_log("browser")
    browser.get(f"http://127.0.0.1:{port}/")
    wait(browser, "document.getElementById('live-state').textContent.startsWith('1 of 2')")
    browser.execute_script("document.querySelector('.probe details').open = true;")
    finish(going_on)
    live.refresh()
    wait(browser, "document.getElementById('live').dataset.kind === 'over'")
    assert "control:planted" in browser.execute_script("return document.body.innerText")
    assert browser.execute_script("return document.querySelector('.probe details').open")
    assert browser.get_log("browser") == []


def test_a_paused_page_stays(served, going_on, browser):
    live, port = served
    browser.get(f"http://127.0.0.1:{port}/")
    browser.execute_script("document.getElementById('live-pause').click();")
    finish(going_on)
    live.refresh()
    wait(browser, "document.getElementById('live-state').textContent.includes('Paused')")
    assert (
        browser.execute_script("return document.documentElement.dataset.live") != live.shown.state
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_violation_in_a_served_page(served, browser, theme):
    pytest.importorskip("axe_core_python", reason="axe-core-python is not installed")
    axe = (files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8")
    feature = {"name": "prefers-color-scheme", "value": theme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    browser.get(f"http://127.0.0.1:{served[1]}/")
    browser.execute_script(axe)
    rules = "axe.run(document, {resultTypes: ['violations']}).then((r) => done(r.violations));"
    found = browser.execute_async_script(f"const done = arguments[0]; {rules}")
    assert [(v["id"], [n["html"][:120] for n in v["nodes"][:3]]) for v in found] == []
