"""Whatever names, reasons and answers hold, each format shows it and obeys none of it."""

from __future__ import annotations

import csv
import io
import json
import re
from xml.etree import ElementTree

import pytest
import yaml
from report.small_runs import make_run, result

from evalsuite.estimate_rows import FORMULA_STARTS
from evalsuite.exports import (
    code_span,
    estimates_csv,
    every_eval_ever,
    file_name,
    json_line,
    junit,
    latex_table,
    latex_text,
    markdown_summary,
    markdown_text,
    model_card,
    one_line,
    samples_jsonl,
    tables_parquet,
    xml_text,
)
from evalsuite.exports.files import write
from evalsuite.metric import Estimate
from evalsuite.store import JobResult

HOSTILE = [
    "</script><img src=x onerror=alert(1)>",
    "]]><!-- &lt;&amp; <![CDATA[",
    "=cmd|' /C calc'!A0",
    "  @SUM(1+1)",
    "-2+3",
    "\t=1",
    "＝1+1",
    "\\input{/etc/passwd} $x^2_1$ ~ # % & { }",
    "\\\\[2cm] * row",
    "[options]",
    "--- ---- ``quotes'' ?` !`",
    "```\n# heading\n```",
    "`` ` ```` ",
    " `",
    "a | b \\| c \\\\| d |",
    "[link](http://127.0.0.1:9/) ![i](x) www.example.org http://x.y a@b.c @user #1",
    "1. list\n2. list\n- x\n> y",
    "\n---\nmodel-index: []\n---\n",
    "key: value # comment",
    "!!python/object/apply:os.system ['true']",
    "*alias &anchor %directive",
    "null",
    "\x1b[31mred\x1b]0;title\x07\x00\x08\x85",
    "\u202e\u2066\u2028\u2029\ufeff",
    "\udc80 \ud83d lone",
    "\ufffe\uffff",
    "../../etc/passwd",
    "CON.txt",
    "",
    "    ",
    "Ω 漢字 עברית 👩‍🚀",
    "x" * 20_000,
]


@pytest.fixture(scope="module", params=range(len(HOSTILE)), ids=lambda i: repr(HOSTILE[i])[:24])
def text(request) -> str:
    return HOSTILE[request.param]


@pytest.fixture(scope="module")
def run(text, tmp_path_factory):
    """A run with the text in every place that is not of our own wording."""
    estimate = Estimate(text, 0.5, 0.4, 0.6, n=3, method=text, unit=text, slice="", is_primary=True)
    whole = JobResult("job", f"m:{text}", text, "task", text, "finished", reason=text, label=text,
                      n_samples=2, estimates=(estimate,), card={"measures": text})  # fmt: skip
    broken = JobResult("broken", f"m:{text}", text, "task", text, "failed", reason=text, label=text)
    return make_run(
        tmp_path_factory.mktemp("runs") / "run",
        result("m:x", 0.1, 0.0, 0.2),
        whole,
        broken,
        text=text,
    )


def only(export) -> bytes:
    return b"".join(export.files[0].parts)


def test_no_cell_is_a_formula(run):
    rows = list(csv.reader(io.StringIO(only(estimates_csv.export([run])).decode())))
    assert {len(row) for row in rows} == {len(rows[0])}
    numbers = {rows[0].index(name) for name in ("value", "low", "high", "null", "margin")}
    cells = [cell for row in rows for place, cell in enumerate(row) if place not in numbers]
    assert not [c for c in cells if c.lstrip(" ").startswith(FORMULA_STARTS)]
    assert "\x00" not in "".join(cells)


def test_every_sample_is_one_line_and_comes_back(run, text):
    data = only(samples_jsonl.export([run])).decode()
    lines = [json.loads(line) for line in data.splitlines()]  # at U+2028 and U+0085, too
    assert len(lines) == 6
    assert lines[2]["record"]["predicted"] == text


def test_parquet_is_readable(run):
    import pyarrow.parquet as parquet

    for file in tables_parquet.export([run]).files:
        assert parquet.read_table(io.BytesIO(b"".join(file.parts))).num_rows


def test_xml_is_well_formed_and_holds_no_markup(run):
    root = ElementTree.fromstring(only(junit.export([run])))
    known = {"testsuites", "testsuite", "properties", "testcase", "failure", "error", "skipped"}
    assert {element.tag for element in root.iter()} <= known | {"system-out", "system-err"}
    assert len(list(root.iter("testcase"))) == 3


def test_latex_has_only_our_commands(run):
    table = only(latex_table.export([run])).decode()
    assert {m[0] for m in re.finditer(r"\\[A-Za-z]+", table)} <= {
        "\\begin", "\\end", "\\toprule", "\\midrule", "\\bottomrule", "\\usepackage", "\\pm",
        "\\textbackslash", "\\textasciicircum", "\\textasciitilde", "\\textless", "\\textgreater",
        "\\textbar", "\\textquotedbl", "\\textquotesingle", "\\textasciigrave",
    }  # fmt: skip
    body = table.split("\n", 5)[5]
    assert all(line.endswith("\\\\") for line in body.splitlines() if " & " in line)


def test_a_latex_row_keeps_its_cells(text):
    """What remains when each escape is taken away has no character that means anything."""
    escaped = re.sub(r"\\text[a-z]+\{\}|\\[{}$&#%_]|-\{\}|\{[\[\]*]\}", "", latex_text(text))
    assert not set(escaped) & set("\\{}$&#%_^~<>|\"'`[]*\n")
    assert "--" not in latex_text(text)


def tokens_of(markdown: str) -> list:
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": True}).enable("table")
    return [t for block in reader.parse(markdown) for t in (block, *(block.children or ()))]


ALLOWED_HTML = ("<details>", "</details>", "<summary>")


@pytest.mark.parametrize("form", [markdown_summary, model_card], ids=["summary", "card"])
def test_markdown_has_no_markup_but_ours(run, form):
    documents = [b"".join(f.parts).decode() for f in form.export([run]).files]
    for document in documents:
        body = document.split("---\n", 2)[2] if form is model_card else document
        tokens = tokens_of(body)
        assert not {t.type for t in tokens} & {"html_inline", "link_open", "image", "fence"}
        for block in (t for t in tokens if t.type == "html_block"):
            assert all(line.startswith(ALLOWED_HTML) for line in block.content.splitlines() if line)


def test_a_table_keeps_its_columns(run):
    tokens = tokens_of(only(markdown_summary.export([run])).decode())
    cells = [t.type for t in tokens if t.type in ("tr_open", "th_open", "td_open")]
    counts = [c.split() for c in " ".join(cells).split("tr_open") if c]
    assert counts[0] == ["th_open"] * 7
    assert {len(row) for row in counts[1:3]} == {7}


def test_a_code_span_shows_its_text(text):
    found = [t.content for t in tokens_of(f"a {code_span(text)} b") if t.type == "code_inline"]
    shown = text[:299] + "…" if len(text) > 300 else one_line(text)
    shown = shown.replace("\\|", "\\ |").replace("|", "\\|")  # the bar of a table's cell
    assert [f.strip() for f in found] == ([shown.strip()] if shown.strip() else [])


def test_prose_shows_its_text(text):
    inline = [t for t in tokens_of(f"- a. {markdown_text(text)}") if t.type == "inline"]
    assert [t.type for t in inline[0].children] in (["text"], ["text", "text"], [])
    told = "".join(t.content for t in inline[0].children)
    assert told.strip() == f"a. {one_line(text)}".strip()


def test_a_card_is_one_yaml_document_that_loads_safely(run):
    from huggingface_hub import ModelCard

    for file in model_card.export([run]).files:
        document = b"".join(file.parts).decode()
        head = yaml.safe_load(re.match(r"---\n(.*?)\n---\n", document, re.S)[1])
        assert list(head) == ["tags", "model-index"]
        assert len(ModelCard(document).data.eval_results) == 1


def test_every_path_stays_inside_the_folder(run, tmp_path):
    for form in (model_card, every_eval_ever):
        for path in write(form.export([run]), tmp_path / "out"):
            assert path.resolve().is_relative_to((tmp_path / "out").resolve())
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,101}", file_name(run.results[0].label))


def test_texts_can_be_stored_anywhere(text):
    for written in (one_line(text), xml_text(text), latex_text(text), code_span(text)):
        written.encode("utf-8")
    assert "\n" not in one_line(text)
    assert json.loads(json_line({"x": text}))["x"] == text
