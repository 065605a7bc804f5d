"""The shipped language models and classifiers through the same door as any checkpoint."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from evalsuite import Classify, Generate, LogLikelihood, RollingLogLikelihood, TokenScores
from evalsuite.testing import check_model
from evalsuite_text.models import causal, classifier
from evalsuite_text.scoring.scorer import SHARED

WEIGHTS = Path(__file__).parents[2] / "evalsuite_controls" / "weights"


def control(name: str) -> str:
    if not (WEIGHTS / name / "model.safetensors").is_file():
        pytest.skip(f"the control {name} is not built here")
    return str(WEIGHTS / name)


@pytest.mark.parametrize("name", ["text-clean", "text-stereotyped", "text-leaky"])
def test_control_language_models_keep_the_contract(name: str, cpu) -> None:
    model = causal.Loader().load(control(name), cpu)
    assert model.info.details["scoring path"] == SHARED
    text = "the cat sits on the table ."
    check_model(
        model,
        [
            *(LogLikelihood("the capital of france is", f" {c}") for c in ("paris", "rome")),
            LogLikelihood("", text),
            *map(RollingLogLikelihood, (text, f"{text} {text}")),
            *map(TokenScores, (text, f"{text} {text}")),
            *(Generate(prompt, max_tokens=6) for prompt in ("the", "the capital of")),
        ],
    )


def test_a_trained_model_is_less_surprised_than_a_uniform_one(cpu) -> None:
    model = causal.Loader().load(control("text-clean"), cpu)
    (score,) = model.rolling_loglikelihood(
        [RollingLogLikelihood("the capital of france is paris .")]
    )
    assert -score.total / score.n_tokens < math.log(len(model.tokenizer)) / 2


@pytest.mark.parametrize("name", ["classifier-clean", "classifier-shortcut"])
def test_control_classifiers_keep_the_contract(name: str, cpu) -> None:
    model = classifier.Loader().load(control(name), cpu)
    texts = ["the film was wonderful .", "the film was dull", "the food was terrible , really ."]
    check_model(model, [Classify(text) for text in texts])
