"""A report whose every text is an attack, opened in a browser: nothing runs, leaves, or breaks."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from report.headless import headless
from report.opened import Opened
from report.small_runs import CARD

from evalsuite import Audio, Image, registry
from evalsuite.metric import Estimate, Null
from evalsuite.report import Section, render, write
from evalsuite.report.section import Cell, Table
from evalsuite.store import JobResult, Run, SampleRow, Store

OUTSIDE = "http://outside.example"
ATTACKS = (
    "</script><script>window.ran = 1</script>",
    "<img src=x onerror='window.ran = 1'>",
    f"<img src={OUTSIDE}/picture><link rel=stylesheet href={OUTSIDE}/style>",
    "<svg onload='window.ran = 1'><script>window.ran = 1</script></svg>",
    '" onmouseover="window.ran = 1" autofocus onfocus=\'window.ran = 1',
    f"</style><style>@import url({OUTSIDE}/import); body {{ display: none }}",
    f"red; background: url({OUTSIDE}/background)",
    "javascript:window.ran = 1",
    f"data:text/html,<script>fetch('{OUTSIDE}')</script>",
    f"<iframe srcdoc='<script>parent.ran = 1</script>'></iframe><base href={OUTSIDE}>",
    "--><!--<![CDATA[</textarea></title></template></details></table>",
    "{{ 7 * 7 }} {% raw %} ${window.ran = 1}",
    "\u202egnp.exe\u2066 \x1b[31mred\x1b]8;;http://outside.example\x07 \x00 \x9b2J",
    "half \ud800 a pair",
    "__proto__",
    "constructor",
)
# What stands where an attack would, in the page that says what a whole page looks like.
HARMLESS = tuple(f"text {place}" for place in range(len(ATTACKS)))
# Ten megabytes that no compression makes small.
LONG = random.Random(0).randbytes(5_000_000).hex()


def storable(text: str) -> str:
    """An attack that a file name or a column of Parquet can hold."""
    return text.replace("\ud800", "?")


def hostile_run(folder: Path, texts: tuple[str, ...], long: str = "long") -> Run:
    """Texts as models, probes, groups, ids, columns, prompts, answers, reasons, cards and suite."""
    store = Store(folder)
    picture = Image.from_array(np.zeros((8, 8, 3), np.uint8))
    clip = Audio.from_array(np.zeros(800, np.float32), 8000)
    for part in (picture, clip):
        store.write_media(part.sha256, part.encoded())
    everything = " ".join(texts)
    names = [" ".join(texts[:5]), " ".join(texts[5:10]), " ".join(texts[10:14]), *texts[14:]]
    models = [f"m:{name}" for name in names[:2]] + names[2:]
    store.write_plan(
        {
            "suite_name": storable(everything),
            "suite_text": storable(everything),
            "command": storable(everything),
            "models": [{"name": m, "kind": everything, "controls": {}} for m in models],
            "sources": [{"name": everything, "type": everything, "fingerprint": everything}],
        }
    )
    parts = [{"text": everything}, {"image": picture.sha256}, {"audio": clip.sha256}]
    parts += [{"image": text} for text in texts] + [{"unreadable": text} for text in texts]
    asked = {"asked": everything, "parts": parts, "detail": {t: t for t in texts}}
    for place, model in enumerate(models):
        for label in names:
            job = hostile_job(f"{place}-{names.index(label)}", model, label, texts)
            rows = []
            for text in texts[:4]:
                said = f"{model} {text} {long}"
                record = {
                    "predicted": said, "group": text, "map": text, "word_scores": f'[["{place}", 1]]',
                    **dict.fromkeys(texts, text),
                }  # fmt: skip
                exchange = ({**asked, "answer": dict.fromkeys(texts[:3], said)},)
                rows.append(SampleRow(text, "h", "ok", record=record, exchange=exchange))
            rows.append(SampleRow("none", "h", "failed", reason=everything + long))
            store.write_samples(job.id, rows)
            store.write_result(replace(job, n_samples=len(rows)))
    store.write_manifest(
        {
            "complete": True,
            "versions": {t: t for t in texts},
            "plugins": [{"name": t, "distribution": t, "version": t, "error": t} for t in texts],
            "hardware": {t: t for t in texts},
        }
    )
    store.close()
    return Run.open(folder)


def hostile_job(identifier: str, model: str, label: str, texts: tuple[str, ...]) -> JobResult:
    estimates = [
        Estimate(
            texts[0], 0.5, 0.4, 0.6, slice=f"group={text}" if place else "", n=10,
            null=Null(0.02, 0.02, "above", text), method=text, unit=text, is_primary=not place,
        )
        for place, text in enumerate(texts)
    ]  # fmt: skip
    card = {name: " ".join(texts) for name in CARD}
    return JobResult(
        identifier, model, f"{label}/probe", "fairness", label, "finished", label=label,
        reason=label, estimates=tuple(estimates), card=card,
    )  # fmt: skip


class HostilePlugin:
    """A report section of a plugin that means harm."""

    name, plugin = ATTACKS[0], ATTACKS[1]

    def __init__(self, texts: tuple[str, ...]) -> None:
        self.texts = texts

    def load(self) -> Any:
        cells = tuple(Cell(text, text, text) for text in self.texts[:3])
        table = Table(self.texts[0], self.texts[:3], (cells,), "closed")
        return lambda runs: [Section(text, (text,), (table,)) for text in self.texts]


@dataclass
class Recorder:
    """A proxy that answers nothing and remembers who asked."""

    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.socket.getsockname()[1]}"

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:  # closed
                return
            with connection:
                connection.settimeout(1)
                self.asked.append(connection.recv(300).decode("latin-1"))


def page_of(folder: Path, texts: tuple[str, ...], long: str) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry.installed(), "report_sections", [HostilePlugin(texts)])
        return write([hostile_run(folder / "run", texts, long)], folder / "report.html")


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> dict[str, Path]:
    made = {name: tmp_path_factory.mktemp(name) for name in ("hostile", "harmless")}
    page_of(made["hostile"], ATTACKS, LONG[:100_000])
    page_of(made["harmless"], HARMLESS, "long")
    return made


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    found = Recorder()
    yield found
    found.socket.close()


@pytest.fixture(scope="module")
def browser(recorder) -> Iterator[Any]:
    options = (
        f"--proxy-server={recorder.address}",
        "--proxy-bypass-list=<-loopback>",
        "--disable-background-networking",
        "--disable-component-update",
        "--force-prefers-reduced-motion",
    )
    with headless(*options) as found:
        yield found


CHOOSE = """
by("probe").selectedIndex = arguments[0]; by("probe").dispatchEvent(new Event("input"));
by("view").value = arguments[1]; by("view").dispatchEvent(new Event("input"));
for (const made of rows()) made.open = true;
return rows().length;
"""
POKE = """
for (const at of document.querySelectorAll("#rows *")) {
  for (const name of ["mouseover", "focus", "load", "error"]) at.dispatchEvent(new Event(name));
}
"""
# Of everything that stands in the page, what texts alone could have brought there.
SMUGGLED = """
const all = [...document.querySelectorAll("*")], plain = /^data:(text\\/|application\\/)[a-z-]+;base64,/;
const media = /^data:(image\\/(png|jpeg)|audio\\/mpeg);base64,/;
return [
  document.scripts.length - 2, document.querySelectorAll("style, link").length - 1,
  document.querySelectorAll("iframe, object, embed, base, form[action]").length,
  all.filter((e) => [...e.attributes].some((a) => a.name.startsWith("on"))).length,
  all.filter((e) => e.hasAttribute("href") && !/^#/.test(e.getAttribute("href")) && !plain.test(e.getAttribute("href"))).length,
  all.filter((e) => e.hasAttribute("src") && !media.test(e.getAttribute("src"))).length,
];"""


@dataclass(frozen=True)
class Visit:
    """What was found in the hostile page while every sample was opened and every element poked."""

    opened: Opened
    smuggled: set[tuple[int, ...]]
    shown: str
    complaints: list[str]


@pytest.fixture(scope="module")
def visit(browser, folders) -> Visit:
    opened = Opened(browser, (folders["hostile"] / "report.html").as_uri()).go()
    smuggled, shown = set(), ""
    for place in range(5):
        for view, n in (("list", 5), ("gallery", 4)):  # the failed one has nothing to see
            assert opened.run(CHOOSE, place, view) == n
            opened.run(POKE)
            smuggled.add(tuple(opened.run(SMUGGLED)))
            shown += str(opened.run("return document.body.textContent"))
    return Visit(opened, smuggled, shown, opened.complaints)


def test_no_script_of_a_text_runs(visit):
    assert visit.opened.run("return typeof window.ran") == "undefined"


def test_nothing_is_asked_of_the_outside(visit, recorder):
    visit.opened.run("scrollTo(0, document.body.scrollHeight)")
    assert [line for line in recorder.asked if "outside.example" in line] == []


def test_no_text_becomes_an_element_a_link_or_a_handler(visit):
    assert visit.smuggled == {(0, 0, 0, 0, 0, 0)}


def test_the_browser_complains_of_nothing(visit):
    """Neither an error nor a breach of the content security policy."""
    assert visit.complaints == []


def test_characters_that_hide_or_reorder_are_written_out(visit):
    assert not set("\u202e\u2066\x1b\x00\x9b\x07") & set(visit.shown)
    assert "⟨U+202E⟩" in visit.shown


def test_the_recorder_would_have_seen_a_request(browser, recorder, tmp_path):
    page = tmp_path / "leaky.html"
    page.write_text("<img src='http://outside.example/seen'>")
    browser.get(page.as_uri())
    assert any("outside.example/seen" in line for line in recorder.asked)
    recorder.asked.clear()


OUTLINE = """return ["h1", "h2", "h3", "caption", "main > section", "nav a", ".sample", "article"]
  .map((name) => [name, document.querySelectorAll(name).length]);"""


def test_the_page_is_as_whole_as_a_harmless_one(browser, folders):
    outlines = [
        Opened(browser, (folders[name] / "report.html").as_uri()).go().run(OUTLINE)
        for name in ("hostile", "harmless")
    ]
    assert outlines[0] == outlines[1]


def test_the_explorer_still_filters(browser, folders):
    opened = Opened(browser, (folders["hostile"] / "report.html").as_uri()).go()
    assert opened.choose("show", "failed").ids == ["none"]
    assert opened.choose("show", "all").choose("query", "onmouseover").count
    opened.choose("query", "<img src=x")
    assert opened.ids != []


def test_a_line_of_ten_megabytes_costs_neither_page_nor_budget(tmp_path):
    store = Store(tmp_path / "run")
    store.write_plan({"suite_name": "long", "models": [{"name": "m:a"}]})
    asked = {"asked": "Generate", "parts": [{"text": LONG}], "answer": {"text": LONG}}
    record = {"predicted": LONG, "word_scores": LONG, "map": LONG, "a list": [LONG]}
    rows = [
        SampleRow("1", "h", "ok", record=record, exchange=(asked,)),
        SampleRow(LONG, "h", "failed", reason=LONG),
    ]
    job = hostile_job("job", "m:a", "label", HARMLESS)
    store.write_samples("job", rows)
    store.write_result(replace(job, n_samples=2, reason=LONG))
    store.write_result(replace(job, id="other", label="b", status="failed", reason=LONG))
    store.write_manifest({"complete": True})
    store.close()
    assert len(render([Run.open(tmp_path / "run")])) < 500_000
