"""The guard: a split that texts, dates, pictures or clips give away is named, a fair one is not."""

from __future__ import annotations

import io
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow
from sklearn.feature_extraction.text import CountVectorizer

from evalsuite import Audio, Image
from evalsuite_privacy.guard import Split, blind_scores, inputs_of, leak_beyond_inputs
from evalsuite_privacy.guard.blind import word_counts

N = 120
MEMBER = np.arange(N) % 2 == 0
TOPICS = {True: ["ship", "sail", "mast", "harbour"], False: ["tree", "leaf", "root", "bark"]}


def split_of(inputs) -> Split:
    scores = blind_scores(inputs, MEMBER, np.random.default_rng(0))
    return Split.of(scores, MEMBER)


def sentence(draw: random.Random, words) -> str:
    return " ".join(draw.choices(words, k=6))


def test_a_split_by_topic_is_worthless():
    draw = random.Random(0)
    split = split_of([inputs_of(sentence(draw, TOPICS[bool(m)])) for m in MEMBER])
    assert split.auc > 0.95
    assert "worthless" in split.warning


def test_a_split_by_date_is_worthless_though_every_year_is_named_once():
    """Members are older than 1660, others newer; no year occurs twice, so no word can tell."""
    years = [1540 + i if m else 1680 + i for i, m in enumerate(MEMBER)]
    split = split_of([inputs_of(f"it happened in {year}") for year in years])
    assert split.is_worthless


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("in May 1503, and on 3/4/1990", [1503, 1990, 1, 2]),  # first year, last, any, dates
        ("on ٣/٤/١٩٩٠", [0, 0, 0, 1]),  # a date in other digits, whose year is not looked for
        ("in May", [0, 0, 0, 0]),
    ],
)
def test_years_and_dates_are_counted(text, facts):
    assert inputs_of(text).numbers[2:6].tolist() == facts


def test_a_split_by_length_is_worthless():
    draw = random.Random(1)
    texts = ["x " * draw.randint(30, 60) if m else "x " * draw.randint(5, 25) for m in MEMBER]
    assert split_of([inputs_of(text) for text in texts]).is_worthless


def test_texts_of_one_kind_are_a_fair_split_but_for_rare_bad_luck():
    words = TOPICS[True] + TOPICS[False]
    splits = []
    for seed in range(8):
        draw = random.Random(seed)
        splits.append(split_of([inputs_of(sentence(draw, words)) for _ in MEMBER]))
    assert sum(split.is_worthless for split in splits) <= 1
    assert abs(np.mean([split.auc for split in splits]) - 0.5) < 0.06


def picture(draw: np.random.Generator, brightness: float, quality: int) -> Image:
    pixels = np.clip(draw.normal(brightness, 30, (16, 16, 3)), 0, 255).astype(np.uint8)
    data = io.BytesIO()
    Pillow.fromarray(pixels).save(data, "JPEG", quality=quality)
    return Image(data=data.getvalue())


@pytest.mark.parametrize(
    ("bright", "quality", "worthless"), [(140, 60, True), (120, 90, True), (120, 60, False)]
)
def test_pictures_that_differ_in_brightness_or_in_compression_are_told(bright, quality, worthless):
    draw = np.random.default_rng(0)
    pictures = [picture(draw, bright, quality) if m else picture(draw, 120, 60) for m in MEMBER]
    assert split_of([inputs_of(p) for p in pictures]).is_worthless is worthless


@pytest.mark.parametrize(("loud", "rate_hz", "worthless"), [(2.0, 8000, True), (1.0, 8000, False)])
def test_clips_that_differ_in_loudness_are_told(loud, rate_hz, worthless):
    draw = np.random.default_rng(0)
    clips = [
        Audio.from_array(
            (draw.normal(0, 0.05, 800) * (loud if m else 1.0)).astype(np.float32), rate_hz
        )
        for m in MEMBER
    ]
    assert split_of([inputs_of(clip) for clip in clips]).is_worthless is worthless


def test_an_empty_text_and_a_silent_clip_are_no_error():
    assert np.isfinite(inputs_of("").numbers).all()
    silent = Audio.from_array(np.zeros(1, np.float32), 8000)
    assert np.isfinite(inputs_of("", silent).numbers).all()


def test_the_blind_classifier_never_sees_a_copy_of_what_it_judges():
    # every text twice: a classifier that saw the copy would be perfect, this one cannot be
    draw = random.Random(0)
    words = TOPICS[True] + TOPICS[False]
    texts = [f"{sentence(draw, words)} {i // 2}" for i in range(N)]
    texts = [texts[i - i % 2] for i in range(N)]
    members = np.repeat(np.arange(N // 2) % 2 == 0, 2)
    scores = blind_scores([inputs_of(t) for t in texts], members, np.random.default_rng(0))
    assert float(np.mean((scores > 0) == members)) < 0.8


def test_samples_of_one_group_are_judged_without_each_other():
    """Every document has a word of its own in all its texts; it tells only within the document."""
    documents = [str(i // 4) for i in range(N)]
    members = np.array([int(d) % 2 == 0 for d in documents])
    inputs = [inputs_of(f"name{d} text {i % 7}") for i, d in enumerate(documents)]
    apart = blind_scores(inputs, members, np.random.default_rng(0), groups=documents)
    together = blind_scores(inputs, members, np.random.default_rng(0))
    assert np.mean((together > 0) == members) > 0.9
    assert np.mean((apart > 0) == members) < 0.7


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text("aB éß\u2003\n.", max_size=20), min_size=1, max_size=8))
def test_words_are_counted_as_by_scikit_learn(texts):
    vectorizer = CountVectorizer(token_pattern=r"\S+", ngram_range=(1, 2), min_df=2)
    counts = word_counts(texts)
    try:
        plain = vectorizer.fit_transform(texts)
    except ValueError:  # nothing that two texts have
        assert counts.shape == (len(texts), 0)
    else:
        assert counts.toarray().tolist() == plain.toarray().tolist()


def test_where_a_side_is_one_group_its_samples_are_judged_one_by_one():
    """One file for each side: what it says of membership is what all of its samples share."""
    members = np.arange(N) % 2 == 0
    inputs = [inputs_of(f"{'in' if m else 'out'} text {i}") for i, m in enumerate(members)]
    sides = ["in" if m else "out" for m in members]
    scores = blind_scores(inputs, members, np.random.default_rng(0), groups=sides)
    assert np.mean((scores > 0) == members) == 1


def test_as_many_folds_as_the_side_with_fewer_groups_has():
    members = np.arange(N) % 2 == 0
    inputs = [inputs_of(f"text {i % 7} {i}") for i in range(N)]
    groups = [f"{m}{i % 4 // 2}" for i, m in enumerate(members)]
    scores = blind_scores(inputs, members, np.random.default_rng(0), groups=groups)
    assert np.isfinite(scores).all()
    assert scores.any()


def test_the_order_of_samples_is_of_no_effect():
    draw = random.Random(3)
    inputs = [inputs_of(sentence(draw, TOPICS[True])) for _ in MEMBER]
    forward = blind_scores(inputs, MEMBER, np.random.default_rng(0))
    backward = blind_scores(inputs[::-1], MEMBER[::-1], np.random.default_rng(0))
    assert backward[::-1] == pytest.approx(forward)


def test_the_leak_is_the_area_beyond_the_blind_one():
    """Attack AUC 1; blind AUC .75 of two members 2, 0 and two others 1, -1: leak .25."""
    members = np.array([True, True, False, False])
    blind = np.array([2.0, 0.0, 1.0, -1.0])
    leak = leak_beyond_inputs(np.array([4.0, 3.0, 2.0, 1.0]), blind, members)
    assert leak.value == pytest.approx(0.25)


def test_a_blind_classifier_worse_than_guessing_is_guessing():
    members = np.array([True] * 20 + [False] * 20)
    unlucky = -members.astype(float)
    leak = leak_beyond_inputs(np.zeros(40), unlucky, members)
    assert leak.value == 0.0
    assert leak.interval.low <= 0.0 <= leak.interval.high
