"""Modality contribution: worked games, models that read or look only, and a symmetric one."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
import torch

from evalsuite import Audio, ContinuationScore, DataError, Image, LoadSettings, Sample, Text
from evalsuite.factories import loader_for
from evalsuite.model import answer_batch
from evalsuite.registry import installed
from evalsuite.testing import check_probe, play
from evalsuite_controls.data import digits, shapes, sounds
from evalsuite_explain.explainers.shapley import all_coalitions, shapley_of
from evalsuite_explain.inputs.picture import Picture
from evalsuite_explain.modality.answered import ImageAnswerModality
from evalsuite_explain.modality.matched import AudioMatchModality, ImageMatchModality
from evalsuite_explain.modality.shares import additive_projection, grid_side, synergy, text_share


def load(name):
    loader, reference = loader_for(f"control:{name}", installed())
    return loader.load(reference, LoadSettings(device="cpu"))


cached = cache(load)


def ask(model):
    known = {}

    def answer(request):
        if request.digest not in known:
            known[request.digest] = answer_batch(model, [request])[0]
        return known[request.digest]

    return answer


# Two words, then two patches; the values of what is there.
GAMES = [
    (lambda t0, t1, i0, i1: 3 * t0 + t1, [3, 1, 0, 0], 1.0),
    (lambda t0, t1, i0, i1: t0 + t1 + i0 + i1, [1, 1, 1, 1], 0.5),
    # a share cannot see that neither is worth anything alone
    (lambda t0, t1, i0, i1: 4 * t0 * i0, [2, 0, 2, 0], 0.5),
    (lambda t0, t1, i0, i1: 2 * t0 - i0, [2, 0, -1, 0], 2 / 3),
]


@pytest.mark.parametrize(("game", "scores", "share"), GAMES)
def test_shares_of_worked_games(game, scores, share):
    found = shapley_of(np.array([game(*map(float, row)) for row in all_coalitions(4)]))
    assert found == pytest.approx(scores, abs=1e-9)
    assert text_share(found[:2], found[2:]) == pytest.approx(share, abs=1e-6)


def test_the_synergy_sees_what_shares_cannot():
    assert synergy(both=4, text=0, other=0, neither=0) == 4  # pure interaction
    assert synergy(both=4, text=2, other=2, neither=0) == 0  # additive
    assert math.isnan(text_share([0.0], [0.0]))


def test_the_projection_keeps_additive_scores_and_drops_interaction():
    rng = np.random.default_rng(0)
    text, media = rng.standard_normal((5, 1, 3)), rng.standard_normal((1, 5, 3))
    added = additive_projection(text + media)
    assert added == pytest.approx(text[:, 0] + media[0])
    # An answer that is right exactly for the picture that belongs: the same everywhere else.
    crossed = np.eye(4)[:, :, None] * np.array([1.0, 0.0])
    assert np.ptp(additive_projection(crossed), axis=0) == pytest.approx(0)


@pytest.mark.parametrize(("n", "side"), [(1, 1), (2, 2), (4, 2), (5, 3), (9, 3), (10, 4), (77, 9)])
def test_a_grid_has_about_as_many_cells_as_words_and_covers_everything(n, side):
    assert grid_side(n) == side
    cells = Picture(Image.from_array(np.zeros((224, 224, 3), np.uint8)), side)
    area = sum((right - left) * (below - top) for left, top, right, below in cells.boxes)
    assert (len(cells), area) == (side**2, 224 * 224)


def questions(n=24, **more):
    rows = list(shapes.question_rows())[:n]
    return [
        Sample(str(r["id"]), {**{k: v for k, v in r.items() if k != "id"}, **more,
                              "image": Image(data=r["image"])})
        for r in rows
    ]  # fmt: skip


@pytest.fixture(scope="module")
def blind():
    """The control that sees, with what its language model gets of a picture made constant."""
    model = load("vlm-clean")
    with torch.no_grad():
        for weight in model.module.model.multi_modal_projector.linear_2.parameters():
            weight.zero_()
    return model


def test_a_model_that_reads_only_text_has_a_text_share_of_one(blind):
    played = play(ImageAnswerModality(n_permutations=2), questions(8), ask(blind))
    assert played.failures == ()
    assert played.estimate("text share").value == pytest.approx(1, abs=1e-6)
    assert played.estimate("perceptual score of image").value == 0
    assert played.estimate("synergy").value == pytest.approx(0, abs=1e-4)
    assert played.estimate("answers that rest on text more").value == 1


def test_what_an_answer_rests_on_is_compared_with_what_carries_it(blind):
    played = play(
        ImageAnswerModality(n_permutations=2), questions(6, carried_by="image"), ask(blind)
    )
    assert played.estimate("answers that rest on what carries them").value == 0
    played = play(
        ImageAnswerModality(n_permutations=2), questions(6, carried_by="text"), ask(blind)
    )
    assert played.estimate("answers that rest on what carries them").value == 1


def late_fusion(request):
    """A planted model: nine words and nine patches, each worth one for the first choice."""
    if request.continuation != " yes":
        return ContinuationScore(-100.0, 1, False)
    words = sum(len(p.text.split()) for p in request.context if isinstance(p, Text)) - 1
    (picture,) = (p for p in request.context if isinstance(p, Image))
    pixels = np.asarray(picture.load(), dtype=float)[:, :, 0]
    # A patch that is there is half black, half white; one in the mean colour is flat.
    patches = sum(pixels[r : r + 8, c : c + 8].std() > 50 for r in (0, 8, 16) for c in (0, 8, 16))
    return ContinuationScore(float(words + patches) - 20, 1, False)


def test_a_symmetric_model_has_a_share_of_one_half():
    stripes = np.zeros((24, 24, 3), np.uint8)
    stripes[::2] = 255
    samples = [
        Sample(str(i), {"image": Image.from_array(np.roll(stripes, i, axis=0)), "choices": ["yes", "no"],
                        "question": f"a b c d e f g h {i}", "answer": 0})
        for i in range(2)
    ]  # fmt: skip
    played = play(ImageAnswerModality(n_permutations=4), samples, late_fusion)
    assert played.estimate("text share").value == pytest.approx(0.5, abs=0.05)
    assert played.estimate("synergy").value == pytest.approx(0)
    (record, _) = played.records
    assert (record["n_words"], record["n_cells"]) == (9, 9)


def digit_samples(n=20):
    rows = list(digits.digit_rows())[:n]
    return [
        Sample(str(r["id"]), {"image": Image(data=r["image"]), "label": r["label"]}) for r in rows
    ]


DIGITS = ImageMatchModality(n_permutations=2, template="a photo of the number {}")


def test_a_dual_encoder_without_sight_rests_on_words():
    model = load("digits-clean")
    with torch.no_grad():
        model.module.vision_model.embeddings.patch_embedding.weight.zero_()
    played = play(DIGITS, digit_samples(), ask(model))
    assert played.estimate("text share").value == pytest.approx(1, abs=1e-4)
    assert played.estimate("perceptual score of image").value == 0


def test_a_dual_encoder_without_words_rests_on_the_picture():
    model = load("digits-clean")
    with torch.no_grad():
        model.module.text_model.embeddings.token_embedding.weight.zero_()
        model.module.text_model.embeddings.position_embedding.weight.zero_()
    played = play(DIGITS, digit_samples(), ask(model))
    assert played.estimate("text share").value == pytest.approx(0, abs=1e-3)


def test_a_dual_encoder_that_works_needs_both():
    played = play(DIGITS, digit_samples(20), ask(cached("digits-clean")))
    for side in ("image", "text"):
        assert played.estimate(f"perceptual score of {side}").verdict == "differs from null"
    assert 0.1 < played.estimate("text share").value < 0.9
    assert played.estimate("synergy").value > 0


def test_clips_are_divided_into_as_many_moments_as_words():
    rows = list(sounds.sound_rows())[:12]
    samples = [
        Sample(str(r["id"]), {"audio": Audio(data=r["audio"]), "label": r["label"]}) for r in rows
    ]
    probe = AudioMatchModality(n_permutations=2)
    played = play(probe, samples, ask(cached("sounds-clean")))
    assert played.failures == ()
    assert all(record["n_words"] == record["n_cells"] for record in played.records)
    assert 0 < played.estimate("text share").value < 1


def test_neither_order_nor_company_changes_a_share():
    samples = questions(6)
    check_probe(ImageAnswerModality(n_permutations=2), samples, ask(cached("vlm-clean")))


def test_a_carrier_is_one_of_the_two(blind):
    played = play(ImageAnswerModality(n_permutations=2), questions(6), ask(blind))
    assert math.isnan(played.estimate("answers that rest on what carries them").value)
    with pytest.raises(DataError, match="carried_by"):
        play(ImageAnswerModality(n_permutations=2), questions(6, carried_by="sound"), ask(blind))
