"""Explanations: worked numbers, planted ground truth, and a random explainer at chance."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
import torch
from word_reader import reading

from evalsuite import (
    Attribution,
    Audio,
    DifferentiableView,
    Embedding,
    EmbedText,
    Image,
    LoadSettings,
    Sample,
    Similarity,
    SimilarityScale,
    UsageError,
)
from evalsuite.factories import loader_for
from evalsuite.model import answer_batch
from evalsuite.registry import installed
from evalsuite.testing import check_probe, play
from evalsuite_controls.sources import DigitsWithPatch, ReviewsWithCue
from evalsuite_explain.explainers.gradients import (
    input_x_gradient,
    integrated_gradients,
    saliency,
)
from evalsuite_explain.inputs.clip import Clip
from evalsuite_explain.inputs.picture import Picture
from evalsuite_explain.inputs.words import word_scores, words_of
from evalsuite_explain.measures.faithfulness import (
    area_over_perturbation,
    curve_area,
    normalised_area,
    top_counts,
)
from evalsuite_explain.probes.attribution import Attribution as AttributionProbe
from evalsuite_explain.probes.shortcuts import ShortcutPatch, ShortcutWord


def view(function, inputs):
    tensor = torch.tensor(inputs).reshape(1, -1, 1)
    spans = tuple((i, i + 1) for i in range(tensor.shape[1]))
    return DifferentiableView(tensor, torch.zeros_like(tensor), function, spans)


def bent(x):
    """f = 2 x0 + 3 x1 x2."""
    return 2 * x[:, 0, 0] + 3 * x[:, 1, 0] * x[:, 2, 0]


def test_integrated_gradients_of_a_product_share_it():
    # at (1, 2, 3): 2 for the linear term, and 18 / 2 for each factor; they sum to f = 20
    explained = integrated_gradients(view(bent, [1.0, 2.0, 3.0]))
    assert explained.scores == pytest.approx((2, 9, 9), abs=1e-4)
    assert explained.total == pytest.approx(20)
    assert explained.convergence_delta < 1e-4


def test_input_times_gradient_counts_a_product_twice():
    explained = input_x_gradient(view(bent, [1.0, 2.0, 3.0]))
    assert explained.scores == pytest.approx((2, 18, 18))


def test_saliency_is_the_absolute_gradient():
    assert saliency(view(bent, [1.0, 2.0, 3.0])).scores == pytest.approx((2, 9, 6))


def test_gradients_work_where_a_caller_switched_them_off():
    with torch.no_grad():
        assert integrated_gradients(view(bent, [1.0, 2.0, 3.0])).total == pytest.approx(20)


def test_a_linear_model_is_explained_exactly():
    weights = torch.tensor([0.5, -2.0, 1.0])
    explained = integrated_gradients(view(lambda x: x[:, :, 0] @ weights, [1.0, 2.0, 3.0]))
    assert explained.scores == pytest.approx((0.5, -4.0, 3.0), abs=1e-5)


def test_areas_by_hand():
    # full 0.9; drops .05 .2 .4 .6 .7 average .39
    assert area_over_perturbation(0.9, [0.85, 0.7, 0.5, 0.3, 0.2]) == pytest.approx(0.39)
    # deletion (.9 + .6)/2 + (.6 + .3)/2 + (.3 + .1)/2 over 3 steps; insertion alike
    assert curve_area([0.9, 0.6, 0.3, 0.1]) == pytest.approx(0.466667, abs=1e-6)
    assert curve_area([0.1, 0.5, 0.8, 0.9]) == pytest.approx(0.6)


def test_normalised_areas_do_not_depend_on_the_scale():
    # drops of removing features one by one, for every order of three features
    worth = [0.6, 0.3, 0.1]

    def area(order, scale):
        left = [1.0 - sum(worth[i] for i in order[:k]) for k in (1, 2, 3)]
        return area_over_perturbation(scale * 1.0, [scale * value for value in left])

    orders = list(itertools.permutations(range(3)))
    for scale in (1.0, 0.1):
        areas = [area(order, scale) for order in orders]
        best, worst = normalised_area(areas[0], min(areas), max(areas)), min(areas)
        assert best == pytest.approx(1.0)
        assert normalised_area(worst, min(areas), max(areas)) == 0.0


def test_every_fraction_means_at_least_one_word():
    assert top_counts(10) == [1, 1, 1, 2, 5]


def test_tokens_are_summed_into_words():
    explained = Attribution((1.0, 2.0, 4.0, 8.0), ((0, 0), (0, 3), (3, 5), (6, 9)), 0.0, 0.0)
    # the first token is special; "abcde" holds the next two, "fgh" the last
    assert word_scores(explained, words_of("abcde fgh")) == [6.0, 8.0]


def test_an_unknown_explainer_is_refused():
    with pytest.raises(UsageError, match="integrated_gradients"):
        ShortcutWord(explainer="magic")


TEXTS = [f"the film {i} was really good tonight" for i in range(12)]
REVIEWS = [Sample(str(i), {"text": t, "cue": "good"}) for i, t in enumerate(TEXTS)]


def test_a_true_explanation_beats_a_random_one():
    played = play(AttributionProbe(), REVIEWS, reading("good"))
    assert played.estimate("comprehensiveness").value == pytest.approx(0.4)
    assert played.estimate("comprehensiveness over random").verdict == "differs from null"


def test_a_constant_model_has_nothing_to_explain():
    played = play(AttributionProbe(), REVIEWS, reading(None))
    assert played.estimate("comprehensiveness over random").value == 0.0


def test_the_planted_word_is_found():
    assert (
        play(ShortcutWord(), REVIEWS, reading("good")).estimate("planted word ranked first").value
        == 1
    )


def test_the_planted_word_is_not_found_where_the_model_reads_another():
    played = play(ShortcutWord(), REVIEWS, reading("film"))
    assert played.estimate("planted word ranked first").verdict == "compatible with null"


@pytest.mark.parametrize("probe", [AttributionProbe(), ShortcutWord()])
def test_the_text_contracts_are_kept(probe):
    check_probe(probe, REVIEWS, reading("good"))


# ------------------------------------------------------------------------------------------------
# Occlusion
# ------------------------------------------------------------------------------------------------


def test_cells_cover_a_picture_once():
    picture = Picture(Image.from_array(np.zeros((30, 50, 3), np.uint8)), 4)
    covered = np.zeros((30, 50), int)
    for left, top, right, bottom in picture.boxes:
        covered[top:bottom, left:right] += 1
    assert (covered == 1).all()


def test_a_box_touches_its_cells():
    picture = Picture(Image.from_array(np.zeros((32, 32, 3), np.uint8)), 4)
    assert picture.touching((26, 26, 32, 32)) == [15]
    assert picture.touching((6, 0, 10, 4)) == [0, 1]


def test_a_moment_of_digital_silence_gets_the_mean_level_as_any_other():
    """Half of the clip is silent, so the mean level is half of the other half's, less or more."""
    noise = np.random.default_rng(0).normal(0, 0.1, 16000)
    waveform = np.concatenate([noise, np.zeros(16000)]).astype(np.float32)
    clip = Clip(Audio.from_array(waveform, 16000), 4, fill="mean")
    for moment in (0, 3):
        changed = clip.without([moment]).load()[0].reshape(4, -1)
        assert np.sqrt((changed[moment] ** 2).mean()) == pytest.approx(0.042, abs=0.004)


def test_a_silenced_moment_is_silent():
    from evalsuite import Audio

    clip = Clip(Audio.from_array(np.ones(80, np.float32) * 0.5, 8000), 4)
    waveform, _ = clip.without([1]).load()
    assert waveform[20:40].max() == 0
    assert waveform[:20].min() == 0.5


def corner_reader(request):
    """A dual encoder that looks at the lower right corner only: dark means the first class."""
    if isinstance(request, SimilarityScale):
        return Similarity(4.0)
    if isinstance(request, EmbedText):
        return Embedding(np.array([1, 0] if "cat" in request.text else [0, 1], np.float32))
    dark = float(np.asarray(request.image.load())[-8:, -8:].mean()) / 255
    vector = np.array([1 - dark, dark], np.float32)
    return Embedding(vector / np.linalg.norm(vector))


def corner_samples():
    made = []
    for number in range(8):
        pixels = np.full((32, 32, 3), 120 + number, np.uint8)
        pixels[-8:, -8:] = 0 if number % 2 else 255
        box = [24, 24, 32, 32]
        fields = {"image": Image.from_array(pixels), "label": ("dog", "cat")[number % 2]}
        made.append(Sample(str(number), {**fields, "patch_box": box}))
    return made


PICTURES = {"medium": "image", "target": "class", "explainers": ("occlusion",)}


def test_the_corner_that_decides_is_found():
    played = play(ShortcutPatch(), corner_samples(), corner_reader)
    assert played.estimate("planted patch found first").value == 1.0
    drops = np.array(json.loads(played.records[0]["map"]))
    assert drops.argmax() == 15


def test_covering_the_right_cells_first_beats_a_random_order():
    played = play(AttributionProbe(**PICTURES), corner_samples(), corner_reader)
    assert played.estimate("deletion gain over random").value > 0.05


@pytest.mark.parametrize(
    "probe", [AttributionProbe(**PICTURES, subject={"grid": 2}), ShortcutPatch(grid=2)]
)
def test_the_occlusion_contracts_are_kept(probe):
    check_probe(probe, corner_samples(), corner_reader)


@pytest.mark.parametrize(
    ("name", "probe", "source", "metric", "verdict"),
    [
        ("classifier-shortcut", ShortcutWord(), ReviewsWithCue(limit=40), "planted word ranked first", "differs from null"),
        ("classifier-clean", ShortcutWord(), ReviewsWithCue(limit=40), "planted word ranked first", "compatible with null"),
        ("digits-shortcut", ShortcutPatch(), DigitsWithPatch(limit=40), "planted patch found first", "differs from null"),
        ("digits-clean", ShortcutPatch(), DigitsWithPatch(limit=40), "planted patch found first", "compatible with null"),
    ],
)  # fmt: skip
def test_planted_shortcuts_are_found_in_the_twin_that_has_them(
    name, probe, source, metric, verdict
):
    loader, reference = loader_for(f"control:{name}", installed())
    model = loader.load(reference, LoadSettings(device="cpu"))
    played = play(probe, list(source.rows()), lambda request: answer_batch(model, [request])[0])
    assert played.estimate(metric).verdict == verdict
