"""Whether scores add up: steps that are doubled, explanations that miss the total, Shapley values."""

from __future__ import annotations

import pytest
import torch
from captum.attr import IntegratedGradients
from word_reader import reading

from evalsuite import (
    DifferentiableView,
    LoadSettings,
    Sample,
)
from evalsuite.factories import loader_for
from evalsuite.model import answer_batch
from evalsuite.registry import installed
from evalsuite.testing import play
from evalsuite_controls.data import classifier
from evalsuite_explain.explainers.gradients import integrated_gradients
from evalsuite_explain.probes.attribution import Attribution as AttributionProbe

TEXTS = [f"film {i} was really good tonight" for i in range(6)]
REVIEWS = [Sample(str(i), {"text": text}) for i, text in enumerate(TEXTS)]


def rough(x):
    """f = x0 + 4 times a steep step of x1 near 0.9."""
    return x[:, 0, 0] + 4 * torch.sigmoid(400 * (x[:, 1, 0] - 0.9))


def view(function, inputs):
    tensor = torch.tensor(inputs).reshape(1, -1, 1)
    spans = tuple((i, i + 1) for i in range(tensor.shape[1]))
    return DifferentiableView(tensor, torch.zeros_like(tensor), function, spans)


def test_steps_are_doubled_until_the_scores_add_up():
    few = integrated_gradients(view(rough, [1.0, 1.0]), n_steps=32)
    found = integrated_gradients(view(rough, [1.0, 1.0]))
    assert few.relative_error > 0.01 >= found.relative_error
    assert found.n_steps > 32
    assert found.scores == pytest.approx((1.0, 4.0), rel=0.02)


def test_a_smooth_function_takes_the_first_steps_only():
    assert integrated_gradients(view(lambda x: x.sum((1, 2)) ** 2, [1.0, 2.0])).n_steps == 32


def test_doubling_ends_at_the_cap():
    found = integrated_gradients(view(rough, [1.0, 1.0]), tolerance=0.0, most_steps=128)
    assert found.n_steps == 128


@pytest.mark.parametrize("n_steps", [8, 32, 100])
def test_fixed_steps_give_what_captum_gives(n_steps):
    bent = view(rough, [1.0, 1.0])
    theirs = IntegratedGradients(rough).attribute(
        bent.inputs, baselines=bent.baseline, n_steps=n_steps
    )
    found = integrated_gradients(bent, n_steps=n_steps)
    assert found.scores == pytest.approx(theirs.reshape(-1).tolist(), abs=1e-6)
    assert found.n_steps == n_steps


@pytest.mark.parametrize(("missed", "share"), [(0.0, 0.0), (0.009, 0.0), (0.02, 1.0)])
def test_explanations_that_miss_completeness_are_counted_and_flagged(missed, share):
    played = play(AttributionProbe(), REVIEWS, reading("good", missed, n_steps=64))
    found = played.estimate("explanations that miss completeness by more than 0.01")
    assert found.value == share
    assert played.estimate("steps of integrated gradients").value == 64
    assert played.estimate("completeness error").value == pytest.approx(missed)
    assert {record["is_incomplete"] for record in played.records} == {share == 1.0}


def test_explainers_that_share_nothing_out_are_not_counted():
    names = [m.name for m in AttributionProbe(explainers=("saliency", "occlusion")).metrics]
    assert not any(name.startswith("explanations that miss") for name in names)


@pytest.mark.parametrize("explainer", ["shapley", "sampled_shapley", "kernel_shap"])
def test_shapley_values_are_complete(explainer):
    played = play(AttributionProbe(explainers=(explainer,)), REVIEWS[:2], reading("good"))
    for record in played.records:
        assert record["completeness_error"] == pytest.approx(0.0, abs=1e-9)
        assert record["is_incomplete"] is False


def test_the_explanations_of_a_real_model_add_up_to_one_per_cent():
    loader, reference = loader_for("control:classifier-shortcut", installed())
    model = loader.load(reference, LoadSettings(device="cpu"))
    rows = [
        Sample(str(i), {"text": row["text"]})
        for i, row in zip(range(2), classifier.review_rows(n=2, seed=505, cue=True))
    ]
    probe = AttributionProbe(longest=0, sets=4, steps=2)
    played = play(probe, rows, lambda request: answer_batch(model, [request])[0])
    assert not played.failures
    assert max(record["relative_error"] for record in played.records) <= 0.01
    assert played.estimate("deletion gain over random").value > 0.1
