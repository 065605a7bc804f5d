"""Scores of captions by hand and against reference programs."""

from __future__ import annotations

import gzip
import math

import numpy as np
import pytest

from evalsuite.captions import (
    bleu_of,
    bleu_statistics,
    caption_words,
    cider_d,
    partners,
    reference_frequencies,
    rouge_l,
)


def words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A man, standing.", "a man standing"),
        ("The dog's bowl isn't full!", "the dog 's bowl is n't full"),
        ("They shouldn’t've; we cannot", "they should n't 've we can not"),
        ("the boys' toys", "the boys toys"),
        ("black-and-white photo - at 10:30 -- 1,000.5 kg ...", "black-and-white photo at 10:30 1,000.5 kg"),
        ("A U.S. flag by Mr. Smith's (old) \"house\"", "a u.s. flag by mr. smith 's old house"),
        ("2nd & last: $5", "2nd & last $ 5"),
        ("... !", ""),
    ],
)  # fmt: skip
def test_words_of_a_caption(text, expected):
    assert " ".join(caption_words(text)) == expected


# ------------------------------------------------------------------------------------------------
# BLEU and ROUGE-L
# ------------------------------------------------------------------------------------------------


def corpus_bleu(candidates, references, order):
    rows = [bleu_statistics(words(c), [*map(words, r)]) for c, r in zip(candidates, references)]
    return float(bleu_of(np.array(rows).sum(axis=0, keepdims=True), order)[0])


def test_bleu_by_hand():
    # unigrams: a, dog, runs match, "a" once only: 3 of 4; bigrams: "a dog", "dog runs": 2 of 3.
    # lengths 3 and 6 are 1 and 2 away from 4: r = 3, no penalty. BLEU-2 = sqrt(3/4 * 2/3)
    found = corpus_bleu(["a dog runs a"], [["a dog runs", "the cat sat on a mat"]], 2)
    assert found == pytest.approx(math.sqrt(1 / 2))


def test_the_shorter_of_two_equally_close_references_counts():
    # lengths 1 and 3 are both 1 away from 2: r = 1, so there is no penalty
    assert corpus_bleu(["a b"], [["a b c", "a"]], 1) == 1.0


def test_brevity_is_punished_over_the_corpus():
    # 2 of 2 words right, references of 4 words: exp(1 - 4 / 2)
    assert corpus_bleu(["a b"], [["a b c d"]], 1) == pytest.approx(math.exp(-1))


def test_bleu_without_a_match_is_nought_and_without_a_reference_to_match_undefined():
    assert corpus_bleu([""], [["a b c d"]], 4) == 0.0
    assert corpus_bleu(["x y z u"], [["a b c d"]], 4) == 0.0
    assert math.isnan(corpus_bleu(["a b c"], [["a b c"]], 4))


def test_rouge_l_by_hand():
    # the longest common subsequence of "a b c d" and "a c x" is "a c": P = 2/4, R = 2/3,
    # F = 2.44 * 1/3 / (2/3 + 1.44 / 2) = .58654
    assert rouge_l(words("a b c d"), [words("a c x")]) == pytest.approx(2.44 / 3 / (2 / 3 + 0.72))
    assert rouge_l(words("a b"), [words("x"), words("a b")]) == pytest.approx(1.0)
    assert rouge_l((), [words("a")]) == 0.0


# ------------------------------------------------------------------------------------------------
# CIDEr-D
# ------------------------------------------------------------------------------------------------


def test_cider_d_by_hand():
    # Two images, references "a b" and "a c": idf of "a" is 0, of b, c and the bigrams log 2.
    # The copy "a b" has cosine 1 for orders 1 and 2, none for 3 and 4: 10 * 2 / 4 = 5.
    # "a b b" against "a b", in units of log 2: order 1: candidate {b: 2}, reference {b: 1}:
    # min(2, 1) * 1 / (2 * 1) = 1/2. Order 2: candidate {ab: 1, bb: 1}, and bb, never seen, also
    # weighs log 2: 1 / sqrt 2. One bigram more: exp(-1 / 72).
    frequencies = reference_frequencies([[words("a b")], [words("a c")]])
    assert cider_d(words("a b"), [words("a b")], frequencies) == pytest.approx(5.0)
    expected = 10 * math.exp(-1 / 72) * (1 / 2 + 1 / math.sqrt(2)) / 4
    assert cider_d(words("a b b"), [words("a b")], frequencies) == pytest.approx(expected)
    assert cider_d(words("a"), [words("a b")], frequencies) == 0.0
    assert cider_d((), [words("a b")], frequencies) == 0.0


def test_a_copy_of_a_long_enough_reference_gets_ten():
    frequencies = reference_frequencies([[words("a b c d")], [words("e f g h")]])
    assert cider_d(words("a b c d"), [words("a b c d")], frequencies) == pytest.approx(10)


@pytest.mark.parametrize("n", [1, 3])
def test_cider_d_is_undefined_where_no_n_gram_has_weight(n):
    frequencies = reference_frequencies([[words("a b c d")]] * n)
    assert math.isnan(cider_d(words("a b c d"), [words("a b c d")], frequencies))


def captions_of(data):
    """Five captions of each of 1,000 images, one list for each of five writers."""
    files = [data / "multi30k" / "task2" / f"test_2016.{i}.en.gz" for i in range(1, 6)]
    if not all(path.is_file() for path in files):
        pytest.skip("the five captions of each image are not here")
    return [gzip.decompress(path.read_bytes()).decode().splitlines() for path in files]


def test_words_are_those_of_a_treebank_tokenizer(data):
    treebank = pytest.importorskip("nltk.tokenize.destructive").NLTKWordTokenizer()
    dropped = {*"'`()[]{}.?!,:-;", "''", "``", "--", "..."}
    # Words joined by & stay whole here, as in the Java program.
    captions = [text for texts in captions_of(data) for text in texts if "&" not in text]
    for text in captions:
        theirs = [word for word in treebank.tokenize(text.lower()) if word not in dropped]
        assert list(caption_words(text)) == theirs


def flickr(data):
    """Of 300 images four captions as references, the fifth as what a captioner wrote."""
    lines = [texts[:300] for texts in captions_of(data)]
    rows = [[caption_words(text) for text in row] for row in zip(*lines)]
    # Every third caption belongs to the next image, so that scores vary.
    candidates = [rows[(i + (i % 3 == 0)) % len(rows)][4] for i in range(len(rows))]
    return candidates, [row[:4] for row in rows]


def test_scores_equal_those_of_the_published_program(data):
    bleu = pytest.importorskip("pycocoevalcap.bleu.bleu_scorer")
    cider = pytest.importorskip("pycocoevalcap.cider.cider_scorer")
    rouge = pytest.importorskip("pycocoevalcap.rouge.rouge")
    candidates, references = flickr(data)
    theirs = {"bleu": bleu.BleuScorer(n=4), "cider": cider.CiderScorer(n=4, sigma=6.0)}
    for candidate, texts in zip(candidates, references):
        for scorer in theirs.values():
            scorer += (" ".join(candidate), [" ".join(text) for text in texts])
    frequencies = reference_frequencies(references)
    ours = [cider_d(c, r, frequencies) for c, r in zip(candidates, references)]
    assert ours == pytest.approx(theirs["cider"].compute_score()[1].tolist(), abs=1e-9)
    rows = np.array([bleu_statistics(c, r) for c, r in zip(candidates, references)])
    totals = rows.sum(axis=0, keepdims=True)
    published = theirs["bleu"].compute_score(option="closest", verbose=0)[0]
    assert [float(bleu_of(totals, n)[0]) for n in (1, 2, 3, 4)] == pytest.approx(
        published, abs=1e-8
    )
    scorer = rouge.Rouge()
    for candidate, texts in zip(candidates, references):
        expected = scorer.calc_score([" ".join(candidate)], [" ".join(t) for t in texts])
        assert rouge_l(candidate, texts) == pytest.approx(expected)


def test_bleu_equals_sacrebleu(data):
    from sacrebleu.metrics import BLEU

    candidates, references = flickr(data)
    rows = np.array([bleu_statistics(c, r) for c, r in zip(candidates, references)])
    streams = [[" ".join(r[i]) for r in references] for i in range(4)]
    for order in (1, 2, 3, 4):
        metric = BLEU(tokenize="none", smooth_method="none", max_ngram_order=order, force=True)
        theirs = metric.corpus_score([" ".join(c) for c in candidates], streams).score / 100
        assert float(bleu_of(rows.sum(axis=0, keepdims=True), order)[0]) == pytest.approx(theirs)


def test_partners_are_a_permutation_without_equal_keys():
    keys = ["a", "b", "a", "c", "b", "d"]
    found = partners(keys, list("uvwxyz"))
    assert sorted(found) == list(range(6))
    assert all(keys[i] != keys[j] for i, j in enumerate(found))
    assert partners(["a", "a", "b"], list("xyz")) == []
