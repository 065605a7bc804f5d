"""No secret and no personal data leave a run by report, export, sealed copy or terminal."""

from __future__ import annotations

import base64
import gzip
import json
import re
import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evalsuite import Image
from evalsuite.cli import run as command_line
from evalsuite.compare import compare
from evalsuite.metric import Estimate
from evalsuite.redaction import HIDDEN_SECRET, RedactedRun, Redactor, Secrets, redacted
from evalsuite.report import render
from evalsuite.store import JobResult, Run, SampleRow, Store

SECRETS = ("four two seven nine", "Zanzibar-7", 'say "blue" twice')
PERSONAL = ("jane.doe@example.org", "4111111111111111", "489-36-8350", "10.1.2.3")
CARD = {"measures": "Something.", "does_not_measure": "All.", "reference": "R", "critique": ""}
PICTURE = Image.from_array(np.zeros((8, 8, 3), np.uint8))
OTHER_PICTURE = Image.from_array(np.full((8, 8, 3), 255, np.uint8))


def job(model: str, name: str, family: str, **facts) -> JobResult:
    estimate = Estimate(
        "leak", 0.5, 0.4, 0.6, n=4, slice="", is_primary=True, extra={"worst": SECRETS[1]}
    )
    sliced = replace(estimate, slice=f"of={SECRETS[0]}", is_primary=False)
    return JobResult(
        f"{model}--{name}".replace(":", "-").replace("/", "-"), model, name, family, "people",
        "finished", label=name, n_samples=4, estimates=(estimate, sliced), card=CARD,
        options={"system": f"never say {SECRETS[1]}, {PERSONAL[0]}"}, **facts,
    )  # fmt: skip


def rows(secrets: tuple[str, ...], picture: Image, repeat: str = "") -> list[SampleRow]:
    """Everything in every place: id, reason, question, answer, token by token, record, JSON."""
    said = " | ".join((*SECRETS, *SECRETS[1:2], SECRETS[0].upper().replace(" ", ", "), repeat))
    exchange = {
        "asked": "Generate",
        "parts": [{"text": f"The secrets: {said}; {PERSONAL}"}, {"image": picture.sha256}],
        "detail": {"stop": [SECRETS[1]]},
        "answer": {"text": said, "tokens": ["Zan", "zi", "bar", "-", "7", " and", " so"]},
    }
    record = {
        "generated": said,
        "mails": ", ".join(PERSONAL),
        "pairs": json.dumps([SECRETS[2], PERSONAL[0], 4111111111111111], ensure_ascii=False),
        "leak": 1.0,
        "count": 7,
        SECRETS[1]: 2,
    }
    one = SampleRow(f"id {SECRETS[1]}", "a" * 64, "ok", "", record, (exchange,), secrets)
    failed = replace(one, status="failed", reason=f"it said {said}", record={}, id="failed")
    return [one, failed, replace(one, id="2", content_hash="b" * 64)]


def make_run(path: Path) -> Run:
    """A privacy probe that declares secrets, and a task in whose texts they occur too."""
    store = Store(path)
    jobs = [job(f"m:{i}", "privacy/secrets", "privacy", sensitive=True) for i in (1, 2)]
    task = job("m:1", "text/task", "task")
    names = ("id", "model", "label", "probe", "source")
    planned = [
        {**{name: getattr(j, name) for name in names}, "options": dict(j.options)}
        for j in (*jobs, task)
    ]
    store.write_plan(
        {
            "suite_name": "s",
            "suite_text": f"prompt: {SECRETS[1]}",
            "command": f"evalsuite run --set secret={SECRETS[1]}",
            "seed": 0,
            "models": [{"name": "m:1", "controls": {}}, {"name": "m:2", "controls": {}}],
            "sources": [{"name": "people", "type": "jsonl", "fingerprint": "c" * 64}],
            "jobs": planned,
        }
    )
    for picture in (PICTURE, OTHER_PICTURE):
        store.write_media(picture.sha256, picture.encoded())
    for one in jobs:
        store.write_samples(one.id, rows(SECRETS, PICTURE))
        store.write_result(one)
    store.write_samples(task.id, rows((), OTHER_PICTURE))
    store.write_result(task)
    store.write_manifest({"complete": True, "command": f"run --set secret={SECRETS[1]}"})
    store.close()
    return Run.open(path)


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    return make_run(tmp_path_factory.mktemp("runs") / "leaks")


def decoded(page: str) -> str:
    """A page with every base64 text and gzip stream in it written out behind it."""
    texts = [page]
    for code in re.findall(r"[A-Za-z0-9+/]{40,}={0,2}", page):
        data = base64.b64decode(code + "=" * (-len(code) % 4))
        data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
        texts.append(data.decode("utf-8", "replace"))
    return "\n".join(texts).replace('\\"', '"').replace("&#34;", '"')


def leaked(text: str, some: tuple[str, ...]) -> list[str]:
    plain = text.casefold()
    joined = re.sub(r"[^\w]+", " ", plain)
    return [s for s in some if s.casefold() in plain or re.sub(r"\W+", " ", s).lower() in joined]


def private_part(text: str) -> str:
    """Lines without those of the task, where forms of personal data are let be."""
    return "\n".join(line for line in text.splitlines() if "text/task" not in line)


def test_no_secret_is_in_the_bytes_of_a_report(run):
    page = decoded(render([run]))
    assert "hidden secret" in page
    assert leaked(page, SECRETS) == []
    assert leaked(private_part(page), PERSONAL) == []
    assert "Declared secrets are hidden" in page


def test_with_the_flag_they_are_and_the_page_says_so(run, tmp_path):
    out = tmp_path / "private.html"
    assert command_line(["report", str(run.path), "-o", str(out), "--show-private"]) == 0
    page = decoded(out.read_text(encoding="utf-8"))
    assert leaked(page, SECRETS) == list(SECRETS)
    assert leaked(page, PERSONAL) == list(PERSONAL)
    assert "This page shows secrets" in page


def test_a_secret_is_found_whatever_its_case_and_spacing():
    redactor = Redactor(Secrets(frozenset(SECRETS)))
    assert redactor.text("It is FOUR,  two-seven\nnine!") == f"It is {HIDDEN_SECRET}!"
    assert redactor.text("four two seven, not nine") == "four two seven, not nine"


def test_a_samples_own_secret_is_found_within_words():
    own = Redactor(own=("K42",))
    assert own.text("codek42x") == f"code{HIDDEN_SECRET}x"


def test_a_secret_that_was_cut_in_the_middle_is_hidden_from_its_half_on():
    own = Redactor(own=("jane.doe@firm",))
    assert own.text("It is jane.doe") == f"It is {HIDDEN_SECRET}"
    assert own.text("It is jane") == "It is jane"


def test_tokens_that_spell_a_secret_are_hidden_and_no_others():
    redactor = Redactor(Secrets(frozenset(["Zanzibar-7"])))
    shown = redactor.value(["in", " ", "Zan", "zibar", "-", "7", " now"])
    assert shown == ["in", " ", *[HIDDEN_SECRET] * 4, " now"]
    assert redactor.value(["a", "zanzibar", "7"]) == ["a", HIDDEN_SECRET, HIDDEN_SECRET]


def test_numbers_stay_numbers_unless_they_are_the_secret():
    redactor = Redactor(Secrets(frozenset(["4711"])))
    assert redactor.value([4711, 4712, 0.5, True, None]) == [HIDDEN_SECRET, 4712, 0.5, True, None]


def test_personal_data_are_hidden_where_the_probe_is_private_and_only_there(run):
    shown = redacted(run)
    private, _, task = shown.results
    (first, *_), (told, *_) = shown.samples(private.id), shown.samples(task.id)
    assert first.record["mails"] == "[hidden email], [hidden card], [hidden ssn], [hidden ip]"
    assert told.record["mails"] == ", ".join(PERSONAL)
    assert told.record["leak"] == 1.0


def test_media_of_a_privacy_probe_are_not_shown(run):
    shown = redacted(run)
    assert run.media(PICTURE.sha256) is not None
    assert shown.media(PICTURE.sha256) is None
    assert shown.media(OTHER_PICTURE.sha256) is not None


def test_a_run_without_anything_private_is_read_as_it_is(tmp_path):
    store = Store(tmp_path)
    store.write_plan({"models": [], "jobs": []})
    store.write_result(job("m:1", "text/task", "task"))
    store.close()
    opened = Run.open(tmp_path)
    assert redacted(opened) is opened
    assert isinstance(redacted(opened), Run)
    assert not isinstance(redacted(opened), RedactedRun)


def test_ids_that_are_hidden_still_lead_to_their_samples(run):
    shown = redacted(run)
    job_id = shown.results[0].id
    keys = {(row.id, row.content_hash) for row in shown.samples(job_id)}
    assert len(list(shown.samples(job_id, only=keys))) == 3
    (one,) = shown.samples(job_id, only={(f"id {HIDDEN_SECRET}", "a" * 64)})
    assert one.record["leak"] == 1.0


@pytest.fixture(scope="module")
def sealed(run, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("sealed") / "copy"
    assert command_line(["export", str(run.path), "--redact", "-o", str(folder)]) == 0
    return folder


def test_a_sealed_copy_holds_no_secret_in_any_file(sealed):
    opened = Run.open(sealed)
    texts = [path.read_bytes().decode("utf-8", "replace") for path in sealed.rglob("*.json")]
    for result in opened.results:
        for row in opened.samples(result.id):
            # A line for each sample, so that those of the task can be told apart.
            texts.append(f"{result.probe} {' '.join(repr(row).split())}")
    everything = "\n".join(texts)
    assert leaked(everything, SECRETS) == []
    assert leaked(private_part(everything), PERSONAL[1:]) == []
    assert not list(sealed.glob("responses.sqlite*"))
    assert {path.name for path in (sealed / "media").iterdir()} == {OTHER_PICTURE.sha256}


def test_a_sealed_copy_opens_reports_and_compares_as_its_run(run, sealed):
    opened = Run.open(sealed)
    assert [r.id for r in opened.results] == [r.id for r in run.results]
    assert opened.results[0].estimates[0].value == 0.5
    page = decoded(render([opened]))
    assert "sealed copy" in page
    assert leaked(page, SECRETS) == []
    before, after = (compare([one], resamples=100) for one in (run, opened))
    assert [d.value for d in before.differences] == pytest.approx(
        [d.value for d in after.differences], nan_ok=True
    )


def test_its_manifest_has_the_hashes_of_its_own_files(sealed):
    import hashlib

    manifest = json.loads((sealed / "manifest.json").read_text())
    assert manifest["sealed"] is True
    for name, sha256 in manifest["files"].items():
        assert hashlib.sha256((sealed / name).read_bytes()).hexdigest() == sha256


def test_hashes_of_private_data_are_replaced_alike_in_one_command_only(run, tmp_path):
    """A hash of a short secret is as good as the secret: all can be tried."""

    def hashes(name: str, *runs: Path) -> list[str]:
        out = tmp_path / name
        assert command_line(["export", *map(str, runs), "--redact", "-o", str(out)]) == 0
        folders = [out] if len(runs) == 1 else sorted(out.iterdir())
        opened = [Run.open(folder) for folder in folders]
        return [next(one.samples(one.results[0].id)).content_hash for one in opened]

    first, second = hashes("both", run.path, run.path)
    (alone,) = hashes("alone", run.path)
    assert first == second != alone
    assert "a" * 64 not in (first, alone)


def test_a_sealed_copy_is_neither_scored_nor_resumed(sealed, capsys):
    before = (sealed / "estimates.json").read_bytes()
    assert command_line(["score", str(sealed)]) != 0
    assert command_line(["run", "--resume", str(sealed)]) != 0
    assert "sealed copy" in capsys.readouterr().err
    assert (sealed / "estimates.json").read_bytes() == before


def test_a_seal_overwrites_nothing(run, sealed, capsys):
    assert command_line(["export", str(run.path), "--redact", "-o", str(sealed)]) != 0
    assert "holds something already" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["jsonl", "csv", "markdown"])
def test_exports_and_the_terminal_hide_secrets_by_default(run, form, capsys):
    assert command_line(["export", str(run.path), "--to", form]) == 0
    assert leaked(capsys.readouterr().out.replace('\\"', '"'), SECRETS) == []


def test_an_export_shows_them_when_asked(run, capsys):
    assert command_line(["export", str(run.path), "--to", "jsonl", "--show-private"]) == 0
    assert leaked(capsys.readouterr().out.replace('\\"', '"'), SECRETS) == list(SECRETS)


def test_the_run_itself_keeps_everything(run):
    row = next(run.samples(run.results[0].id))
    assert row.secrets == SECRETS
    assert PERSONAL[0] in row.record["mails"]
    assert sqlite3.connect(run.path / "responses.sqlite").execute("SELECT 1").fetchone() == (1,)
