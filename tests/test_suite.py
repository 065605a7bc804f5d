"""Suite files: every mistake is found, and said where it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalsuite.errors import SuiteError
from evalsuite.suite import json_schema, parse_suite, read_suite

GOOD = """version: 1
name: small
parameters: {data: null}
models: [control:text-clean, {name: "hf:x", dtype: float32}]
sources:
  rows: {type: csv, path: "${data}/rows.csv"}
probes:
  - {probe: text/multiple-choice, source: rows, limit: 3}
"""


def parse(text: str):
    return parse_suite(text, Path("suite.yaml"), {"data": "somewhere"})


def test_parameters_are_put_into_strings():
    assert parse(GOOD).suite.sources["rows"].model_extra == {"path": "somewhere/rows.csv"}


def test_a_bare_name_is_a_model():
    assert parse(GOOD).suite.models[0].name == "control:text-clean"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("limit: 3", "limti: 3", r"suite.yaml:8:49: .*Did you mean 'limit'"),
        ("name: small", "name: small\nname: other", r"suite.yaml:3:1: .*stands twice"),
        ("version: 1", "version: 2", r"suite.yaml:1:1: version"),
        ("limit: 3", "limit: 0", r"suite.yaml:8:49: .*greater than or equal to 1"),
        ("probes:", "probes: [", r"not YAML"),
        ("${data}", "${dta}", r"suite.yaml:6:\d+: .*not declared"),
    ],
)
def test_mistakes_are_found_where_they_stand(old, new, message):
    with pytest.raises(SuiteError, match=message):
        parse(GOOD.replace(old, new))


def test_a_parameter_without_a_value_is_asked_for(monkeypatch):
    monkeypatch.delenv("EVALSUITE_DATA", raising=False)
    with pytest.raises(SuiteError, match="--set data="):
        parse_suite(GOOD)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("here", "{}/here"),
        ("here/misspelt", "{}/here/misspelt"),
        ("elsewhere/rows", "elsewhere/rows"),
        ("misspelt.jsonl", "{}/misspelt.jsonl"),
        ("hf:here", "hf:here"),
        ("ngram:/there/corpus.txt", "ngram:/there/corpus.txt"),
        ("ngram:corpus.txt", "ngram:corpus.txt"),
        ("Positive", "Positive"),
        ("", ""),
    ],
)
def test_a_path_that_is_given_by_hand_is_one_from_the_current_folder(
    tmp_path, monkeypatch, given, meant
):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path)
    suite = parse_suite(GOOD, Path("elsewhere/suite.yaml"), {"data": given})
    assert suite.parameters["data"] == meant.format(tmp_path.resolve())


def test_a_missing_file_names_the_commands_that_help(tmp_path):
    with pytest.raises(SuiteError, match="evalsuite init"):
        read_suite(tmp_path / "none.yaml")


def test_the_schema_describes_every_section():
    assert {"models", "sources", "probes"} <= set(json_schema()["properties"])
