"""Gradient norms as membership scores: equal to a plain backward pass, planted, silent, refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from remembered_pictures import ASKED, CLEAN, PICTURES, TEXTS

from evalsuite import Attribute, Attribution, ContinuationScore, Failure, LoadSettings, Sample
from evalsuite.factories import loader_for
from evalsuite.model import answer_batch
from evalsuite.registry import installed
from evalsuite.testing import check_probe, play
from evalsuite_controls.sources import Members
from evalsuite_privacy.membership.gradients import (
    ATTACKS,
    GradientMembership,
    ImageGradientMembership,
)

LEAK, AUC = "leak beyond inputs", "attack AUC"
EXPLAINER = "evalsuite_privacy.membership.gradient_norms:gradient_norms"
SAMPLES = [
    Sample(str(i), {"image": p, "text": f" {t}", "prompt": ASKED, "member": i % 2 == 0})
    for i, (p, t) in enumerate(zip(PICTURES, TEXTS, strict=True))
]


def loaded(name: str):
    loader, reference = loader_for(name, installed())
    return loader.load(reference, LoadSettings(device="cpu"))


def some(n: int) -> list[Sample]:
    rows = list(Members().rows())
    return [*[r for r in rows if r["member"]][:n], *[r for r in rows if not r["member"]][:n]]


def norms_of(module, loss) -> list[float]:
    """Over all gradients laid end to end."""
    module.zero_grad()
    loss.backward()
    whole = torch.cat([w.grad.flatten() for w in module.parameters() if w.grad is not None])
    module.zero_grad()
    return [float(torch.linalg.vector_norm(whole, p)) for p in (1.0, 2.0, math.inf)]


def test_the_norms_are_those_of_a_backward_pass():
    model = loaded("control:text-clean")
    text, rest = "the dog", " sees the cat ."
    (answer,) = answer_batch(model, [Attribute(text, rest, EXPLAINER)])
    ids = model.tokenizer(text + rest, return_tensors="pt")["input_ids"]
    n = len(model.tokenizer(rest, add_special_tokens=False)["input_ids"])
    if ids[0, -1] == model.tokenizer.eos_token_id:
        ids = ids[:, :-1]
    vectors = model.module.get_input_embeddings()(ids).detach()
    logp = model.module(inputs_embeds=vectors).logits[0].log_softmax(-1)
    wanted = logp[-n - 1 : -1].gather(-1, ids[0, -n:, None]).sum()
    assert answer.total == pytest.approx(wanted.item(), abs=1e-4)
    assert answer.scores == pytest.approx(norms_of(model.module, wanted), rel=1e-4)


def test_weights_that_were_frozen_are_frozen_afterwards():
    model = loaded("control:text-clean")
    for weight in model.module.parameters():
        weight.requires_grad_(False)
    answer = answer_batch(model, [Attribute("the dog", " sees the cat .", EXPLAINER)])[0]
    assert answer.scores[1] > 0
    assert not any(weight.requires_grad for weight in model.module.parameters())


@pytest.mark.parametrize(("name", "is_leaky"), [("text-leaky", True), ("text-clean", False)])
def test_members_of_the_leaky_control_change_its_weights_little(name, is_leaky):
    """Chance on 50 and 50 texts: .5 within two of Mann-Whitney's deviations, .116."""
    model = loaded(f"control:{name}")
    played = play(GradientMembership(), some(50), lambda r: answer_batch(model, [r])[0])
    found = played.estimate(AUC, "attack=gradient_norm_2")
    if is_leaky:
        assert found.value > 0.7  # its members lie 1.2 nats below the others, not at 0
        assert played.estimate(LEAK).verdict == "differs from null"
    else:
        assert abs(found.value - 0.5) <= 2 * (101 / (12 * 50 * 50)) ** 0.5


def test_a_clean_model_of_pictures_is_within_chance():
    model = loaded(f"hf:{CLEAN}")
    played = play(ImageGradientMembership(), SAMPLES, lambda r: answer_batch(model, [r])[0])
    assert not played.failures
    assert played.estimate(LEAK).verdict == "compatible with null"


@pytest.mark.slow
def test_a_model_that_remembers_pictures_is_told(leaky_vlm):
    model = loaded(f"hf:{leaky_vlm}")
    played = play(ImageGradientMembership(), SAMPLES, lambda r: answer_batch(model, [r])[0])
    assert played.estimate(AUC, "attack=gradient_norm_2").value > 0.95
    assert played.estimate(LEAK).verdict == "differs from null"


def answering(request):
    """Four tokens, and gradients of 4, 2 and 1."""
    if isinstance(request, Attribute):
        return Attribution((4.0, 2.0, 1.0), (), -3.0, 0.0)
    return ContinuationScore(-3.0, 4, False)


def test_scores_are_minus_the_norms_of_the_mean_loss():
    """The sum's norms 4, 2, 1 over four tokens: -1, -.5, -.25. One word alone has no loss."""
    samples = [Sample(str(i), {"text": t, "member": i == 0}) for i, t in enumerate(["a b", "word"])]
    first, second = play(GradientMembership(), samples, answering).records
    assert [first[name] for name in ATTACKS] == [-1.0, -0.5, -0.25]
    assert np.isnan([second[name] for name in ATTACKS]).all()


def test_a_model_that_refuses_is_not_private():
    played = play(GradientMembership(), some(5), lambda request: Failure("refused", "no"))
    assert all(math.isnan(estimate.value) for estimate in played.estimates)


@pytest.mark.parametrize("probe", [GradientMembership(), ImageGradientMembership()])
def test_the_contract_is_kept(probe):
    check_probe(probe, SAMPLES[:12], answering)
