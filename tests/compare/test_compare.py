"""Planted differences are found, clean twins are not told apart, and silence never looks good."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from compare.written_runs import (
    ACCURACY,
    GAP,
    SCORE,
    WORDS,
    Median,
    Written,
    right,
    scored,
    use_metrics,
    write_run,
)

from evalsuite import Mean
from evalsuite.compare import Comparison, Difference, Subject, compare
from evalsuite.compare.verdicts import verdict_of
from evalsuite.errors import NothingSelectedError, UsageError
from evalsuite.statistics import benjamini_hochberg, generator, holm, paired_comparison


@pytest.fixture(autouse=True)
def accuracy(monkeypatch):
    use_metrics(monkeypatch, ACCURACY)


def two(tmp_path, first, second, **facts) -> Comparison:
    run = write_run(tmp_path / "run", Written("m:a", first), Written("m:b", second), **facts)
    return compare([run], resamples=2000)


def only(comparison: Comparison, metric: str = "accuracy") -> Difference:
    (found,) = comparison.of("probe", metric)
    return found


# ------------------------------------------------------------------------------------------------
# Values
# ------------------------------------------------------------------------------------------------


def test_twenty_answers_by_hand(tmp_path):
    # b alone is right on 6, a alone on 1: p = 2·(1 + 7)/2⁷ = .125, odds (6 + ½)/(1 + ½)
    found = only(
        two(tmp_path, right([1] * 10 + [0] * 10), right([1] * 9 + [0] + [1] * 6 + [0] * 4))
    )
    assert (found.baseline_value, found.candidate_value, found.value) == (0.5, 0.75, 0.25)
    assert found.p_value == pytest.approx(0.125)
    assert found.effect_size == pytest.approx(6.5 / 1.5)
    assert (found.extra["only_candidate"], found.extra["only_baseline"]) == (6, 1)
    assert (found.method, found.test) == ("Newcombe paired", "McNemar, exact")
    assert found.low < 0.25 < found.high
    assert found.verdict == "not distinguishable"


def test_a_mean_is_compared_as_the_statistics_do(tmp_path, monkeypatch):
    use_metrics(monkeypatch, SCORE)
    first, second = scored(rng(1), 90), scored(rng(2), 90, 0.4)
    comparison = two(tmp_path, first, second, metrics=(SCORE,))
    found = next(comparison.of("probe", "score"))
    order = sorted(range(90), key=lambda n: f"sample {n}")  # pairs go by their hash
    values = [np.array([records[n]["score"] for n in order]) for records in (second, first)]
    plain = paired_comparison(
        *values, rng=generator(0, "compare", "probe", "score", "", "means"),
        resamples=2000, permutations=2000, method="expanded",
    )  # fmt: skip
    assert found.value == pytest.approx(plain.difference)
    assert (found.low, found.high) == pytest.approx((plain.interval.low, plain.interval.high))
    assert found.p_value == plain.p_value
    differences = values[0] - values[1]
    assert found.effect_size == pytest.approx(differences.mean() / differences.std(ddof=1))
    # what 80 % power finds: 2.8 standard errors
    error = differences.std(ddof=1) / math.sqrt(90)
    assert found.minimum_detectable == pytest.approx(2.8016 * error, rel=0.05)
    assert found.verdict == "better"


def test_a_slice_is_compared_as_if_it_were_all(tmp_path, monkeypatch):
    use_metrics(monkeypatch, SCORE)
    first, second = scored(rng(1), 80), scored(rng(2), 80, 0.3)
    whole = two(tmp_path / "whole", first, second, metrics=(SCORE,))
    part = two(tmp_path / "part", first[::2], second[::2], metrics=(SCORE,))
    sliced = next(whole.of("probe", "score", "kind=a"))
    alone = next(part.of("probe", "score"))
    assert (sliced.value, sliced.n) == (pytest.approx(alone.value), 40)
    assert (sliced.low, sliced.high) == pytest.approx((alone.low, alone.high), abs=0.05)
    assert math.isnan(sliced.p_holm)  # no scorecard shows it: outside the family


@pytest.mark.parametrize(("metric", "name"), [(WORDS, "WER"), (GAP, "gap")], ids=["ratio", "gap"])
def test_ratios_and_gaps_are_resampled_jointly(tmp_path, monkeypatch, metric, name):
    use_metrics(monkeypatch, metric)
    first = scored(rng(1), 120)
    same = two(tmp_path / "same", first, first, metrics=(metric,))
    found = next(same.of("probe", name))
    assert (found.value, found.low, found.high, found.p_value) == (0, 0, 0, 1)
    for record in (second := [dict(record) for record in first]):
        record["wrong"] += 4
        record["score"] += 2 * (record["kind"] == "b")
    worse = next(two(tmp_path / "worse", first, second, metrics=(metric,)).of("probe", name))
    assert worse.verdict == "worse"
    assert worse.low > 0
    assert worse.method.startswith("paired bootstrap of sums")


def test_any_metric_is_computed_anew(tmp_path, monkeypatch):
    use_metrics(monkeypatch, Median())
    first, second = scored(rng(1), 101), scored(rng(2), 101, 0.5)
    found = next(two(tmp_path, first, second, metrics=(Median(),)).of("probe", "median"))
    scores = [np.array([r["score"] for r in records]) for records in (first, second)]
    draws = rng(3).integers(0, 101, (4000, 101))
    differences = np.median(scores[1][draws], axis=1) - np.median(scores[0][draws], axis=1)
    assert found.value == pytest.approx(np.median(scores[1]) - np.median(scores[0]))
    assert (found.low, found.high) == pytest.approx(
        np.quantile(differences, [0.025, 0.975]), abs=0.1
    )
    assert "400 times anew" in found.method


def test_clusters_are_drawn_whole(tmp_path, monkeypatch):
    by_speaker = Mean("score", name="score", clusters="speaker", primary=True)
    use_metrics(monkeypatch, by_speaker)
    found = next(
        two(tmp_path, scored(rng(1), 80), scored(rng(2), 80), metrics=(by_speaker,)).of(
            "probe", "score"
        )
    )
    assert (found.unit, found.n, found.n_units) == ("speaker", 80, 20)


def test_what_the_records_do_not_give_is_compared_by_its_intervals(tmp_path, monkeypatch):
    use_metrics(monkeypatch)  # the plugin is gone
    found = only(two(tmp_path, right([1, 0] * 40), right([1, 1, 0, 0] * 20)))
    assert found.method == "square and add of two intervals"
    assert "unrelated" in str(found.reason)


# ------------------------------------------------------------------------------------------------
# Calibration
# ------------------------------------------------------------------------------------------------


def test_clean_twins_are_seldom_told_apart(tmp_path, monkeypatch):
    use_metrics(monkeypatch, SCORE)
    found = []
    for seed in range(60):
        first, second = scored(rng(2 * seed), 40), scored(rng(2 * seed + 1), 40)
        comparison = two(tmp_path / str(seed), first, second, metrics=(SCORE,))
        found.append(next(comparison.of("probe", "score")).p_value)
    # at 5 % of 60 three are expected; more than 8 come by chance in 1 of 200 such tests
    assert sum(p <= 0.05 for p in found) <= 8


def test_a_planted_difference_is_found_of_its_size(tmp_path, monkeypatch):
    use_metrics(monkeypatch, SCORE)
    comparison = two(tmp_path, scored(rng(1), 400), scored(rng(2), 400, 0.2), metrics=(SCORE,))
    found = next(comparison.of("probe", "score"))
    assert found.verdict == "better"
    assert found.low < 0.2 < found.high


# ------------------------------------------------------------------------------------------------
# Silence
# ------------------------------------------------------------------------------------------------


def test_a_model_that_answers_nothing_has_no_difference_and_is_a_regression(tmp_path):
    comparison = two(tmp_path, right([1, 0] * 20), [None] * 40)
    found = only(comparison)
    assert found.verdict == "undefined"
    assert "no sample was answered" in str(found.reason)
    assert comparison.regressions == (found,)


def test_failed_samples_are_in_no_pair_and_are_counted(tmp_path):
    first = right([1] * 20 + [0] * 20)
    second = [None] * 10 + first[10:]
    comparison = two(tmp_path, first, second)
    found = only(comparison)
    # on the 30 that both answered the two are alike, whatever they have on all
    assert (found.value, found.n, found.n_unpaired) == (0.0, 30, 10)
    assert found.extra["failed_candidate"] == 10
    assert any(note.kind == "samples" and "30 of 40" in note.text for note in comparison.notes)


def test_identical_answers_are_alike_with_room_for_doubt(tmp_path):
    found = only(two(tmp_path, right([1, 0] * 20), right([1, 0] * 20)))
    assert (found.value, found.p_value, found.verdict) == (0.0, 1.0, "not distinguishable")
    assert found.low < 0 < found.high


def test_one_sample_has_no_verdict(tmp_path):
    found = only(two(tmp_path, right([1]), right([0])))
    assert (found.verdict, math.isnan(found.p_value)) == ("undefined", True)
    assert "fewer than two" in str(found.reason)


def test_a_failed_job_is_noted(tmp_path):
    run = write_run(
        tmp_path / "run",
        Written("m:a", right([1, 0])), Written("m:b", right([1, 0])),
        Written("m:c", [], status="failed"),
    )  # fmt: skip
    comparison = compare([run])
    assert [(n.kind, n.subject.model) for n in comparison.notes] == [("not compared", "m:c")]


# ------------------------------------------------------------------------------------------------
# Data
# ------------------------------------------------------------------------------------------------


def data_runs(tmp_path):
    first = write_run(tmp_path / "one", Written("m:a", right([1, 0, 1]), hashes="abc"))
    second = write_run(tmp_path / "two", Written("m:b", right([0, 1, 1]), hashes="bcd"))
    return [first, second]


def test_other_data_are_refused_in_one_paragraph(tmp_path):
    with pytest.raises(UsageError, match="did not see the same data") as caught:
        compare(data_runs(tmp_path))
    assert "3 and 3 samples, of which 2 are the same" in str(caught.value)
    assert "--allow-different-data" in str(caught.value)


def test_other_data_are_paired_where_allowed_and_that_is_said(tmp_path):
    comparison = compare(data_runs(tmp_path), allow_different_data=True)
    assert only(comparison).n == 2
    assert [note.kind for note in comparison.notes] == ["common part"]


def test_the_order_of_samples_changes_nothing(tmp_path):
    first, second = scored(rng(1), 60), scored(rng(2), 60, 0.1)
    shuffled = rng(3).permutation(60)
    names = [f"sample {n}" for n in range(60)]
    run = write_run(
        tmp_path / "run",
        Written("m:a", first, names),
        Written("m:b", [second[n] for n in shuffled], [names[n] for n in shuffled]),
    )
    assert only(compare([run])) == only(two(tmp_path / "straight", first, second))


def test_other_options_are_noted(tmp_path):
    run = write_run(
        tmp_path / "run",
        Written("m:a", right([1, 0]), options={"shots": 0}),
        Written("m:b", right([1, 1]), options={"shots": 5}),
    )
    (note,) = compare([run]).notes
    assert (note.kind, "shots 5 not 0" in note.text) == ("settings", True)


# ------------------------------------------------------------------------------------------------
# Many
# ------------------------------------------------------------------------------------------------


def many(tmp_path) -> Comparison:
    hits = {"m:a": 10, "m:b": 14, "m:c": 30, "m:d": 38}
    jobs = [
        Written(m, right([1] * k + [0] * (40 - k)), label=label)
        for label in "xy"
        for m, k in hits.items()
    ]
    return compare([write_run(tmp_path / "run", *jobs)])


def test_p_values_are_adjusted_over_the_declared_family(tmp_path):
    comparison = many(tmp_path)
    raw = [d.p_value for d in comparison.differences]
    assert comparison.family.n_tests == len(raw) == 6
    assert [d.p_holm for d in comparison.differences] == pytest.approx(holm(raw))
    assert [d.p_bh for d in comparison.differences] == pytest.approx(benjamini_hochberg(raw))


def test_ties_share_a_letter_and_the_best_has_an_a(tmp_path):
    letters = {s.model: text for s, text in many(tmp_path).ties[0].letters.items()}
    # nested hits: 38 and 30 differ by 8, p = 2/2⁸, doubled by Holm; 14 and 10 by 4, p = 2/2⁴
    assert letters == {"m:d": "a", "m:c": "b", "m:b": "c", "m:a": "c"}


def test_a_tally_counts_verdicts(tmp_path):
    comparison = many(tmp_path)
    assert comparison.tally(Subject("run", "m:d")) == {"better": 2}
    assert comparison.tally(Subject("run", "m:b")) == {"not distinguishable": 2}


def test_the_baseline_is_the_first_or_the_one_named(tmp_path):
    runs = [
        write_run(tmp_path / n, Written("m:a", right([1, 0])), Written("m:b", right([1, 1])))
        for n in ("x", "y")
    ]
    assert compare(runs).baseline == Subject("x", "m:a")
    assert compare(runs, baseline="y").baseline == Subject("y", "m:a")
    assert compare(runs, baseline="m:b (y)").baseline == Subject("y", "m:b")
    assert compare(runs, models=["m:b"]).subjects == (Subject("x", "m:b"), Subject("y", "m:b"))
    with pytest.raises(UsageError, match="say which"):
        compare(runs, baseline="m:b")
    with pytest.raises(UsageError, match="Did you mean 'm:a'"):
        compare(runs, baseline="m:aa")
    with pytest.raises(UsageError, match="no model 'm:c'"):
        compare(runs, models=["m:c"])
    with pytest.raises(NothingSelectedError, match="takes two models"):
        compare(runs[:1], models=["m:a"])


def test_runs_of_one_name_are_numbered(tmp_path):
    runs = [write_run(tmp_path / n / "run", Written("m:a", right([1, 0]))) for n in "xy"]
    assert compare(runs).subjects == (Subject("run #1", "m:a"), Subject("run #2", "m:a"))


def test_a_probe_without_the_baseline_has_one_of_its_own(tmp_path):
    run = write_run(
        tmp_path / "run",
        Written("m:a", right([1, 0]), label="x"), Written("m:b", right([1, 0]), label="x"),
        Written("m:b", right([1, 0]), label="y"), Written("m:c", right([1, 1]), label="y"),
    )  # fmt: skip
    found = {(d.label, d.baseline.model, d.candidate.model) for d in compare([run]).differences}
    assert found == {("x", "m:a", "m:b"), ("y", "m:b", "m:c")}
    named = {d.label for d in compare([run], baseline="m:a").differences}
    assert named == {"x"}


def test_nothing_in_common_is_said(tmp_path):
    run = write_run(
        tmp_path / "run",
        Written("m:a", right([1]), label="x"),
        Written("m:b", right([1]), label="y"),
    )
    with pytest.raises(NothingSelectedError, match="nothing to compare"):
        compare([run])


def test_a_comparison_is_the_same_every_time_and_is_json(tmp_path):
    one, other = many(tmp_path / "a"), many(tmp_path / "b")
    assert one.to_json() == other.to_json()
    document = json.loads(json.dumps(one.to_json(), allow_nan=False))
    assert document["schema_version"] == 1
    assert document["candidates"][-1] == {
        "subject": {"run": "run", "model": "m:d"},
        "verdicts": {"better": 2},
    }
    assert document["ties"][0]["letters"][0]["letters"] == "a"


# ------------------------------------------------------------------------------------------------
# Seeds
# ------------------------------------------------------------------------------------------------


def test_runs_with_several_seeds_tell_luck_from_samples(tmp_path, monkeypatch):
    use_metrics(monkeypatch, SCORE)
    shifts = [0.0, 0.5, 1.0, 1.5]
    runs = [
        write_run(
            tmp_path / f"seed{n}", Written("m:a", scored(rng(n), 200, shift)),
            metrics=(SCORE,), seed=n,
        )
        for n, shift in enumerate(shifts)
    ]  # fmt: skip
    (part,) = compare(runs, resamples=200).components
    assert (part.model, part.seeds, part.n_samples) == ("m:a", (0, 1, 2, 3), 200)
    assert part.between_seeds == pytest.approx(np.var(shifts, ddof=1), rel=0.2)
    assert part.residual == pytest.approx(0.25, rel=0.2)
    assert part.between_samples == pytest.approx(1.0, rel=0.3)


def test_runs_of_one_seed_have_no_components(tmp_path):
    runs = [write_run(tmp_path / n, Written("m:a", right([1, 0]))) for n in "xy"]
    assert compare(runs).components == ()


# ------------------------------------------------------------------------------------------------
# Verdicts
# ------------------------------------------------------------------------------------------------

BASE = Difference(
    label="l", probe="p", family="f", metric="m", baseline=Subject("r", "a"),
    candidate=Subject("r", "b"), baseline_value=0.5, candidate_value=0.7, value=0.2, p_value=0.01,
)  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "verdict"),
    [
        ({"direction": "higher is better"}, "better"),
        ({"direction": "lower is better"}, "worse"),
        ({"direction": "neither"}, "differs"),
        ({"direction": "closer to null is better", "extra": {"null": 0.4}}, "worse"),
        ({"direction": "closer to null is better", "extra": {"null": 0.8}}, "better"),
        ({"direction": "closer to null is better", "extra": {"null": 0.6}}, "differs"),
        ({"direction": "closer to null is better"}, "differs"),
        ({"direction": "higher is better", "p_holm": 0.2}, "not distinguishable"),
        ({"direction": "higher is better", "p_value": math.nan}, "undefined"),
        ({"direction": "higher is better", "value": math.nan}, "undefined"),
    ],
)
def test_the_verdict_follows_the_direction(facts, verdict):
    assert verdict_of(replace(BASE, **facts), 0.05) == verdict


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_a_metric_computed_anew_tells_clean_twins_apart_seldom(tmp_path, monkeypatch):
    use_metrics(monkeypatch, Median())
    found = []
    for seed in range(40):
        jobs = [Written(f"m:{k}", scored(rng(500 + 2 * seed + k), 60)) for k in range(2)]
        comparison = compare(
            [write_run(tmp_path / str(seed), *jobs, metrics=(Median(),))], refits=100
        )
        found.append(next(comparison.of("probe", "median")).p_value)
    # two are expected of 40 at 5 %; more than 6 come by chance in 1 of 300 such tests
    assert sum(p <= 0.05 for p in found) <= 6
