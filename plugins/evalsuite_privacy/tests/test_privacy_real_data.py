"""Real texts: an n-gram model of half of them gives that half away; a split by source is named."""

from __future__ import annotations

import json

import pytest

from evalsuite.cli import run

N = 150


def halves(lines: list[str]) -> tuple[list[str], list[str]]:
    """Distinct lines of some length, every other one in each half."""
    kept = [line for line in dict.fromkeys(lines) if 80 < len(line) < 400][: 2 * N]
    return kept[::2], kept[1::2]


@pytest.fixture(scope="module")
def articles(data) -> list[str]:
    """Lines of WikiText-2."""
    return (data / "wikitext2" / "valid.txt").read_text(encoding="utf-8").split("\n")


@pytest.fixture(scope="module")
def speeches(data) -> list[str]:
    """Speeches of tinyshakespeare, each on a line."""
    (path,) = sorted((data / "tinyshakespeare").glob("input.txt"))
    return [part.replace("\n", " ") for part in path.read_text(encoding="utf-8").split("\n\n")]


def estimates(folder, members, others, trained_on) -> dict[tuple[str, str], dict]:
    """The suite's estimates on two folders, for an n-gram model of some lines."""
    for side, lines in (("members", members), ("others", others)):
        (folder / side).mkdir()
        (folder / side / "lines.txt").write_text("\n".join(lines), encoding="utf-8")
    (folder / "training.txt").write_text("\n".join(trained_on), encoding="utf-8")
    (folder / "suite.yaml").write_text(
        f"version: 1\nname: real\nmodels: ['ngram:{folder}/training.txt']\n"
        "sources: {texts: {type: member-folders, members_path: members, "
        "non_members_path: others, split: line}}\n"
        "probes: [{probe: privacy/membership-inference, source: texts}]\n"
    )
    assert run(["run", str(folder / "suite.yaml"), "--output", str(folder / "run")]) == 0
    (job,) = json.loads((folder / "run" / "estimates.json").read_text())["jobs"]
    return {(e["metric"], e["slice"]): e for e in job["estimates"]}


@pytest.mark.parametrize("corpus", ["articles", "speeches"])
def test_training_lines_are_told_and_the_split_is_fair(corpus, request, tmp_path):
    members, others = halves(request.getfixturevalue(corpus))
    found = estimates(tmp_path, members, others, members)
    assert found["leak beyond inputs", ""]["value"] > 0.3
    assert found["leak beyond inputs", ""]["verdict"] == "differs from null"
    assert found["blind AUC", ""]["verdict"] == "compatible with null"


@pytest.mark.parametrize("corpus", ["articles", "speeches"])
def test_a_model_of_other_lines_gives_nothing_away(corpus, request, tmp_path):
    lines = request.getfixturevalue(corpus)
    members, others = halves(lines)
    unseen = [line for line in lines if line not in {*members, *others}][:500]
    found = estimates(tmp_path, members, others, unseen)
    assert found["leak beyond inputs", ""]["verdict"] == "compatible with null"


def test_members_from_one_source_and_others_from_another_are_worthless(
    articles, speeches, tmp_path
):
    members, others = halves(articles)[0], halves(speeches)[0]
    found = estimates(tmp_path, members, others, members)
    assert found["leak beyond inputs", ""]["value"] is None
    assert "worthless" in found["leak beyond inputs", ""]["reason"]
