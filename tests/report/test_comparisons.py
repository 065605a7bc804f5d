"""The sentences at the top follow from the tests, and say how many there were."""

from __future__ import annotations

import pytest
from report.small_runs import make_run, result

from evalsuite.compare import Comparison, Difference, Subject, TestFamily, TieGroups
from evalsuite.report import render
from evalsuite.report.comparisons import Compared, comparisons
from evalsuite.report.differences import difference_plots, difference_table, p_value
from evalsuite.store import SampleRow, Store

A, B = Subject("run", "m:a"), Subject("run", "m:b")


def difference(label: str, verdict: str, value: float = 0.1, **facts) -> Difference:
    return Difference(
        label=label, probe=label, family="task", metric="accuracy", baseline=A, candidate=B,
        value=value, low=value - 0.05, high=value + 0.05, p_value=0.01, p_holm=0.04, n=50,
        verdict=verdict, is_primary=True, **facts,
    )  # fmt: skip


def comparison(*differences: Difference) -> Comparison:
    ties = TieGroups("p0", "accuracy", "", {A: "a", B: "ab"}, 1)
    return Comparison(
        subjects=(A, B), baseline=A, differences=differences, ties=(ties,), components=(),
        notes=(), level=0.95, alpha=0.05, family=TestFamily("declared", len(differences)),
        resamples=100, seed=0,
    )  # fmt: skip


def sentences(*verdicts: str) -> list[str]:
    made = comparison(*(difference(f"p{place}", v) for place, v in enumerate(verdicts)))
    (standing,) = Compared((made,)).standings
    return [text for _, text in standing.sentences]


EQUAL = "not distinguishable"


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        (["better", EQUAL], "m:b > m:a on 1 of 2 metrics (p0); 1 not distinguishable."),
        (["worse", "better"], "m:b > m:a on 1 of 2 metrics (p1), < on 1 (p0)."),
        ([EQUAL], "m:b: 1 of 1 metric not distinguishable."),
        (["differs", "undefined"], "m:b ≠ m:a on 1 of 2 metrics (p0); 1 could not be tested."),
        (["undefined"], "m:b: 1 of 1 metric could not be tested."),
        (["better"] * 4, "m:b > m:a on 4 of 4 metrics."),
    ],
)
def test_a_sentence_counts_what_the_tests_found(verdicts, expected):
    assert sentences(*verdicts) == [expected]


def test_the_sentences_say_how_many_tests_there_were():
    (standing,) = Compared((comparison(difference("p", "better")),)).standings
    assert (standing.baseline, standing.tests) == ("m:a", "α = 0.05, Holm over 1 test")


def test_bad_news_decide_the_sign_of_a_sentence():
    made = comparison(difference("p", "better"), difference("q", "worse"))
    (standing,) = Compared((made,)).standings
    assert standing.sentences[0][0] == "worse"


def test_tie_letters_are_found_by_model():
    letters = Compared((comparison(difference("p0", EQUAL)),)).letters
    assert letters["p0", "accuracy", "m:b"] == "ab"


def test_a_dot_is_full_where_the_test_tells_apart_whatever_the_interval_says():
    # Both intervals, [0.05, 0.15], exclude 0; the second p-value did not survive Holm.
    drawn = [difference("p", "better"), difference("p", EQUAL)]
    ((caption, plot),) = difference_plots("p", drawn)
    assert caption == "accuracy, difference to m:a"
    assert [row["verdict"] for row in plot.specification["data"]["values"]] == [
        "differs from null",
        "compatible with null",
    ]


def test_the_table_has_adjusted_p_values_and_effect_sizes():
    table = difference_table("p", [difference("p", "better", effect_size=0.31, effect_name="d_z")])
    (row,) = table.rows
    assert [getattr(cell, "text", cell) for cell in row] == [
        "m:b", "accuracy", "+0.100", "0.040", "+0.310", "50", "▴ better",
    ]  # fmt: skip


def test_a_p_value_is_never_nought():
    assert p_value(0.0) == "< 0.001"


def test_models_that_share_a_probe_are_compared(tmp_path):
    run = make_run(
        tmp_path / "run",
        result("control:clean", 0.01, 0.0, 0.03),
        result("control:planted", 0.5, 0.4, 0.6),
    )
    (made,) = comparisons([run], run.results).comparisons
    assert made.baseline.model == "control:clean"
    assert [s.model for s in made.candidates] == ["control:planted"]


def test_one_model_has_nobody_to_be_compared_with(tmp_path):
    run = make_run(tmp_path / "run", result("m:a", 0.01, 0.0, 0.03))
    assert comparisons([run], run.results) == Compared()


def runs_of_different_data(tmp_path):
    runs = []
    for name, hashes in (("first", "abc"), ("second", "bcd")):
        item = result(f"m:{name}", 0.01, 0.0, 0.03)
        run = make_run(tmp_path / name, item)
        store = Store(run.path)
        rows = [SampleRow(h, h, "ok", record={"correct": 1.0}) for h in hashes]
        store.write_samples(item.id, rows)
        store.close()
        runs.append(run)
    return runs


def test_runs_of_different_data_are_not_compared_and_the_page_says_so(tmp_path):
    page = render(runs_of_different_data(tmp_path))
    assert "Not compared: m:first, m:second:" in page
    assert "Beside m:first" not in page


def test_the_common_part_is_compared_when_asked_for(tmp_path):
    page = render(runs_of_different_data(tmp_path), allow_different_data=True)
    assert "Beside m:first" in page
    assert "common part" in page
