"""A policy file: what is wrong is told with its place, and the schema says the same."""

from __future__ import annotations

import json

import pytest
import yaml

from evalsuite.cli import run as evalsuite
from evalsuite.errors import SuiteError
from evalsuite.policy import Rule, policy_schema, read_policy
from evalsuite.registry import installed

HEAD = "version: 1\nname: p\nrules:\n"


def policy(tmp_path, text: str):
    path = tmp_path / "policy.yaml"
    path.write_text(text)
    return read_policy(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD + "  - {metrc: a, lower: {min: 1}}\n", "policy.yaml:4:6: 'rules.0.metrc'"),
        (HEAD + "  - {metrc: a, lower: {min: 1}}\n", "Did you mean 'metric'?"),
        (HEAD + "  - lower: {mn: 1}\n", "legal here: min, max. Did you mean 'min'?"),
        (HEAD + "  - difference: {lowr: {min: 1}}\n", "Did you mean 'lower'?"),
        (HEAD + "  - difference:\n      lower: {mx: 0}\n", "policy.yaml:5:15: "),
        (HEAD + "  - lower: {}\n", "a range needs a `min` or a `max`"),
        (HEAD + "  - lower: {min: 2, max: 1}\n", "`min` is above `max`"),
        (HEAD + "  - lower: {min: .nan}\n", "policy.yaml:4:13: rules.0.lower.min"),
        (HEAD + "  - {metric: a}\n", "a rule demands something"),
        (HEAD + "  - difference: {}\n", "`difference` needs"),
        (HEAD + "  - {verdict: nice}\n", "'better', 'not worse' or 'not different'"),
        (HEAD + "  - {lower: {min: 1}, undefined: ignore}\n", "'fail' or 'skip'"),
        ("version: 1\nname: p\nrules: []\n", "policy.yaml:3:1: rules"),
        ("version: 2\nname: p\nrules: [{lower: {min: 1}}]\n", "policy.yaml:1:1: version"),
        ("name: p\nrules: [{lower: {min: 1}}]\n", "the key 'version' is missing"),
        (HEAD + "  - {lower: {min: 1}, lower: {min: 2}}\n", "stands twice"),
        ("", "the policy file is empty"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path, text, message):
    with pytest.raises(SuiteError) as caught:
        policy(tmp_path, text)
    assert message in str(caught.value)
    assert "policy.yaml:" in str(caught.value)


def test_a_rule_is_called_by_its_name_or_by_what_it_selects(tmp_path):
    text = "  - {name: mine, lower: {min: 0}}\n  - {probe: a/*, slice: g=*, upper: {max: 1}}\n"
    rules = policy(tmp_path, HEAD + text).policy.rules
    assert [rule.title for rule in rules] == ["mine", "a/*: primary [g=*]"]


def test_the_schema_takes_what_the_reader_takes(tmp_path, capsys):
    import jsonschema

    assert evalsuite(["schema", "--policy"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema == policy_schema()
    good = yaml.safe_load(HEAD + "  - {probe: x, difference: {lower: {min: -0.1}}}\n")
    jsonschema.validate(good, schema)
    good["rules"][0]["mistake"] = 1
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(good, schema)


@pytest.mark.parametrize("entry", list(installed().policies), ids=lambda e: e.name)
def test_shipped_policies_are_policies(entry):
    assert read_policy(entry.load()()).policy.rules
    assert entry.summary


def test_an_installed_policy_is_shown_and_a_misspelt_one_suggested(tmp_path, capsys):
    assert evalsuite(["show", "policy:quickstart"]) == 0
    assert "rules:" in capsys.readouterr().out
    assert evalsuite(["gate", str(tmp_path), "--policy", "quikstart"]) == 2
    assert "not a run directory" in capsys.readouterr().err


def test_the_policy_of_the_documentation_is_one(tmp_path):
    from pathlib import Path
    from textwrap import dedent

    page = (Path(__file__).parents[2] / "docs" / "gate-and-export.md").read_text()
    text = dedent("    version" + page.split("\n    version", 1)[1].split("\n\n", 1)[0])
    assert len(policy(tmp_path, text).policy.rules) == 3
    assert all(f"`{key}`" in page for key in Rule.model_fields if key != "name")
