"""``evalsuite compare`` and ``evalsuite power`` say what they found, in words and exit codes."""

from __future__ import annotations

import json

import pytest
from compare.written_runs import ACCURACY, Written, right, use_metrics, write_run

from evalsuite.cli import run as evalsuite

GOOD, POOR = right([1] * 36 + [0] * 4), right([1] * 18 + [0] * 22)


@pytest.fixture(autouse=True)
def accuracy(monkeypatch):
    use_metrics(monkeypatch, ACCURACY)


@pytest.fixture
def runs(tmp_path) -> list[str]:
    jobs = [Written("m:good", GOOD), Written("m:poor", POOR)]
    return [str(write_run(tmp_path / "run", *jobs).path)]


def test_the_table_shows_values_intervals_p_and_words(runs, capsys):
    assert evalsuite(["compare", *runs]) == 0
    shown = capsys.readouterr().out
    assert "probe: accuracy ↑" in shown
    assert "baseline" in shown
    assert "-0.450 [" in shown
    assert "p <.001" in shown
    assert "- worse" in shown
    assert "m:poor: of 1 primary metric 1 worse." in shown
    assert "Holm over 1" in shown


def test_json_is_one_document_with_a_version(runs, capsys):
    assert evalsuite(["compare", *runs, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema_version"] == 1
    (difference,) = document["differences"]
    assert (difference["verdict"], difference["value"]) == ("worse", pytest.approx(-0.45))


def test_a_regression_fails_where_it_should(runs, capsys):
    assert evalsuite(["compare", *runs, "--fail-on", "regression"]) == 1
    assert "Failed: 1 regression" in capsys.readouterr().err
    better = ["compare", *runs, "--baseline", "m:poor", "--fail-on", "regression"]
    assert evalsuite(better) == 0


def test_a_model_that_answers_nothing_fails(tmp_path, capsys):
    silent = write_run(tmp_path / "run", Written("m:a", GOOD), Written("m:b", [None] * 40))
    assert evalsuite(["compare", str(silent.path), "--fail-on", "regression"]) == 1
    assert "? undefined" in capsys.readouterr().out


def test_nothing_found_says_what_would_have_been(tmp_path, capsys):
    run = write_run(tmp_path / "run", Written("m:a", GOOD), Written("m:b", GOOD))
    assert evalsuite(["compare", str(run.path)]) == 0
    assert "= not distinguishable (±0." in capsys.readouterr().out


def test_other_data_are_exit_2_and_one_paragraph(tmp_path, capsys):
    first = write_run(tmp_path / "a", Written("m:a", right([1, 0, 1]), hashes="abc"))
    second = write_run(tmp_path / "b", Written("m:a", right([1, 0, 1]), hashes="abd"))
    both = [str(first.path), str(second.path)]
    assert evalsuite(["compare", *both]) == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith("Error:")
    assert "\n" not in error
    assert evalsuite(["compare", *both, "--allow-different-data"]) == 0
    assert "common part" in capsys.readouterr().out


def test_no_run_directory_is_exit_2(tmp_path, capsys):
    assert evalsuite(["compare", str(tmp_path)]) == 2
    assert "is not a run directory" in capsys.readouterr().err


def test_terminals_get_no_escapes_of_names(tmp_path, capsys):
    hostile = "m:\x1b[31mred\u202e"
    run = write_run(tmp_path / "run", Written("m:a", GOOD), Written(hostile, GOOD, label="probe"))
    evalsuite(["compare", str(run.path), "--all"])
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_power_plans_from_pairs_that_were_observed(runs, capsys):
    assert evalsuite(["power", *runs, "--effect", ".1", "--json"]) == 0
    (need,) = json.loads(capsys.readouterr().out)["needs"]
    # 18 of 40 pairs differ: about 7.85·.45/.01 pairs and a little more
    assert need["basis"] == "pairs of m:poor beside m:good"
    assert need["n_needed"] == pytest.approx(353, rel=0.05)


def test_power_plans_from_one_model_alone(tmp_path, capsys):
    run = write_run(tmp_path / "run", Written("m:a", GOOD))
    assert evalsuite(["power", str(run.path)]) == 0
    assert "probe: accuracy" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "answer"),
    [
        (["--sd", "1", "--effect", ".5", "--unpaired"], "64 samples of each model"),
        (["--sd", "1", "--effect", ".5", "--correlation", ".5"], "34 pairs"),
        (["--rate", ".6", "--effect", ".1", "--unpaired"], "356 samples of each model"),
        (["--discordance", ".1", "--effect", ".2"], "larger than any there can be"),
    ],
)
def test_power_plans_from_numbers(options, answer, capsys):
    assert evalsuite(["power", *options]) == 0
    assert answer in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("options", [[], ["--sd", "1", "--rate", ".5"]])
def test_power_wants_one_basis(options, capsys):
    assert evalsuite(["power", *options]) == 2
    assert "give one of these four" in capsys.readouterr().err
