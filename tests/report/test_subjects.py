"""No measurement is taken for another because two models or runs have one name."""

from __future__ import annotations

from dataclasses import replace

from report.small_runs import make_run, result

from evalsuite.report import render
from evalsuite.report.subjects import with_distinct_models
from evalsuite.store import with_distinct_names


def test_a_model_of_two_runs_keeps_both_measurements(tmp_path):
    first = make_run(tmp_path / "first", result("m:x", 0.25, 0.2, 0.3))
    second = make_run(tmp_path / "second", result("m:x", 0.75, 0.7, 0.8))
    names = [r.model for run in with_distinct_models([first, second]) for r in run.results]
    assert names == ["m:x (first)", "m:x (second)"]
    page = render([first, second])
    assert "0.250" in page
    assert "0.750" in page


def test_runs_in_folders_of_one_name_are_numbered(tmp_path):
    runs = [make_run(tmp_path / place / "run", result("m:x", 0.5, 0.4, 0.6)) for place in "ab"]
    assert [run.name for run in with_distinct_names(runs)] == ["run #1", "run #2"]


def test_two_paths_that_shorten_to_one_name_are_written_out(tmp_path):
    paths = ("hf:/a/model", "hf:/b/model")
    run = make_run(tmp_path / "run", *(result(path, 0.5, 0.4, 0.6) for path in paths))
    (named,) = with_distinct_models([run])
    assert tuple(r.model for r in named.results) == paths


def test_a_control_and_its_twin_stay_together_under_new_names(tmp_path):
    run = make_run(
        tmp_path / "run",
        result("control:clean", 0.01, 0.0, 0.03),
        result("control:planted", 0.5, 0.4, 0.6),
    )
    named = with_distinct_models(with_distinct_names([run, replace(run)]))
    assert named[1].plan["models"][1]["controls"]["twin"] == "control:clean (run #2)"
    assert render([run, run]).count("Probe validated on control models in this report: yes") == 1
