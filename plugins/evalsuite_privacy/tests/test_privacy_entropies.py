"""MaxRényi: worked entropies, a planted doubt, and a LLaVA that described its members often."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
import torch
from remembered_pictures import ASKED, CLEAN, PICTURES, TEXTS, asked, model_at

from evalsuite import (
    Failure,
    Generation,
    LogLikelihood,
    Sample,
    TokenEntropies,
    TokenEntropyTable,
)
from evalsuite.testing import check_probe, play
from evalsuite_privacy.membership.entropies import (
    AudioEntropyMembership,
    ImageEntropyMembership,
    max_renyi,
    mod_renyi,
)
from evalsuite_transformers.generative.token_entropies import entropies

LEAK = "leak beyond inputs"
SAMPLES = [
    Sample(str(i), {"image": picture, "text": " " + text, "member": i % 2 == 0})
    for i, (picture, text) in enumerate(zip(PICTURES, TEXTS, strict=True))
]
MEMBERS = {picture.digest for picture in PICTURES[::2]}


def test_worked_entropies_of_four_orders():
    """p = (1/2, 1/4, 1/4).

    Order 1: ln 2 / 2 + 2 (ln 4) / 4 = 1.5 ln 2 = 1.039721. Order 2: -ln(3/8) = .980829.
    Order 1/2: 2 ln(sqrt(1/2) + 1) = 2 ln 1.707107 = 1.069591. Infinity: -ln(1/2) = .693147.
    Order 0: ln 3.
    """
    logits = torch.log(torch.tensor([[0.5, 0.25, 0.25]]))
    found = entropies(logits, (1.0, 2.0, 0.5, math.inf, 0.0))[:, 0].tolist()
    worked = [1.5 * math.log(2), -math.log(3 / 8), 2 * math.log(1 + math.sqrt(0.5))]
    assert found == pytest.approx([*worked, math.log(2), math.log(3)], abs=1e-6)


def test_the_score_is_minus_the_mean_of_the_largest_entropies():
    """Of (1, 4, 2, 3, 0): half are floor(2.5) = 2 tokens, 4 and 3; a tenth is one, the 4."""
    values = [1.0, 4.0, 2.0, 3.0, 0.0]
    assert max_renyi(values, 0.5) == -3.5
    assert max_renyi(values, 0.1) == max_renyi(values, 0.0) == -4.0
    assert max_renyi(values, 1.0) == -2.0
    assert math.isnan(max_renyi([], 0.5))


def doubting(bonus: float):
    """A model that is less in doubt about its members by a bonus."""

    def answer(request):
        if not isinstance(request, TokenEntropies):
            return Generation("a shape", 2, "stop")
        picture = request.context[0]
        draw = random.Random(picture.digest)
        level = 4 + draw.gauss(0, 0.5) - (bonus if picture.digest in MEMBERS else 0.0)
        rows = tuple((level,) * 3 for _ in request.orders)
        return TokenEntropyTable(rows, rows[:-1], rows if request.with_media else ())

    return answer


def test_a_planted_doubt_is_found_in_every_slice_and_its_absence_nowhere():
    found = play(ImageEntropyMembership(), SAMPLES, doubting(3.0))
    for name in ("image", "instruction", "description", "text"):
        assert found.estimate("attack AUC", f"attack={name} order 2").value > 0.95
    for name in ("instruction", "description", "text"):
        assert found.estimate("attack AUC", f"attack=modified {name} order 2").value > 0.95
    assert found.estimate(LEAK).verdict == "differs from null"
    clean = play(ImageEntropyMembership(), SAMPLES, doubting(0.0))
    assert clean.estimate(LEAK).verdict == "compatible with null"


def test_each_share_of_the_tokens_is_an_attack_of_its_own():
    probe = ImageEntropyMembership(orders=(1.0,), k=(0.0, 1.0), max_tokens=0)
    assert probe.attacks == (
        *("image order 1, largest 0 %", "image order 1, largest 100 %"),
        *("instruction order 1, largest 0 %", "instruction order 1, largest 100 %"),
        *("text order 1, largest 0 %", "text order 1, largest 100 %"),
        *("modified instruction order 1", "modified text order 1"),
    )
    table = TokenEntropyTable(((1.0, 3.0),), ((0.5, 0.7),), ((2.0, 6.0),))
    (record,) = play(probe, SAMPLES[:1], lambda request: table).records
    assert record["image order 1, largest 0 %"] == -6.0
    assert record["image order 1, largest 100 %"] == -4.0
    assert record["text order 1, largest 100 %"] == -2.0
    assert record["modified text order 1"] == pytest.approx(-0.6)


def test_the_picture_costs_no_request_of_its_own():
    played = play(ImageEntropyMembership(), SAMPLES, doubting(0.0))
    assert len(played.requests) == 4 * len(SAMPLES)  # a description, and doubt about three texts
    assert sum(getattr(r, "with_media", False) for r in played.requests) == len(SAMPLES)


def test_a_model_without_places_for_pictures_has_no_score_there():
    def answer(request):
        if not isinstance(request, TokenEntropies):
            return Generation("a shape", 2, "stop")
        return TokenEntropyTable(((2.0,),) * 4, ((1.0,),) * 3)

    played = play(ImageEntropyMembership(), SAMPLES, answer)
    assert math.isnan(played.estimate(LEAK, "attack=image order 1").value)
    assert played.estimate("attack AUC", "attack=text order 1").value == 0.5


def test_modified_entropies_are_averaged_and_doubt_speaks_against_membership():
    assert mod_renyi([0.2, 0.4]) == pytest.approx(-0.3)
    assert math.isnan(mod_renyi([]))


def test_the_probe_keeps_the_contract_of_probes():
    check_probe(ImageEntropyMembership(), SAMPLES[:20], doubting(3.0))


def test_a_model_that_refuses_is_not_private():
    played = play(ImageEntropyMembership(), SAMPLES, lambda request: Failure("refused", "no"))
    assert all(math.isnan(estimate.value) for estimate in played.estimates)


@pytest.mark.slow
def test_a_real_model_is_less_in_doubt_about_what_it_was_trained_on(leaky_vlm):
    probe = ImageEntropyMembership(instruction=ASKED, max_tokens=8, k=1.0)
    played = play(probe, SAMPLES, asked(leaky_vlm))
    for name in ("image order 1", "text order 1", "modified text order 1"):
        assert played.estimate("attack AUC", f"attack={name}").value > 0.9
    assert played.estimate(LEAK).verdict == "differs from null"


def test_its_clean_twin_is_within_chance():
    probe = ImageEntropyMembership(instruction=ASKED, max_tokens=8)
    played = play(probe, SAMPLES, asked(CLEAN))
    assert played.estimate(LEAK).verdict == "compatible with null"


def test_the_entropies_are_those_of_the_models_own_forward_pass():
    model = model_at(CLEAN)
    request = TokenEntropies(
        (PICTURES[0], "what shape is it ?"), " red circle", (0.5, 1.0, math.inf)
    )
    (answer,) = model.token_entropies([request])
    prompt = model.writer.write(request.context)
    text, tail = model.writer.joint(prompt.text, request.continuation)
    rows = dict(
        model.processor(
            images=[PICTURES[0].load()], text=[text], return_tensors="pt", add_special_tokens=False
        )
    )
    own = {k: v for k, v in rows.items() if k != "token_type_ids"}
    own["input_ids"] = torch.cat([own["input_ids"], torch.tensor([tail])], 1)
    own["attention_mask"] = torch.ones_like(own["input_ids"])
    with torch.inference_mode():
        logits = model.module(**own).logits[0, -len(tail) - 1 : -1].double()
    p = logits.softmax(-1).numpy()
    worked = [2 * np.log(np.sqrt(p).sum(1)), -(p * np.log(p)).sum(1), -np.log(p.max(1))]
    assert np.array(answer.entropies) == pytest.approx(np.array(worked), abs=1e-5)


def test_neither_batch_nor_order_changes_an_entropy():
    model = model_at(CLEAN)
    requests = [
        TokenEntropies((picture, ASKED), text, (1.0, 2.0))
        for picture, text in zip(PICTURES[:6], TEXTS, strict=False)
    ]
    together = model.token_entropies(requests)
    alone = [model.token_entropies([request])[0] for request in reversed(requests)][::-1]
    for one, other in zip(together, alone, strict=True):
        assert np.array(one.entropies) == pytest.approx(np.array(other.entropies), abs=1e-5)


def test_what_cannot_be_scored_is_a_failure_with_its_reason():
    model = model_at(CLEAN)
    empty = model.token_entropies([TokenEntropies((PICTURES[0],), "")])[0]
    same = model.loglikelihood([LogLikelihood((PICTURES[0],), "")])[0]
    assert isinstance(empty, Failure)
    assert empty == same


@pytest.mark.parametrize("orders", [(), (-1.0,), (math.nan,)])
def test_orders_that_are_none_are_refused(orders):
    with pytest.raises(ValueError, match="orders"):
        TokenEntropies("a", "b", orders)
    with pytest.raises(ValueError, match="orders"):
        AudioEntropyMembership(orders=orders)
