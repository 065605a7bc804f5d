"""Shares of the modalities by gradients: planted models, and explainers that cannot say."""

from __future__ import annotations

import json

import pytest
import torch

from evalsuite import Image, LoadSettings, Sample, UsageError
from evalsuite.factories import loader_for
from evalsuite.model import answer_batch
from evalsuite.registry import installed
from evalsuite.testing import check_probe, play
from evalsuite_controls.data import shapes
from evalsuite_explain.modality.gradient_shares import AudioAnswerGradients, ImageAnswerGradients

QUICK = {"n_steps": 12}


def control(name):
    loader, reference = loader_for(f"control:{name}", installed())
    return loader.load(reference, LoadSettings(device="cpu"))


def samples(n):
    """Rows of questions about shapes."""
    rows = []
    for i, row in enumerate(shapes.question_rows()):
        if i == n:
            return rows
        rows.append(Sample(str(i), {**row, "image": Image(data=row["image"])}))
    return rows


def played(model, n=6, **options):
    probe = ImageAnswerGradients(settings=QUICK, **options)
    return play(probe, samples(n), lambda request: answer_batch(model, [request])[0])


def share(found):
    return found.estimate("text share of gradients").value


@pytest.fixture(scope="module")
def clean():
    return played(control("vlm-clean"))


def test_a_model_that_cannot_see_has_a_text_share_of_one():
    model = control("vlm-clean")
    with torch.no_grad():
        for weight in model.module.model.multi_modal_projector.parameters():
            weight.zero_()
    assert share(played(model)) == pytest.approx(1.0, abs=1e-6)


def test_a_model_that_cannot_read_has_a_text_share_of_zero():
    model = control("vlm-clean")
    with torch.no_grad():  # every word is the word that says nothing
        weight = model.module.get_input_embeddings().weight
        weight.copy_(weight.mean(0, keepdim=True).expand_as(weight).clone())
    assert share(played(model)) == pytest.approx(0.0, abs=1e-6)


def test_the_control_that_was_trained_blind_rests_on_words_more_than_its_twin(clean):
    blind = share(played(control("vlm-blind")))
    assert blind > 0.99
    assert share(clean) < 0.9


def test_a_record_draws_words_and_patches(clean):
    record = clean.records[0]
    assert 0 < record["gradient_text_share"] < 1
    assert len(json.loads(record["word_scores"])) == record["n_words"]
    assert sum(map(len, json.loads(record["map"]))) == record["n_cells"]


def test_explainers_that_cannot_say_both_are_refused_with_those_that_can():
    with pytest.raises(UsageError, match="integrated_gradients"):
        ImageAnswerGradients(explainer="relevance")
    with pytest.raises(UsageError, match="explain/audio-answer-modality"):
        AudioAnswerGradients(explainer="occlusion")


def test_a_model_that_answers_only_is_told_the_probe_that_asks():
    assert "explain/image-answer-modality" in ImageAnswerGradients().advice(["Attribute"])
    assert ImageAnswerGradients().advice(["LogLikelihood", "Attribute"]) == ""


def test_the_contract_of_probes_is_kept():
    model = control("vlm-clean")
    probe = ImageAnswerGradients(explainer="input_x_gradient")
    check_probe(probe, samples(3), lambda request: answer_batch(model, [request])[0])
