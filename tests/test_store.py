"""Runs on disk: everything comes back, NaN included."""

from __future__ import annotations

import json
import math
import sqlite3
from array import array

import numpy as np
import pytest

from evalsuite import Attribution, ContinuationScore, Embedding, Failure, TokenScoreTable
from evalsuite.errors import StoreError
from evalsuite.metric import Estimate, Null
from evalsuite.response_store import Responses, decode_answer, encode_answer
from evalsuite.store import JobResult, Run, SampleRow, Store


@pytest.mark.parametrize(
    "answer", [TokenScoreTable((0.1, -1 / 3), ((0, 2), (2, 5))), Failure("a", "b")]
)
def test_answers_come_back_exactly(answer):
    assert decode_answer(*encode_answer(answer)) == answer


LONG = tuple(1 / (3 + i) for i in range(20))
SINGLE = tuple(float(np.float32(number)) for number in LONG)
PAIRS = tuple((4 * i, 4 * i + 3) for i in range(20))


@pytest.mark.parametrize(
    "answer",
    [
        TokenScoreTable(SINGLE, PAIRS, LONG, (*LONG[:-1], math.inf), ("a",) * 20),
        TokenScoreTable(LONG, (), SINGLE, SINGLE),
        TokenScoreTable(SINGLE, ((0, 2**40), *PAIRS[1:])),
        ContinuationScore(-1.5, 20, True, LONG),
        Attribution(LONG, PAIRS, 0.5, 1e-9),
    ],
)
def test_long_columns_come_back_exactly(answer):
    assert decode_answer(*encode_answer(answer)) == answer


def test_long_columns_are_kept_in_few_bytes():
    _, body, data = encode_answer(TokenScoreTable(SINGLE, PAIRS, LONG))
    assert len(data) == 20 * (4 + 2 * 4 + 8)
    assert len(body) < 200


def test_numbers_of_single_precision_are_kept_as_they_come():
    single, double = array("f", SINGLE), array("d", SINGLE)
    assert encode_answer(TokenScoreTable(single)) == encode_answer(TokenScoreTable(double))
    assert TokenScoreTable(single) == TokenScoreTable(double) == TokenScoreTable(SINGLE)


def test_a_number_that_is_none_stays_none():
    table = TokenScoreTable((*SINGLE, math.nan))
    back = decode_answer(*encode_answer(table)).logprobs
    assert tuple(back[:-1]) == SINGLE
    assert math.isnan(back[-1])


def test_answers_of_runs_before_columns_were_packed_are_read():
    body = json.dumps({"logprobs": LONG, "spans": PAIRS, "means": [], "deviations": []})
    assert decode_answer("TokenScoreTable", body, None) == TokenScoreTable(LONG, PAIRS)


def test_a_store_of_an_older_layout_is_read_and_added_to(tmp_path):
    with sqlite3.connect(tmp_path / "old.sqlite") as old:
        old.execute(
            "CREATE TABLE responses (fingerprint TEXT NOT NULL, digest TEXT NOT NULL, kind TEXT "
            "NOT NULL, body TEXT NOT NULL, vector BLOB, PRIMARY KEY (fingerprint, digest)) "
            "WITHOUT ROWID"
        )
        row = ("model", "1", *encode_answer(Failure("a", "b")))
        old.execute("INSERT INTO responses VALUES (?, ?, ?, ?, ?)", row)
    old.close()
    responses = Responses(tmp_path / "old.sqlite")
    responses.put_many("model", {"2": TokenScoreTable(SINGLE)})
    found = responses.get_many("model", ["1", "2"], with_failures=True)
    assert found == {"1": Failure("a", "b"), "2": TokenScoreTable(SINGLE)}


def test_vectors_come_back_bit_by_bit():
    vector = np.random.default_rng(0).standard_normal(7).astype(np.float32)
    np.testing.assert_array_equal(decode_answer(*encode_answer(Embedding(vector))).vector, vector)


def test_a_run_comes_back(tmp_path):
    store = Store(tmp_path / "run")
    estimate = Estimate("accuracy", 0.5, math.nan, math.nan, null=Null(0.1, 0.02), reason="why")
    store.write_plan({"jobs": []})
    store.write_samples("job", [SampleRow("1", "h", "ok", record={"x": math.nan})])
    store.write_result(JobResult("job", "m", "p", "task", "s", "finished", estimates=(estimate,)))
    store.write_manifest({"seed": 0})
    store.close()
    run = Run.open(tmp_path / "run")
    assert run.results[0].estimates[0].null == Null(0.1, 0.02)
    assert math.isnan(run.results[0].estimates[0].low)
    assert next(run.samples("job")).record == {"x": None}


def test_a_folder_that_is_no_run_says_so(tmp_path):
    with pytest.raises(StoreError, match="not a run directory"):
        Run.open(tmp_path)


def test_an_unwritable_folder_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="--output"):
        Store(tmp_path / "file" / "run")


def test_a_lone_surrogate_costs_neither_samples_nor_estimates(tmp_path):
    store = Store(tmp_path / "run")
    store.write_plan({"jobs": []})
    rows = [SampleRow("\udc80", "h", "failed", reason="\udc80", record={"x": "\udc80"})]
    store.write_samples("job", rows)
    store.write_result(JobResult("job", "m", "p", "task", "s", "failed", reason="\udc80"))
    store.close()
    run = Run.open(tmp_path / "run")
    assert run.results[0].reason == "\udc80"
    assert next(run.samples("job")).record == {"x": "\udc80"}


def test_outcomes_are_those_of_the_samples(tmp_path):
    store = Store(tmp_path / "run")
    store.write_plan({})
    rows = [
        SampleRow("1", "h1", "ok", record={"v": 1.5, "t": "\ud800"}),
        SampleRow("2", "", "failed", "why"),
    ]
    store.write_samples("job", rows)
    store.close()
    run = Run.open(tmp_path / "run")
    expected = [(row.content_hash, row.status == "ok", row.record) for row in run.samples("job")]
    assert list(run.outcomes("job")) == expected
    assert list(run.outcomes("none")) == []
