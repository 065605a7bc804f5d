"""Published pictures through the control models: what is shown is the path, and chance."""

from __future__ import annotations

import json

import pytest

from evalsuite.cli import run
from evalsuite.store import Run


def asked(task: str, model: str, data, tmp_path, *more: str) -> Run:
    command = ["run", f"task:{task}", "-m", model, "--set", f"data={data}", "-q"]
    assert run([*command, "--output", str(tmp_path / "run"), *more]) == 0
    return Run.open(tmp_path / "run")


def estimate(found: Run, metric: str):
    return next(e for r in found.results for e in r.estimates if e.metric == metric)


def test_nlvr_is_chance_for_a_model_of_single_shapes(data, tmp_path):
    found = asked("nlvr", "control:vlm-clean", data, tmp_path, "--limit", "200")
    accuracy = estimate(found, "balanced accuracy")
    assert accuracy.n == 200
    assert accuracy.verdict == "compatible with null"


@pytest.mark.parametrize("model", ["control:shapes-clean", "control:digits-clean"])
def test_photographs_are_retrieved_at_chance_by_models_of_shapes_and_digits(model, data, tmp_path):
    found = asked("skimage-retrieval", model, data, tmp_path)
    recall = estimate(found, "R@1 image to text")
    assert recall.n == 17
    assert recall.verdict == "compatible with null"


def test_photographs_are_captioned_badly_by_a_model_of_shapes(data, tmp_path):
    found = asked("skimage-captioning", "control:vlm-clean", data, tmp_path)
    assert estimate(found, "CIDEr-D").value < 0.5
    record = next(iter(found.samples(found.results[0].id))).record
    assert json.dumps(record)


def test_digits_are_named_above_chance_and_clothes_at_chance(data, tmp_path):
    """The control learned the digits of scikit-learn, which are coarser; it never saw clothes."""
    digits = asked(
        "mnist-zero-shot", "control:digits-clean", data, tmp_path / "a", "--limit", "400"
    )
    assert estimate(digits, "accuracy").verdict == "differs from null"
    assert estimate(digits, "accuracy").value > 0.3
    clothes = asked("fashion-mnist-zero-shot", "control:digits-clean", data, tmp_path / "b")
    assert estimate(clothes, "accuracy").n == 900
    assert estimate(clothes, "accuracy").value < 0.25
