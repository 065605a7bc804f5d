"""The n-gram model: Kneser-Ney by hand, by its definition, and by nltk; a model as any other."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from evalsuite import (
    Generate,
    LoadSettings,
    LogLikelihood,
    ModelError,
    RollingLogLikelihood,
    TokenScores,
    UsageError,
)
from evalsuite.factories import loader_for
from evalsuite.registry import installed
from evalsuite.testing import check_model
from evalsuite_text.models.kneser_ney import FALLBACK, KneserNey, estimate_discounts

TEXT = """the cat sat on the mat .
the dog sat on the cat .
a dog and a cat ran to the mat
the old dog ran .
"""


def load(path, **options):
    loader, reference = loader_for(f"ngram:{path}", installed())
    return loader.load(reference, LoadSettings(options=options))


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "corpus.txt"
    file.write_text(TEXT)
    return file


def random_lines(seed=0, n_vocabulary=9, n_lines=60):
    rng = np.random.default_rng(seed)
    weights = 1 / np.arange(1, n_vocabulary - 1)
    return [
        (
            2 + rng.choice(n_vocabulary - 2, size=rng.integers(1, 9), p=weights / weights.sum())
        ).tolist()
        for _ in range(n_lines)
    ]


def test_bigrams_worked_by_hand():
    # Lines "a b" and "a c" with ids a=2, b=3, c=4; boundary 0, unknown 1; 5 tokens can follow.
    # Bigrams: ^a twice, ab, b$, ac, c$ once. Unigrams count what comes before: a 1, b 1, c 1, $ 2.
    # Discount 0.5 everywhere. p1(b) = (1 - 0.5)/5 + (4 * 0.5 / 5)/5 = 0.1 + 0.08 = 0.18.
    # After a: p(b|a) = (1 - 0.5)/2 + (2 * 0.5 / 2) * 0.18 = 0.25 + 0.09 = 0.34.
    # p1(a) = 0.18 too; after ^: p(a|^) = (2 - 0.5)/2 + (0.5/2) * 0.18 = 0.75 + 0.045 = 0.795.
    model = KneserNey([[2, 3], [2, 4]], 5, 2, discounts=[(0.5, 0.5, 0.5)] * 2)
    assert model.probability(3, ()) == pytest.approx(0.18)
    assert model.probability(3, (2,)) == pytest.approx(0.34)
    assert model.probability(2, (0,)) == pytest.approx(0.795)
    # The unknown token has its share of the uniform distribution only: 0.08, and 0.04 after a.
    assert model.probability(1, ()) == pytest.approx(0.08)
    assert model.probability(1, (2,)) == pytest.approx(0.04)


def test_discounts_of_counted_counts():
    # n1..n4 = 8, 4, 2, 1: Y = 8/16 = 0.5; D1 = 1 - 2*.5*4/8 = .5; D2 = 2 - 3*.5*2/4 = 1.25;
    # D3 = 3 - 4*.5*1/2 = 2.
    counts = np.repeat([1, 2, 3, 4], [8, 4, 2, 1])
    assert estimate_discounts(counts) == pytest.approx((0.5, 1.25, 2.0))
    assert estimate_discounts(np.array([1, 1, 2])) == FALLBACK


def naive(lines, n_vocabulary, discounts):
    """The definition, with dictionaries and without any cleverness, for trigrams."""
    padded = [["^", *line, "$"] for line in lines]
    raw = {
        n: Counter(tuple(line[i : i + n]) for line in padded for i in range(len(line) - n + 1))
        for n in (1, 2, 3)
    }
    before = {n: Counter(gram[1:] for gram in raw[n + 1]) for n in (1, 2)}
    counts = {
        3: raw[3],
        2: Counter({g: raw[2][g] if g[0] == "^" else before[2][g] for g in raw[2]}),
        1: before[1],
    }

    def p(word, history):
        n = len(history) + 1
        below = 1 / n_vocabulary if n == 1 else p(word, history[1:])
        after = {g: c for g, c in counts[n].items() if g[:-1] == history}
        if not after:
            return below
        total = sum(after.values())
        d = lambda c: discounts[n - 1][min(c, 3) - 1] if c else 0
        own = counts[n][(*history, word)]
        return (own - d(own)) / total + sum(d(c) for c in after.values()) / total * below

    return p


def test_trigrams_equal_the_definition():
    lines = random_lines()
    model = KneserNey(lines, 9, 3)
    p = naive(lines, 9, model.discounts)
    for line in lines[:12]:
        for history in ((), *pairwise(line), *[(word,) for word in line], (7, 8), (8, 8)):
            for word in (2, 5, 8):
                assert model.probability(word, history) == pytest.approx(
                    p(word, history), abs=1e-12
                )
        start = ("^", line[0])
        assert model.probability(3, (0, line[0])) == pytest.approx(p(3, start), abs=1e-12)
        assert model.probability(0, (0, line[0])) == pytest.approx(p("$", start), abs=1e-12)


def test_bigrams_equal_nltk():
    nltk_lm = pytest.importorskip("nltk.lm")
    from nltk.lm.preprocessing import padded_everygram_pipeline

    lines = random_lines(3)
    peer = nltk_lm.KneserNeyInterpolated(2, discount=0.3)
    words = [[str(w) for w in line] for line in lines]
    peer.fit(*padded_everygram_pipeline(2, words))
    # nltk leaves its unigrams undiscounted, and with them the uniform distribution out.
    ours = KneserNey(lines, 9, 2, discounts=[(0.0, 0.0, 0.0), (0.3, 0.3, 0.3)])
    seen = sorted({w for line in lines for w in line})
    for history in seen:
        for word in seen:
            assert ours.probability(word, (history,)) == pytest.approx(
                peer.score(str(word), [str(history)]), abs=1e-9
            )


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_probabilities_sum_to_one_over_the_vocabulary(order):
    model = KneserNey(random_lines(1), 9, order)
    for history in ((), (0,), (2, 3), (8, 8, 8, 8), (0, 2, 2, 3), (1,)):
        recent = history[max(0, len(history) - order + 1) :]
        whole = model.distribution(recent)
        assert whole.sum() == pytest.approx(1)
        assert whole.min() > 0
        single = [model.probability(token, recent) for token in range(9)]
        np.testing.assert_allclose(whole, single, rtol=1e-12)


@pytest.mark.parametrize("tokens", ["word", "character"])
def test_it_keeps_a_models_promises(path, tokens):
    model = load(path, order=3, tokens=tokens, minimum_count=1)
    requests = [LogLikelihood("the cat", " sat"), LogLikelihood("the zebra", " sat")]
    requests += [RollingLogLikelihood("the dog sat\non the mat"), TokenScores("a zebra ran .")]
    requests += [
        Generate("the", max_tokens=4, temperature=0.8, top_k=5, top_p=0.9, seed=s) for s in (1, 2)
    ]
    check_model(model, requests)


def test_the_parts_of_a_line_sum_to_the_whole(path):
    model = load(path, order=3)
    whole = model.rolling_loglikelihood([RollingLogLikelihood("the cat sat")])[0]
    parts = model.loglikelihood([LogLikelihood("", "the"), LogLikelihood("the", " cat sat")])
    assert whole.total == pytest.approx(parts[0].total + parts[1].total)
    table = model.token_scores([TokenScores("the cat sat", spans=True)])[0]
    assert sum(table.logprobs) == pytest.approx(whole.total)
    assert table.spans == ((0, 3), (4, 7), (8, 11))


def test_a_line_break_ends_one_line_and_begins_the_next(path):
    model = load(path, order=3)
    ((both,), (first,), (second,)) = (
        model.rolling_loglikelihood([RollingLogLikelihood(text)])
        for text in ("a dog ran .\nthe cat", "a dog ran .\n", "the cat")
    )
    assert both.total == pytest.approx(first.total + second.total)


def test_unknown_words_are_spelt_out(path):
    spelt, lumped = (load(path, spell_unknown=flag) for flag in (True, False))
    question = [LogLikelihood("the", " zebra")]
    difference = spelt.loglikelihood(question)[0].total - lumped.loglikelihood(question)[0].total
    assert difference == pytest.approx(-6 * math.log(257))  # five letters and the end


def test_it_writes_what_it_read(path):
    model = load(path, order=5, minimum_count=1)
    (answer,) = model.generate([Generate("the dog sat", max_tokens=9)])
    assert answer.text == " on the cat."  # the whole history was seen once, with the cat
    assert answer.finish_reason == "stop"
    (cut,) = model.generate([Generate("the dog sat", max_tokens=9, stop=(" the",))])
    assert (cut.text, cut.n_tokens, cut.finish_reason) == (" on", 2, "stop")
    sampled = [model.generate([Generate("the", temperature=1.0, seed=s)])[0].text for s in range(8)]
    assert len(set(sampled)) > 1


def test_greedy_continuations_are_known_as_such(path):
    model = load(path, order=5, minimum_count=1)
    answers = model.loglikelihood(
        [LogLikelihood("the dog sat", " on"), LogLikelihood("the dog sat", " to")]
    )
    assert [answer.is_greedy for answer in answers] == [True, False]


def test_the_fingerprint_follows_text_and_options(path, tmp_path):
    other = tmp_path / "other.txt"
    other.write_text(TEXT + "one more line\n")
    copy = tmp_path / "copy.txt"
    copy.write_text(TEXT)
    marks = [load(path).fingerprint, load(other).fingerprint, load(path, order=2).fingerprint]
    assert len(set(marks)) == 3
    assert load(copy).fingerprint == marks[0]


def test_bad_options_and_files_are_refused(path, tmp_path):
    with pytest.raises(UsageError, match="order must be an integer"):
        load(path, order=0)
    with pytest.raises(UsageError, match="word or character"):
        load(path, tokens="byte")
    with pytest.raises(UsageError, match="no option 'smoothing'"):
        load(path, smoothing="none")
    with pytest.raises(ModelError, match="no training text"):
        load(tmp_path / "absent.txt")
    (tmp_path / "empty.txt").write_text(" \n")
    with pytest.raises(ModelError, match="no text in it"):
        load(tmp_path / "empty.txt")


def test_longer_histories_help_on_real_text(data):
    folder = data / "wikitext2"
    if not folder.is_dir():
        pytest.skip("WikiText-2 is not among the real data here")
    text = (folder / "test.txt").read_text("utf-8")[:60_000]
    bits = []
    for order in (1, 2, 3):
        model = load(folder / "valid.txt", order=order)
        answer = model.rolling_loglikelihood([RollingLogLikelihood(text)])[0]
        bits.append(-answer.total / answer.n_bytes / math.log(2))
    assert bits[0] > bits[1] + 0.2 > bits[2] + 0.2
    assert 2 < bits[2] < 4
