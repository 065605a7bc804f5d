"""Probes of explanations on models whose reasons are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from word_reader import reading

from evalsuite import (
    Audio,
    ContinuationScore,
    EmbedAudio,
    Embedding,
    EmbedText,
    Image,
    LoadSettings,
    LogLikelihood,
    Sample,
    Similarity,
    SimilarityScale,
    UsageError,
)
from evalsuite.factories import loader_for
from evalsuite.model import answer_batch
from evalsuite.registry import installed
from evalsuite.testing import check_probe, play
from evalsuite_controls.sources import ReviewsWithCue
from evalsuite_explain.probes.agreement import Agreement
from evalsuite_explain.probes.attribution import Attribution as AttributionProbe
from evalsuite_explain.probes.localisation import AudioLocalisation, ImageLocalisation
from evalsuite_explain.probes.plausibility import ContinuationPlausibility, LabelPlausibility
from evalsuite_explain.probes.reasoning import EarlyAnswering

REVIEWS = [
    Sample(str(i), {"text": f"film {i} was really good tonight", "rationale": [[0, 4]]})
    for i in range(6)
]
MARKED_GOOD = [Sample(s.id, {"text": s["text"], "rationale": [[18, 22]]}) for s in REVIEWS]


# ------------------------------------------------------------------------------------------------
# Fidelity and agreement
# ------------------------------------------------------------------------------------------------


def test_an_explainer_that_knows_the_reason_is_as_good_as_can_be():
    played = play(AttributionProbe(), REVIEWS, reading("good"))
    assert played.estimate("normalised area of erasing").value == pytest.approx(1.0)
    assert played.estimate("normalised area of erasing of occlusion").value == pytest.approx(1.0)
    assert played.estimate("infidelity").value == pytest.approx(0.0, abs=1e-9)
    assert played.estimate("sensitivity-n").value == pytest.approx(1.0)
    assert played.estimate("normalised area over random").verdict == "differs from null"


def test_a_random_explainer_gains_nothing():
    played = play(AttributionProbe(explainers=("random",)), REVIEWS * 3, reading("good"))
    assert played.estimate("normalised area over random").verdict == "compatible with null"


def test_a_beam_and_all_subsets_agree_where_one_word_decides():
    exact = play(AttributionProbe(), REVIEWS[:2], reading("good"))
    beam = play(AttributionProbe(exact_up_to=0), REVIEWS[:2], reading("good"))
    for name in ("normalised area of erasing", "normalised area of erasing of a random explainer"):
        assert exact.estimate(name).value == pytest.approx(beam.estimate(name).value)


def test_a_constant_model_has_no_fidelity_and_says_why():
    played = play(AttributionProbe(), REVIEWS, reading(None))
    for name in ("normalised area over random", "infidelity", "sensitivity-n", "sparseness"):
        estimate = played.estimate(name)
        assert math.isnan(estimate.value)
        assert estimate.reason


def test_a_constant_model_has_a_comprehensiveness_of_zero():
    played = play(AttributionProbe(), REVIEWS, reading(None))
    found = played.estimate("comprehensiveness")
    assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)


def test_too_many_words_have_no_bounds():
    played = play(AttributionProbe(longest=3), REVIEWS, reading("good"))
    assert math.isnan(played.estimate("normalised area of erasing").value)
    assert played.estimate("sensitivity-n").value == pytest.approx(1.0)


def test_explainers_of_one_reason_agree():
    probe = Agreement(explainers=("integrated_gradients", "occlusion", "random"), k=1)
    played = play(probe, REVIEWS, reading("good"))
    found = played.estimate("agreement in rank, integrated_gradients and occlusion")
    assert found.value == pytest.approx(1.0)
    assert abs(played.estimate("agreement in rank, occlusion and random").value) < 0.5


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: AttributionProbe(exact_up_to=13), "from 0 to 12"),
        (lambda: AttributionProbe(share=1.0), "between 0 and 1"),
        (lambda: Agreement(explainers=("lime",)), "two or more"),
        (lambda: Agreement(explainer_settings={"lime": {}}), "not among explainers"),
        (lambda: EarlyAnswering(prompt="{question}"), "options"),
    ],
)
def test_options_that_mean_nothing_are_refused(make, told):
    with pytest.raises(UsageError, match=told):
        make()


# ------------------------------------------------------------------------------------------------
# Plausibility
# ------------------------------------------------------------------------------------------------


def test_people_who_marked_the_reason_find_the_explanation_plausible():
    played = play(LabelPlausibility(), MARKED_GOOD, reading("good"))
    for name in ("average precision", "F1 of words"):
        assert played.estimate(f"plausibility: {name}").value == pytest.approx(1.0)
    assert played.estimate("plausibility over random").verdict == "differs from null"


def test_people_who_marked_something_else_do_not():
    # the same true explanation: plausibility is no faithfulness
    played = play(LabelPlausibility(), REVIEWS, reading("good"))
    assert played.estimate("plausibility: F1 of words").value == 0
    assert played.estimate("plausibility over random").verdict == "compatible with null"


def test_a_text_that_people_did_not_mark_is_counted():
    unmarked = [Sample("0", {"text": "a good film", "rationale": []})]
    played = play(LabelPlausibility(), unmarked, reading("good"))
    assert played.failures == ("no rationale: people marked none of the text's words",)


def test_the_last_word_is_explained():
    def answer(request):
        assert isinstance(request, LogLikelihood)
        assert request.continuation == " hat"
        return ContinuationScore(0.0 if "cat" in request.context[0].text else -5.0, 1, False)

    rows = [Sample("0", {"text": "the cat wore a hat", "rationale": [[4, 7]]})]
    played = play(ContinuationPlausibility(explainer="occlusion"), rows, answer)
    assert played.estimate("plausibility: F1 of words").value == 1.0


@pytest.mark.parametrize("other", [[0, 3], [13, 14]])
def test_words_that_the_model_does_not_read_share_the_last_places_wherever_they_stand(other):
    """People marked "cat" and another of four; of two places one is cat's, one three words'.

    (1 + 1/3) / 2 = 2/3, for the first word as for the last.
    """

    def answer(request):
        return ContinuationScore(0.0 if "cat" in request.context[0].text else -5.0, 1, False)

    rows = [Sample("0", {"text": "the cat wore a hat", "rationale": [[4, 7], other]})]
    played = play(ContinuationPlausibility(explainer="occlusion"), rows, answer)
    assert played.estimate("plausibility: F1 of words").value == pytest.approx(2 / 3)
    # the stretch that is sure is "cat" alone; beside "the" it is half of what people marked
    assert played.estimate("plausibility: F1 of stretches that overlap by half").value > 0


# ------------------------------------------------------------------------------------------------
# Pictures and clips
# ------------------------------------------------------------------------------------------------


def corner_reader(request):
    """A dual encoder that matches "cat" with a dark lower right corner, and nothing else."""
    if isinstance(request, SimilarityScale):
        return Similarity(4.0)
    if isinstance(request, EmbedText):
        return Embedding(np.array([1, 0] if "cat" in request.text else [0, 1], np.float32))
    bright = float(np.asarray(request.image.load())[-8:, -8:].mean()) / 255
    vector = np.array([1 - bright, bright], np.float32)
    return Embedding(vector / np.linalg.norm(vector))


def corner_samples(boxes):
    made = []
    for number in range(6):
        pixels = np.full((32, 32, 3), 120 + number, np.uint8)
        pixels[-8:, -8:] = 0
        fields = {"image": Image.from_array(pixels), "text": "a cat", "label": "cat"}
        made.append(Sample(str(number), {**fields, "boxes": boxes}))
    return made


def test_the_thing_that_is_named_is_found():
    probe = ImageLocalisation(explainer="occlusion", grid=4)
    played = play(probe, corner_samples([[24, 24, 32, 32]]), corner_reader)
    assert played.estimate("pointing game").value == 1.0
    # all mass in one of sixteen cells
    assert played.estimate("mass inside over area").value == pytest.approx(16.0)
    assert played.estimate("pointing game").null.value == pytest.approx(1 / 16)


def test_a_thing_elsewhere_is_not_found():
    probe = ImageLocalisation(explainer="occlusion", grid=4)
    played = play(probe, corner_samples([[0, 0, 8, 8], [8, 0, 16, 8]]), corner_reader)
    assert played.estimate("pointing game").value == 0.0
    assert played.estimate("mass inside over area").value == 0.0


def test_a_region_of_all_cells_is_no_region():
    played = play(
        ImageLocalisation(explainer="occlusion", grid=2),
        corner_samples([[0, 0, 32, 32]]),
        corner_reader,
    )
    assert len(played.failures) == 6
    assert played.failures[0].startswith("no region")


def end_listener(request):
    """A dual encoder that matches "bell" with a loud last quarter."""
    if isinstance(request, SimilarityScale):
        return Similarity(4.0)
    if isinstance(request, EmbedText):
        return Embedding(np.array([1, 0] if "bell" in request.text else [0, 1], np.float32))
    assert isinstance(request, EmbedAudio)
    waveform, _ = request.audio.load()
    power = float(np.mean(waveform[-len(waveform) // 4 :] ** 2))
    vector = np.array([power, 0.01], np.float32)
    return Embedding(vector / np.linalg.norm(vector))


def end_samples():
    time = np.arange(4000) / 8000
    made = []
    for number in range(4):
        wave = (0.1 * np.sin(2 * np.pi * 440 * time) * (time > 0.375)).astype(np.float32)
        wave[number] += 0.01
        fields = {"audio": Audio.from_array(wave, 8000), "text": "a bell", "label": "bell"}
        made.append(Sample(str(number), {**fields, "times_s": [[0.376, 0.5]]}))
    return made


def test_the_sound_that_is_named_is_found():
    played = play(AudioLocalisation(explainer="occlusion", moments=4), end_samples(), end_listener)
    assert played.estimate("pointing game").value == 1.0


CLASSES = {"classes": ("bell", "rain"), "moments": 2, "bands": 2}


@pytest.mark.parametrize(
    ("probe", "samples", "answer"),
    [
        (AttributionProbe(), REVIEWS, reading("good")),
        (Agreement(explainers=("integrated_gradients", "lime")), REVIEWS, reading("good")),
        (LabelPlausibility(), MARKED_GOOD, reading("good")),
        (AttributionProbe(medium="image", target="class", explainers=("occlusion",), subject={"grid": 2, "classes": ["cat", "dog"]}), corner_samples([[24, 24, 32, 32]]), corner_reader),
        (ImageLocalisation(explainer="occlusion", grid=4), corner_samples([[24, 24, 32, 32]]), corner_reader),
        (AttributionProbe(medium="audio", target="class", explainers=("occlusion",), subject=CLASSES), end_samples(), end_listener),
        (AudioLocalisation(explainer="occlusion", moments=4), end_samples(), end_listener),
    ],
)  # fmt: skip
def test_the_contracts_are_kept(probe, samples, answer):
    check_probe(probe, samples, answer)


def test_the_planted_word_decides_alone():
    loader, reference = loader_for("control:classifier-shortcut", installed())
    model = loader.load(reference, LoadSettings(device="cpu"))
    rows = list(ReviewsWithCue(limit=8).rows())
    played = play(
        AttributionProbe(longest=0, sets=2), rows, lambda request: answer_batch(model, [request])[0]
    )
    # one word of these short texts
    found = played.estimate("comprehensiveness at 1 %").value
    assert found > 0.9
    assert played.estimate("comprehensiveness at 1 % of a random explainer").value < 0.25
