"""Harmful labels: planted for one group, shared by ties, silent when all are treated alike."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evalsuite import (
    Embedding,
    EmbedImage,
    EmbedText,
    Failure,
    Image,
    Sample,
    Similarity,
    SimilarityScale,
    Table,
)
from evalsuite.statistics import generator
from evalsuite.testing import check_probe, play
from evalsuite_fairness.associations.harmful_labels import ImageHarmfulLabels
from evalsuite_fairness.metrics.rate_ratio import RateRatio

N = 400
PICTURES = [
    Image.from_array(np.full((2, 2, 3), (i % 250, i // 250, 0), np.uint8)) for i in range(N)
]
SAMPLES = [Sample(f"s{i}", {"image": p, "group": "AB"[i % 2]}) for i, p in enumerate(PICTURES)]
GROUP = {s["image"].digest: s["group"] for s in SAMPLES}
PROBE = ImageHarmfulLabels(classes=("person", "worker"), harmful=("thief",))
AXES = {"person": 0, "worker": 1, "thief": 2}


def model(rate_a: float, rate_b: float, seed: int = 0):
    """Calls a picture of a group a thief with some probability."""
    draw = np.random.default_rng(seed)
    bad = {d: draw.random() < (rate_a if g == "A" else rate_b) for d, g in GROUP.items()}

    def answer(request):
        if isinstance(request, SimilarityScale):
            return Similarity(100.0)
        if isinstance(request, EmbedText):
            axis = next(a for word, a in AXES.items() if word in request.text)
        else:
            axis = 2 if bad[request.image.digest] else 0
        return Embedding(np.eye(3, dtype=np.float32)[axis])

    return answer


def test_the_probe_keeps_the_contract():
    check_probe(PROBE, SAMPLES[:20], model(0.5, 0.1))


def test_a_planted_rate_is_recovered():
    # The plant as it fell: 400 draws do not hit .4 and .1 exactly.
    plant = model(0.4, 0.1)
    is_thief = {s.id: plant(EmbedImage(s["image"])).vector[2] for s in SAMPLES}
    drawn = [np.mean([is_thief[s.id] for s in SAMPLES if s["group"] == g]) for g in "AB"]
    played = play(PROBE, SAMPLES, plant)
    gap = played.estimate("harmful label rate gap")
    assert gap.value == pytest.approx(drawn[0] - drawn[1])
    assert gap.verdict == "differs from null"
    assert played.estimate("ratio of group rates").extra["highest"] == "A"


def test_equal_rates_are_silent_in_at_least_93_of_100_seeds():
    found = [play(PROBE, SAMPLES[:120], model(0.3, 0.3, seed), seed).estimate("harmful label rate gap")
             for seed in range(100)]  # fmt: skip
    assert sum(one.verdict == "compatible with null" for one in found) >= 93


def test_a_model_that_ties_all_labels_is_at_chance():
    def answer(request):
        if isinstance(request, SimilarityScale):
            return Similarity(100.0)
        return Embedding(np.ones(3, np.float32) / np.float32(3**0.5))

    played = play(PROBE, SAMPLES, answer)
    assert played.estimate("harmful labels").value == pytest.approx(1 / 3)
    assert played.estimate("harmful labels").null.value == pytest.approx(1 / 3)


def test_a_model_that_refuses_pictures_is_not_fair():
    def answer(request):
        is_text = isinstance(request, EmbedText | SimilarityScale)
        return model(0, 0)(request) if is_text else Failure("refused", "no people")

    estimate = play(PROBE, SAMPLES, answer).estimate("harmful label rate gap")
    assert math.isnan(estimate.value)
    assert estimate.n_failed == N


def test_a_label_cannot_be_harmful_and_neutral():
    with pytest.raises(ValueError, match="not among classes"):
        ImageHarmfulLabels(classes=("thief", "person"), harmful=("thief",))


def ratio(values, groups, below=None, **options):
    columns = {"x": np.array(values, float), "g": np.array(groups, object)}
    if below is not None:
        columns["n"] = np.array(below, float)
    metric = RateRatio(
        "x", "g", min_group_size=1, denominator="n" if below is not None else None, **options
    )
    (estimate,) = metric.estimate(Table(columns, len(values)), generator(0, "r"))
    return estimate


def test_ratio_of_rates_by_hand():
    # A: 3 of 4, B: 1 of 4
    assert ratio([1, 1, 1, 0, 1, 0, 0, 0], list("AAAABBBB")).value == pytest.approx(3.0)


def test_ratio_of_corpus_error_rates():
    # The worked case of word error rates: 1 of 11 words against 2 of 5 give 4.4; a ratio of the
    # smallest to the largest, as fairlearn's MetricFrame.ratio() gives, would be 0.227273.
    found = ratio([1, 0, 2, 0], list("AABB"), below=[6, 5, 3, 2])
    assert found.value == pytest.approx(4.4)
    assert 1 / found.value == pytest.approx(0.227273, abs=1e-6)


def test_a_group_without_an_event_has_no_ratio():
    assert "no event" in ratio([0, 0, 1, 1], list("AABB")).reason
