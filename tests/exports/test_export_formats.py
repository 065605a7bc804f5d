"""Each format holds what the run holds, in the form that its readers expect."""

from __future__ import annotations

import csv
import io
import json
import math
from xml.etree import ElementTree

import pyarrow.parquet as parquet
import pytest
import yaml
from report.small_runs import make_run, result

from evalsuite.exports import (
    estimates_csv,
    every_eval_ever,
    file_names,
    junit,
    latex_table,
    markdown_summary,
    model_card,
    samples_jsonl,
    tables_parquet,
)
from evalsuite.metric import Estimate
from evalsuite.store import JobResult

NAN = math.nan


@pytest.fixture
def run(tmp_path):
    nothing = Estimate("accuracy", NAN, reason="no sample was answered", is_primary=True)
    return make_run(
        tmp_path / "first",
        result("control:clean", 0.03, 0.01, 0.04),
        result("control:planted", 0.3, 0.2, 0.4),
        JobResult("j3", "control:planted", "text/a", "task", "s", "finished", label="a",
                  estimates=(nothing,)),
        JobResult("j4", "control:clean", "text/a", "task", "s", "failed", "it broke", label="a"),
        JobResult("j5", "control:planted", "text/b", "task", "s", "not applicable", "no ears",
                  label="b"),
        text="an answer",
    )  # fmt: skip


def only(export) -> bytes:
    (file,) = export.files
    return b"".join(file.parts)


def test_csv_has_every_estimate_and_every_job_without_one(run):
    rows = list(csv.DictReader(io.StringIO(only(estimates_csv.export([run])).decode())))
    assert [(r["model"], r["value"], r["status"]) for r in rows] == [
        ("control:clean", "0.03", "finished"),
        ("control:planted", "0.3", "finished"),
        ("control:planted", "nan", "finished"),
        ("control:clean", "", "failed"),
        ("control:planted", "", "not applicable"),
    ]
    assert rows[3]["reason"] == "it broke"


def test_jsonl_has_every_sample_with_its_failure(run):
    lines = [json.loads(line) for line in only(samples_jsonl.export([run])).splitlines()]
    assert [line["status"] for line in lines] == ["ok", "failed"] * 5
    assert lines[0]["record"]["predicted"] == "an answer"
    assert lines[1]["reason"] == "an answer"


def test_parquet_has_typed_columns(run):
    estimates, samples = tables_parquet.export([run]).files
    table = parquet.read_table(io.BytesIO(b"".join(estimates.parts)))
    assert table["value"].to_pylist() == [0.03, 0.3, None, None, None]
    assert table["is_primary"].to_pylist()[0] is True
    rows = parquet.read_table(io.BytesIO(b"".join(samples.parts))).to_pylist()
    assert len(rows) == 10
    assert json.loads(rows[0]["record"])["group"] == "A"


def test_parquet_is_written_in_row_groups(run, monkeypatch):
    monkeypatch.setattr(tables_parquet, "ROWS_AT_ONCE", 3)
    parts = list(tables_parquet.export([run]).files[1].parts)
    file = parquet.ParquetFile(io.BytesIO(b"".join(parts)))
    assert file.metadata.num_row_groups == 4  # 10 rows, 3 at a time
    assert len(parts) == 5  # and the footer


def test_junit_tells_worse_undefined_failed_and_inapplicable_apart(run):
    suites = ElementTree.fromstring(only(junit.export([run])))
    outcomes = {
        (suite.get("name"), case.get("classname"), case.get("name")): [c.tag for c in case]
        for suite in suites
        for case in suite.iter("testcase")
    }
    gap = ("fairness/image-zero-shot-gap", "accuracy gap")
    assert outcomes == {
        ("control:clean", *gap): [],
        ("control:clean", "a", "text/a"): ["error"],
        ("control:planted", *gap): ["failure"],
        ("control:planted", "a", "accuracy"): ["error"],
        ("control:planted", "b", "text/b"): ["skipped"],
    }
    assert [s.get("failures") + s.get("errors") + s.get("skipped") for s in suites] == [
        "010",
        "111",
    ]


def test_junit_keeps_the_order_and_attributes_of_ants_schema(run):
    """The Ant schema's sequence and required attributes; its skipped has no rules of its own."""
    needed = {"name", "package", "id", "timestamp", "hostname", "tests", "failures", "errors",
              "skipped", "time"}  # fmt: skip
    root = ElementTree.fromstring(only(junit.export([run])))
    assert (root.tag, root.attrib) == ("testsuites", {})
    for suite in root:
        assert set(suite.attrib) == needed
        tags = [child.tag for child in suite]
        assert tags == ["properties", *["testcase"] * (len(tags) - 3), "system-out", "system-err"]
        for case in suite.iter("testcase"):
            assert set(case.attrib) == {"classname", "name", "time"}
            assert len(case) <= 1


def test_latex_has_a_row_for_each_primary_estimate(run):
    text = only(latex_table.export([run])).decode()
    body = text.partition("\\midrule\n")[2].partition("\\bottomrule")[0]
    rows = [line for line in body.splitlines() if line != "\\midrule"]
    assert [line.count(" & ") for line in rows] == [5, 5, 5]
    assert "& $0.300$ & {[}0.200, 0.400{]} & 10 & 0.020 $\\pm$ 0.02 \\\\" in text
    assert "& --- &" in text  # undefined


def test_markdown_begins_with_the_account_and_folds_the_rest(run):
    text = only(markdown_summary.export([run])).decode()
    assert text.splitlines()[2].startswith("2 primary estimates on 2 models")
    assert "▲ differs from null, for the worse" in text
    assert "– not measured: `no sample was answered`" in text
    assert "⚠ `a` on `control:clean` failed: `it broke`." in text
    assert "<summary>1 probes that do not apply</summary>" in text


def test_the_hub_reads_the_model_card(run):
    from huggingface_hub import ModelCard

    cards = {file.name: b"".join(file.parts).decode() for file in model_card.export([run]).files}
    assert list(cards) == ["control-clean/README.md", "control-planted/README.md"]
    card = ModelCard(cards["control-planted/README.md"])
    (found,) = card.data.eval_results
    assert (found.metric_name, found.metric_value) == ("accuracy gap", 0.3)
    assert (found.dataset_name, found.metric_args["low"]) == ("digits", 0.2)
    assert "not measured: `no sample was answered`" in card.text


def test_a_model_without_a_defined_estimate_has_a_card_without_an_index(tmp_path):
    run = make_run(tmp_path / "r", result("control:clean", NAN, NAN, NAN))
    export = model_card.export([run])
    head = only(export).decode().split("---\n")[1]
    assert "model-index" not in yaml.safe_load(head)
    assert "1 undefined" in export.notes[0]


def test_every_eval_ever_names_its_files_by_their_content(run):
    files = every_eval_ever.export([run]).files
    assert [f.name for f in files] == [f.name for f in every_eval_ever.export([run]).files]
    assert files[0].name.startswith("data/fairness-image-zero-shot-gap/control/clean/")
    record = json.loads(b"".join(files[0].parts))
    score = record["evaluation_results"][0]["score_details"]
    assert score["score"] == 0.03
    assert score["uncertainty"]["confidence_interval"]["lower"] == 0.01


def test_every_eval_ever_records_are_valid(run, monkeypatch, tmp_path):
    """By the schema's own package where it is installed (it asks for Python 3.12)."""
    types = pytest.importorskip("every_eval_ever.eval_types")
    validation = pytest.importorskip("every_eval_ever.validator.validation_core")
    for file in every_eval_ever.export([run]).files:
        record = json.loads(b"".join(file.parts))
        types.EvaluationLog.model_validate(record)
        assert validation.check_path_structure(file.name) == []
        assert validation.check_score_metadata(record) == []
        assert validation.check_model_deployment(record) == []
        assert validation.check_model_identity_path(file.name, record) == []


@pytest.mark.parametrize(
    ("model", "identity"),
    [
        ("hf:openai/whisper-tiny", "openai/whisper-tiny"),
        ("hf:gpt2", "hf/gpt2"),
        ("hf:./mine", "hf/mine"),
        ("open_clip:ViT-B-32/laion2b", "open_clip/ViT-B-32-laion2b"),
        ("control:text-clean", "control/text-clean"),
        ("nonsense", "nonsense/unnamed"),
    ],
)
def test_models_are_called_as_on_the_hub(model, identity):
    assert every_eval_ever.model_id(model) == identity


def test_no_two_texts_share_a_file():
    names = file_names(["a/b", "a-b", "A:B", "a/b", "", "//"])
    assert names == {
        "a/b": "a-b",
        "a-b": "a-b-2",
        "A:B": "A-B-3",
        "": "unnamed",
        "//": "unnamed-2",
    }
