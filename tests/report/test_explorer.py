"""The samples of a page: as many as fit, the wanted ones first, and what was left out is said."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from report.small_runs import make_run, result

from evalsuite import Audio, Image
from evalsuite.exchange import shown_media
from evalsuite.report import Budget, render
from evalsuite.report.choice import shares
from evalsuite.report.explorer import MAX_SAMPLES, explore
from evalsuite.report.noteworthy import KINDS
from evalsuite.source import Sample
from evalsuite.store import Run, SampleRow, Store


def run_of(path: Path, *jobs: tuple[str, list[SampleRow]], **facts) -> Run:
    """A run of models whose samples are given."""
    store = Store(path)
    store.write_plan({"models": [{"name": model} for model, _ in jobs], "seed": 3})
    for model, rows in jobs:
        item = result(model, 0.5, 0.4, 0.6, **facts)
        store.write_samples(item.id, rows)
        store.write_result(replace(item, n_samples=len(rows)))
    store.close()
    return Run.open(path)


def said(name: str, text: str, content: str = "h") -> SampleRow:
    return SampleRow(name, content, "ok", record={"predicted": text, "score": 0.123456789})


def test_models_differ_where_their_answers_do(tmp_path):
    run = run_of(
        tmp_path / "run",
        ("m:a", [said("1", "cat"), said("2", "cat")]),
        ("m:b", [said("1", "cat"), said("2", "dog")]),
    )
    ((first, second),) = explore([run]).samples
    assert (first["differs"], second["differs"]) == (False, True)
    (listed,) = explore([run]).listed("differs")
    assert listed.answers == (("m:a", "cat"), ("m:b", "dog"))


def test_one_sample_of_two_runs_is_compared_side_by_side(tmp_path):
    runs = [run_of(tmp_path / name, (name, [said("1", name)])) for name in ("a:1", "b:1")]
    ((sample,),) = explore(runs).samples
    assert list(sample["models"]) == ["a:1", "b:1"]
    assert sample["differs"]


def test_samples_of_other_content_are_not_compared_because_of_their_id(tmp_path):
    runs = [run_of(tmp_path / name, (name, [said("1", "x", name)])) for name in ("a:1", "b:1")]
    (samples,) = explore(runs).samples
    assert [list(sample["models"]) for sample in samples] == [["a:1"], ["b:1"]]


def test_a_large_job_is_a_seeded_subset_with_its_failures_and_says_so(tmp_path):
    rows = [said(str(place), "x") for place in range(MAX_SAMPLES + 50)]
    rows[7] = SampleRow("7", "h", "failed", "it broke")
    explorer = explore([run_of(tmp_path / "run", ("m:a", rows))])
    assert len(explorer.samples[0]) == MAX_SAMPLES
    assert any(sample["failed"] for sample in explorer.samples[0])
    assert explorer.note.startswith("50 samples are not in this page")


def marked(**columns: float) -> SampleRow:
    return SampleRow("1", "h", "ok", record={"predicted": "x", **columns})


@pytest.mark.parametrize(
    ("row", "kinds"),
    [
        (marked(), set()),
        (marked(is_refusal=1.0), {"refused", "flagged"}),
        (marked(is_empty=0.5), {"refused", "flagged"}),  # of two answers, one
        (marked(is_empty=0.4), set()),
        (marked(is_cut=True), {"flagged"}),
        (SampleRow("1", "h", "failed", "it broke"), {"failed", "flagged"}),
    ],
)
def test_a_sample_is_marked_for_what_stands_out(row, kinds, tmp_path):
    ((sample,),) = explore([run_of(tmp_path / "run", ("m:a", [row]))]).samples
    assert {kind for kind in KINDS if sample[kind]} == kinds


def test_no_kind_of_noteworthy_samples_crowds_out_another(tmp_path):
    """Of 20 samples 10 are noteworthy: one failed, one refused, and 8 of a thousand that differ."""
    left = [said(str(place), "x") for place in range(2000)]
    right = [said(str(place), "y" if place < 1000 else "x") for place in range(2000)]
    left[1500] = SampleRow("1500", "h", "failed", "it broke")
    right[1600] = SampleRow("1600", "h", "ok", record={"predicted": "x", "is_refusal": 1.0})
    run = run_of(tmp_path / "run", ("m:a", left), ("m:b", right))
    explorer = explore([run], most=20)
    assert {"1500", "1600"} <= {sample["id"] for sample in explorer.samples[0]}
    assert sum(sample["differs"] for sample in explorer.samples[0]) >= 8
    agreeing = [s for s in explorer.samples[0] if not s["differs"] and not s["flagged"]]
    assert len(agreeing) >= 3
    assert "by turns: failed, refused, flagged" in explorer.note


def test_the_drawn_part_does_not_depend_on_the_order_of_the_source(tmp_path):
    rows = [said(str(place), "x") for place in range(100)]
    ids = []
    for name, ordered in (("a", rows), ("b", rows[::-1])):
        explorer = explore([run_of(tmp_path / name, ("m:a", ordered))], most=10)
        ids.append({sample["id"] for sample in explorer.samples[0]})
    assert ids[0] == ids[1]


def test_a_page_holds_as_many_samples_as_it_is_told_to(tmp_path):
    run = run_of(tmp_path / "run", ("m:a", [said(str(place), "x") for place in range(30)]))
    page = render([run], Budget(samples=10))
    assert "20 samples are not in this page, which keeps at most 10 of each probe" in page


def test_small_probes_leave_their_room_to_large_ones():
    """Of 100 places 10 and 20 are taken whole, and the others share 70."""
    assert shares([10, 500, 20, 500], 100) == [10, 35, 20, 35]
    assert shares([3, 2], 100) == [3, 2]
    assert shares([5, 5, 5], 1) == [1, 1, 1]
    assert shares([], 10) == []


def test_a_question_that_models_share_stands_once(tmp_path):
    asked = {"asked": "Generate", "parts": [{"text": "How?"}], "answer": {"text": "So."}}
    row = SampleRow("1", "h", "ok", record={}, exchange=(asked, {"more": 7}))
    ((sample,),) = explore([run_of(tmp_path / "run", ("m:a", [row]), ("m:b", [row]))]).samples
    assert sample["questions"] == [{"asked": "Generate", "parts": [{"text": "How?"}], "detail": {}}]
    assert sample["models"]["m:b"]["exchange"] == [{"question": 0, "answer": {"text": "So."}}]
    assert sample["models"]["m:b"]["more"] == 7


def test_a_text_with_several_continuations_is_told_without_the_first(tmp_path):
    def scored(continuation: str) -> dict:
        detail = {"continuation": continuation}
        return {"asked": "LogLikelihood", "parts": [{"text": "It is"}], "detail": detail}

    for ways, told in (((" so", " not"), "It is"), ((" so",), "It is so")):
        exchange = tuple(map(scored, ways))
        row = SampleRow("1", "h", "failed", "it broke", exchange=exchange)
        run = run_of(tmp_path / told, ("m:a", [row]))
        assert explore([run]).listed("failed")[0].asked == told


@pytest.mark.parametrize("text", ["no JSON", "[[1, 2], [3]]", "[]", '[["a"]]', "[[NaN]]", 7])
def test_a_map_of_another_form_is_left_out(text, tmp_path):
    row = SampleRow("1", "h", "ok", record={"map": text})
    ((sample,),) = explore([run_of(tmp_path / "run", ("m:a", [row]))]).samples
    assert sample["models"]["m:a"]["record"] == {}


@pytest.mark.parametrize(
    "text",
    ["no JSON", "[]", "[[0, 1, 1]]", "[[0, 1, 1], [0, 1, 1]]", "[[0, 1], [1, 0]]", "7",
     '[[0, 1, 1], [2, 0, 0]]', '[[0, 1, 1], ["1", 0, 0]]', "[[0, 1, 1], [1, null, 0]]"],
)  # fmt: skip
def test_a_curve_of_another_form_is_left_out(text, tmp_path):
    row = SampleRow("1", "h", "ok", record={"curve": text})
    ((sample,),) = explore([run_of(tmp_path / "run", ("m:a", [row]))]).samples
    assert sample["models"]["m:a"]["record"] == {}


def test_a_curve_may_have_no_random_one(tmp_path):
    curve = "[[0, 1, null], [0.5, 0.2, null]]"
    row = SampleRow("1", "h", "ok", record={"insertion_curve": curve})
    ((sample,),) = explore([run_of(tmp_path / "run", ("m:a", [row]))]).samples
    assert sample["models"]["m:a"]["record"] == {"insertion_curve": curve}


def test_the_pictures_of_several_explainers_are_kept_whole(tmp_path):
    whole = {
        "map": "[[1, 2]]",
        "map of lime": "[[2, 1]]",
        "curve of lime": "[[0, 1, 1], [1, 0, 0]]",
    }
    rows = [SampleRow("1", "h", "ok", record={**whole, "map of saliency": "no JSON"})]
    ((sample,),) = explore([run_of(tmp_path / "run", ("m:a", rows))]).samples
    assert sample["models"]["m:a"]["record"] == whole


def test_a_long_text_is_cut_and_says_by_how_much(tmp_path):
    row = said("1", "x" * 5600)
    ((sample,),) = explore([run_of(tmp_path / "run", ("m:a", [row]))]).samples
    assert sample["models"]["m:a"]["record"]["predicted"].endswith("x … (5,000 more characters)")


def test_long_ids_stay_unlike_one_another(tmp_path):
    rows = [said("i" * 900 + end, "x") for end in "ab"]
    (samples,) = explore([run_of(tmp_path / "run", ("m:a", rows))]).samples
    ids = {sample["id"] for sample in samples}
    assert len(ids) == 2
    assert max(map(len, ids)) < 220


def test_the_subset_is_the_one_whose_media_a_run_keeps(tmp_path):
    picture = Image(data=b"not read here")
    names = [str(place) for place in range(1000)]
    kept = {sha for sha, _ in shown_media([Sample(n, {"i": picture}) for n in names], seed=3)}
    assert kept == {picture.sha256}
    many = [Sample(n, {"i": Image(data=n.encode())}) for n in names]
    kept = {sha for sha, _ in shown_media(many, seed=3)}
    rows = [said(n, "x") for n in names]
    explorer = explore([run_of(tmp_path / "run", ("m:a", rows))])
    chosen = {sample["id"] for sample in explorer.samples[0]}
    assert {s.id for s in many if s.fields["i"].sha256 in kept} <= chosen


def test_a_page_over_its_budget_holds_fewer_samples(tmp_path):
    rows = [said(str(place), f"{place:x}" * 50) for place in range(200)]
    run = run_of(tmp_path / "run", ("m:a", rows))
    explorer = explore([run], limit=3000)
    assert len(explorer.packed) + 4 * len(explorer.lines) // 3 <= 3000
    assert 0 < len(explorer.samples[0]) < 200
    assert explorer.left_out == 200 - len(explorer.samples[0])


def test_clips_over_the_budget_cost_clips_before_samples(tmp_path):
    rng = np.random.default_rng(0)
    store = Store(tmp_path / "run")
    store.write_plan({"models": [{"name": "m:a"}], "seed": 3})
    rows = []
    for place in range(8):
        clip = Audio.from_array((0.1 * rng.standard_normal(8000)).astype(np.float32), 8000)
        store.write_media(clip.sha256, clip.encoded())
        asked = {"asked": "EmbedAudio", "parts": [{"audio": clip.sha256}], "answer": {}}
        rows.append(SampleRow(str(place), "h", "ok", record={"predicted": "x"}, exchange=(asked,)))
    item = result("m:a", 0.5, 0.4, 0.6)
    store.write_samples(item.id, rows)
    store.write_result(replace(item, n_samples=8))
    store.close()
    explorer = explore([Run.open(tmp_path / "run")], limit=60_000)
    assert len(explorer.packed) + 4 * len(explorer.lines) // 3 <= 60_000
    assert len(explorer.samples[0]) == 8
    assert 0 < len(explorer.media) < 8


def test_a_map_is_no_headline(tmp_path):
    row = SampleRow("1", "h", "ok", record={"map": "[[1]]"})
    assert explore([run_of(tmp_path / "run", ("m:a", [row]))]).probes[0]["headline"] == ""


def test_lines_are_the_samples_and_numbers_keep_five_digits(tmp_path):
    explorer = explore([run_of(tmp_path / "run", ("m:a", [said("1", "x")]))])
    (line,) = gzip.decompress(explorer.lines).decode().splitlines()
    assert json.loads(line)["models"]["m:a"]["record"] == {"predicted": "x", "score": 0.12346}


def test_secret_texts_stand_nowhere_unfolded(tmp_path):
    rows = [SampleRow("1", "h", "failed", "secret"), said("2", "secret")]
    other = [said("1", "x"), said("2", "x")]
    run = run_of(tmp_path / "run", ("m:a", rows), ("m:b", other), sensitive=True)
    assert not explore([run]).listed("differs")
    assert "secret" not in str(explore([run]).listed("failed"))


def test_a_run_without_samples_has_nothing_to_explore(tmp_path):
    assert explore([make_run(tmp_path / "run")]).probes == ()


def test_models_stand_in_the_order_of_the_run(tmp_path):
    run = run_of(tmp_path / "run", ("m:z", [said("1", "x")]), ("m:a", [said("1", "x")]))
    (line,) = gzip.decompress(explore([run]).lines).decode().splitlines()
    assert list(json.loads(line)["models"]) == ["m:z", "m:a"]


def test_parts_of_an_answer_that_are_not_there_are_not_listed(tmp_path):
    asked = {"asked": "Transcribe", "answer": {"text": "a", "words": [], "seconds": None}}
    row = SampleRow("1", "hash", "ok", record={"hypothesis": "a"}, exchange=(asked,))
    (samples,) = explore([run_of(tmp_path, ("model", [row]))]).samples
    assert samples[0]["models"]["model"]["exchange"][0]["answer"] == {"text": "a"}
