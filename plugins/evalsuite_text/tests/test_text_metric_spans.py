"""Entities in label sequences, and their F1."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from evalsuite import DataError, Table
from evalsuite_text.metrics.entities import entities_of
from evalsuite_text.metrics.span_f1 import SpanF1


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ("B-X I-X O", [("X", 0, 2)]),
        ("O I-X I-X", [("X", 1, 3)]),  # an I after O begins an entity
        ("B-X I-Y I-Y", [("X", 0, 1), ("Y", 1, 3)]),  # so does another type
        ("I-X B-X I-X", [("X", 0, 1), ("X", 1, 3)]),  # and a B after an I of its own type
        ("B-X B-X", [("X", 0, 1), ("X", 1, 2)]),
        ("I-X I-Y O I-X", [("X", 0, 1), ("Y", 1, 2), ("X", 3, 4)]),
        ("O O", []),
        ("", []),
        ("B-X", [("X", 0, 1)]),
        ("B-X-Y I-X-Y", [("X-Y", 0, 2)]),
    ],
)
def test_conll_rules_by_hand(labels, expected) -> None:
    assert entities_of(labels.split(), "bio") == expected
    assert entities_of(labels.split(), "iob1") == expected


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ("B-X I-X E-X S-Y", [("X", 0, 3), ("Y", 3, 4)]),
        ("S-X S-X", [("X", 0, 1), ("X", 1, 2)]),
        ("B-X E-X I-X", [("X", 0, 2), ("X", 2, 3)]),  # what follows an end begins another
        ("E-X E-X", [("X", 0, 1), ("X", 1, 2)]),
        ("B-X I-Y E-Y", [("X", 0, 1), ("Y", 1, 3)]),
        ("B-X O E-X", [("X", 0, 1), ("X", 2, 3)]),
    ],
)
def test_ends_and_singles(labels, expected) -> None:
    assert entities_of(labels.split(), "bioes") == expected
    other = labels.replace("E-", "L-").replace("S-", "U-")
    assert entities_of(other.split(), "bilou") == expected


def test_a_label_of_another_scheme_is_refused_in_words() -> None:
    with pytest.raises(DataError, match="'S-X' is not written in the scheme 'bio'"):
        entities_of(["S-X"], "bio")
    with pytest.raises(DataError, match="'PER'"):
        entities_of(["PER"], "bio")
    with pytest.raises(ValueError, match="scheme must be one of"):
        SpanF1(scheme="bmes")


def table(target, predicted) -> Table:
    pairs = zip(target, predicted)
    rows = [{"target": json.dumps(t.split()), "predicted": json.dumps(p.split())} for t, p in pairs]
    return Table.from_records(rows)


def test_f1_of_hand_counted_sentences() -> None:
    # right: X(0,2), Y(3,4), X(0,1). predicted: X(0,2), X(3,4), X(0,1), Y(1,2)
    # hits 2 (both X), spurious 2, missed 1: F1 = 4/7, precision 2/4, recall 2/3
    # X: 2 hits, 1 spurious, 0 missed: 4/5. Y: 0 hits, 1 spurious, 1 missed: 0
    made = table(["B-X I-X O B-Y", "B-X O"], ["B-X I-X O B-X", "B-X B-Y"])
    rng = np.random.default_rng
    whole, x, y = SpanF1().estimate(made, rng(0))
    assert whole.value == pytest.approx(4 / 7)
    assert (x.slice, x.value) == ("type=X", pytest.approx(4 / 5))
    assert (y.slice, y.value) == ("type=Y", 0)
    assert SpanF1(part="precision").estimate(made, rng(0))[0].value == pytest.approx(2 / 4)
    assert SpanF1(part="recall").estimate(made, rng(0))[0].value == pytest.approx(2 / 3)
    # paired the other way: sentence 1 predicts X(0,2), X(3,4) against X(0,1): none;
    # sentence 2 predicts X(0,1), Y(1,2) against X(0,2), Y(3,4): none
    assert whole.null.value == 0


def test_no_entity_is_undefined_with_a_reason() -> None:
    rng = np.random.default_rng(0)
    none = SpanF1().estimate(table(["O O", "O"], ["O O", "O"]), rng)[0]
    assert math.isnan(none.value)
    assert "no entity" in none.reason
    missed = SpanF1().estimate(table(["B-X O", "O"], ["O O", "O"]), rng)[0]
    assert missed.value == 0
    precision = SpanF1(part="precision").estimate(table(["B-X O"], ["O O"]), rng)[0]
    assert math.isnan(precision.value)


def random_labels(rng, n: int, prefixes: str) -> list[str]:
    choices = ["O", *(f"{p}-{t}" for p in prefixes for t in ("X", "Y"))]
    return [" ".join(rng.choice(choices, rng.integers(1, 12))) for _ in range(n)]


def test_a_tagger_that_does_not_read_stays_at_the_null() -> None:
    rng = np.random.default_rng(0)
    target, blind = random_labels(rng, 200, "BI"), random_labels(rng, 200, "BI")
    good = [t if i % 2 else b for i, (t, b) in enumerate(zip(target, blind))]
    still = SpanF1(margin=0.02).estimate(table(target, blind), np.random.default_rng(0))[0]
    found = SpanF1(margin=0.02).estimate(table(target, good), np.random.default_rng(0))[0]
    assert still.value > 0.05  # short entities are hit by luck, and the null knows how often
    assert still.verdict == "compatible with null"
    assert found.verdict == "differs from null"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("scheme", "prefixes"), [("bio", "BI"), ("bioes", "BIES")])
def test_random_sequences_against_seqeval(seed, scheme, prefixes) -> None:
    seqeval = pytest.importorskip("seqeval.metrics", reason="seqeval is not installed")
    rng = np.random.default_rng(seed)
    target, predicted = random_labels(rng, 60, prefixes), random_labels(rng, 60, prefixes)
    predicted = [
        p if i % 3 and len(p.split()) == len(t.split()) else t
        for i, (t, p) in enumerate(zip(target, predicted))
    ]
    split = ([t.split() for t in target], [p.split() for p in predicted])
    for part, theirs in (
        ("f1", seqeval.f1_score),
        ("precision", seqeval.precision_score),
        ("recall", seqeval.recall_score),
    ):
        metric = SpanF1(part=part, scheme=scheme)
        value = metric.estimate(table(target, predicted), np.random.default_rng(0))[0].value
        assert value == pytest.approx(theirs(*split), abs=1e-9)
