"""BLEU, chrF and TER: sacrebleu's own figures, one row's worth of statistics at a time."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from sacrebleu.metrics import BLEU, CHRF, TER

from evalsuite import Table
from evalsuite_text.metrics.corpus import CorpusBleu, CorpusChrf, CorpusTer

WORDS = [
    "the",
    "a",
    "cat",
    "dog",
    "mat",
    "sits",
    "on",
    "runs",
    "house",
    "is",
    "small",
    ",",
    ".",
    "old",
    "to",
    "and",
    "Müller",
]


def corpus(seed: int, n: int = 40, empty: bool = True):
    rng = np.random.default_rng(seed)
    references = [
        [" ".join(rng.choice(WORDS, rng.integers(3, 15))) for _ in range(rng.integers(1, 4))]
        for _ in range(n)
    ]
    predictions = []
    for options in references:
        words = options[0].split()
        words = [w if rng.random() > 0.3 else str(rng.choice(WORDS)) for w in words]
        predictions.append(" ".join(words[: rng.integers(0, len(words) + 1)]))
    if empty:
        predictions[0] = ""
    return predictions, references


def table(predictions, references, **columns) -> Table:
    rows = [
        {"prediction": p, "references": json.dumps(r), **{k: v[i] for k, v in columns.items()}}
        for i, (p, r) in enumerate(zip(predictions, references))
    ]
    return Table.from_records(rows)


def streams(references):
    width = max(map(len, references))
    return [[r[i] if i < len(r) else None for r in references] for i in range(width)]


PAIRS = [
    (CorpusBleu(), BLEU()),
    (CorpusBleu(tokenize="zh"), BLEU(tokenize="zh")),
    (CorpusBleu(tokenize="char"), BLEU(tokenize="char")),
    (CorpusBleu(tokenize="none", lowercase=True), BLEU(tokenize="none", lowercase=True)),
    (CorpusChrf(), CHRF()),
    (CorpusChrf(word_order=2), CHRF(word_order=2)),
    (CorpusTer(), TER(case_sensitive=True)),
    (CorpusTer(asian=True), TER(case_sensitive=True, normalized=True, asian_support=True)),
]


@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=lambda m: repr(m)[:30])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_point_is_sacrebleus(ours, theirs, seed) -> None:
    predictions, references = corpus(seed)
    estimate = ours.estimate(table(predictions, references), np.random.default_rng(0))[0]
    expected = theirs.corpus_score(predictions, streams(references))
    assert estimate.value == pytest.approx(expected.score, abs=1e-9)
    assert estimate.extra["signature"] == str(theirs.get_signature())
    assert estimate.low < estimate.value < estimate.high


@pytest.mark.parametrize(("ours", "theirs"), PAIRS[:1] + PAIRS[4:7], ids=lambda m: repr(m)[:30])
def test_every_resample_is_sacrebleus_score_of_the_repeated_rows(ours, theirs) -> None:
    from evalsuite_text.metrics.corpus import _statistics

    predictions, references = corpus(3, n=12)
    statistics = _statistics(theirs, predictions, references)
    rng = np.random.default_rng(5)
    for _ in range(20):
        drawn = rng.integers(0, 12, size=12)
        score = ours._score(statistics[drawn].sum(axis=0, keepdims=True))[0]
        again = theirs.corpus_score(
            [predictions[i] for i in drawn], streams([references[i] for i in drawn])
        )
        assert score == pytest.approx(again.score, abs=1e-9)


def test_bleu_of_a_hand_counted_pair() -> None:
    # hypothesis "a b c d e" of "a b c d f g": 4/5, 3/4, 2/3, 1/2; brevity exp(1 - 6/5)
    estimate = CorpusBleu(tokenize="none").estimate(
        table(["a b c d e"], [["a b c d f g"]]), np.random.default_rng(0)
    )[0]
    expected = 100 * math.exp(-0.2) * (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25
    assert estimate.value == pytest.approx(expected, abs=1e-9)
    assert math.isnan(estimate.low)
    assert "fewer than two units" in estimate.method


def test_worst_and_best_scores() -> None:
    _, references = corpus(1)
    gold = [options[0] for options in references]
    rng = np.random.default_rng
    for metric, best, worst in (
        (CorpusBleu(), 100, 0),
        (CorpusChrf(), 100, 0),
        (CorpusTer(), 0, 100),
    ):
        ones = [[text] for text in gold]
        assert metric.estimate(table(gold, ones), rng(0))[0].value == pytest.approx(best)
        empty = metric.estimate(table([""] * len(gold), ones), rng(0))[0]
        assert empty.value == pytest.approx(worst)


def test_text_that_ignores_its_source_stays_at_the_null() -> None:
    rng = np.random.default_rng(2)
    references = [[" ".join(rng.choice(WORDS, 8))] for _ in range(150)]
    blind = [" ".join(rng.choice(WORDS, 8)) for _ in range(150)]
    aware = [r[0] if i % 2 else b for i, (r, b) in enumerate(zip(references, blind))]
    for metric in (CorpusBleu(), CorpusChrf(), CorpusTer(margin=2.0)):
        still = metric.estimate(table(blind, references), np.random.default_rng(0))[0]
        found = metric.estimate(table(aware, references), np.random.default_rng(0))[0]
        assert still.verdict == "compatible with null", metric.name
        assert found.verdict == "differs from null", metric.name


def test_rows_without_a_reference_are_left_out_and_counted() -> None:
    made = table(["a b c d", "x y z w"], [["a b c d"], []])
    estimate = CorpusBleu().estimate(made, np.random.default_rng(0))[0]
    assert estimate.value == pytest.approx(100)
    assert (estimate.n, estimate.extra["n_without_reference"]) == (1, 1)
    none = CorpusBleu().estimate(table(["a"], [[]]), np.random.default_rng(0))[0]
    assert math.isnan(none.value)
    assert "reference" in none.reason


def test_slices_and_clusters() -> None:
    predictions, references = corpus(4)
    group = ["x" if i % 2 else "y" for i in range(40)]
    made = table(predictions, references, group=group, document=[str(i // 8) for i in range(40)])
    metric = CorpusBleu(by="group", clusters="document")
    whole, x, y = metric.estimate(made, np.random.default_rng(0))
    assert (x.slice, y.slice, whole.unit) == ("group=x", "group=y", "document")
    odd = range(1, 40, 2)
    expected = BLEU().corpus_score(
        [predictions[i] for i in odd], streams([references[i] for i in odd])
    )
    assert x.value == pytest.approx(expected.score, abs=1e-9)


def test_options_and_columns_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="tokenize must be one of 13a"):
        CorpusBleu(tokenize="ja-mecab")
    with pytest.raises(Exception, match="JSON"):
        CorpusBleu().estimate(
            Table.from_records([{"prediction": "a", "references": "a"}]), np.random.default_rng(0)
        )


def test_multi30k_against_sacrebleu(data) -> None:
    import gzip

    files = sorted((data / "multi30k").rglob("*.gz"))
    german = next(f for f in files if f.name.endswith("de.gz") and "2016" in f.name)
    lines = gzip.decompress(german.read_bytes()).decode().splitlines()[:400]
    broken = [" ".join(line.split()[::-1][:-1]) for line in lines]
    made = table(broken, [[line] for line in lines])
    for ours, theirs in ((CorpusBleu(), BLEU(force=True)), (CorpusChrf(), CHRF())):
        value = ours.estimate(made, np.random.default_rng(0))[0].value
        assert value == pytest.approx(theirs.corpus_score(broken, [lines]).score, abs=1e-9)
    gold = table(lines, [[line] for line in lines])
    assert CorpusBleu().estimate(gold, np.random.default_rng(0))[0].value == pytest.approx(100)
