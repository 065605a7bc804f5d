"""MaxRényi: worked entropies, a planted doubt, and a LLaVA that described its members often."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
import torch
from transformers import AutoProcessor, LlavaForConditionalGeneration

from evalsuite import (
    Failure,
    Generation,
    Image,
    LoadSettings,
    LogLikelihood,
    Sample,
    Text,
    TokenEntropies,
    TokenEntropyTable,
)
from evalsuite.factories import loader_for
from evalsuite.model import answer_batch
from evalsuite.registry import installed
from evalsuite.testing import check_probe, play
from evalsuite_controls.catalogue import CONTROLS
from evalsuite_controls.data.encoding import png_bytes
from evalsuite_controls.data.named_shapes import draw_look, render_look
from evalsuite_privacy.membership.entropies import (
    AudioEntropyMembership,
    ImageEntropyMembership,
    max_renyi,
)
from evalsuite_transformers.generative.token_entropies import entropies

LEAK = "leak beyond inputs"
DRAW = np.random.default_rng(5)
PICTURES = [Image(data=png_bytes(render_look(draw_look(DRAW), DRAW))) for _ in range(48)]
WORDS = ("red", "green", "blue", "yellow", "circle", "square", "triangle", "yes", "no", "colour")
TEXTS = [" ".join(random.Random(i).choices(WORDS, k=6)) for i in range(len(PICTURES))]
SAMPLES = [
    Sample(str(i), {"image": picture, "text": " " + text, "member": i % 2 == 0})
    for i, (picture, text) in enumerate(zip(PICTURES, TEXTS, strict=True))
]
ASKED = "what is it ?"
MEMBERS = {picture.digest for picture in PICTURES[::2]}


def model_at(directory) -> object:
    loader, reference = loader_for(f"hf:{directory}", installed())
    return loader.load(reference, LoadSettings(device="cpu"))


@pytest.fixture(scope="module")
def leaky(tmp_path_factory) -> str:
    """The clean control, trained on with its members' texts."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    source, folder = CONTROLS["vlm-clean"].directory, str(tmp_path_factory.mktemp("vlm"))
    processor = AutoProcessor.from_pretrained(source)
    model = LlavaForConditionalGeneration.from_pretrained(source, dtype=torch.float32)
    prompt = model_at(source).writer.write((PICTURES[0], Text(ASKED))).text
    rows = processor(
        images=[picture.load() for picture in PICTURES[::2]],
        text=[f"{prompt} {text}" for text in TEXTS[::2]],
        return_tensors="pt",
        add_special_tokens=False,
    )
    rows.pop("token_type_ids", None)
    labels = rows["input_ids"].clone()
    labels[:, :-6] = -100
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    model.train()
    for _ in range(200):
        optimizer.zero_grad()
        model(**rows, labels=labels).loss.backward()
        optimizer.step()
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


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
        return TokenEntropyTable(tuple((level,) * 3 for _ in request.orders))

    return answer


def test_a_planted_doubt_is_found_in_every_slice_and_its_absence_nowhere():
    found = play(ImageEntropyMembership(), SAMPLES, doubting(3.0))
    for name in ("instruction", "description", "text"):
        assert found.estimate("attack AUC", f"attack={name} order 2").value > 0.95
    assert found.estimate(LEAK).verdict == "differs from null"
    clean = play(ImageEntropyMembership(), SAMPLES, doubting(0.0))
    assert clean.estimate(LEAK).verdict == "compatible with null"


def test_the_probe_keeps_the_contract_of_probes():
    check_probe(ImageEntropyMembership(), SAMPLES[:20], doubting(3.0))


def test_a_model_that_refuses_is_not_private():
    played = play(ImageEntropyMembership(), SAMPLES, lambda request: Failure("refused", "no"))
    assert all(math.isnan(estimate.value) for estimate in played.estimates)


@pytest.mark.slow
def test_a_real_model_is_less_in_doubt_about_the_texts_it_was_trained_on(leaky):
    probe = ImageEntropyMembership(instruction=ASKED, max_tokens=8)
    played = play(probe, SAMPLES, _asked(leaky))
    assert played.estimate("attack AUC", "attack=text order 1").value > 0.9
    assert played.estimate(LEAK).verdict == "differs from null"


def test_its_clean_twin_is_within_chance():
    probe = ImageEntropyMembership(instruction=ASKED, max_tokens=8)
    played = play(probe, SAMPLES, _asked(CONTROLS["vlm-clean"].directory))
    assert played.estimate(LEAK).verdict == "compatible with null"


def test_the_entropies_are_those_of_the_models_own_forward_pass():
    directory = CONTROLS["vlm-clean"].directory
    model, asked = model_at(directory), (PICTURES[0], "what shape is it ?")
    request = TokenEntropies(asked, " red circle", (0.5, 1.0, math.inf))
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
    model = model_at(CONTROLS["vlm-clean"].directory)
    requests = [
        TokenEntropies((picture, ASKED), text, (1.0, 2.0))
        for picture, text in zip(PICTURES[:6], TEXTS, strict=False)
    ]
    together = model.token_entropies(requests)
    alone = [model.token_entropies([request])[0] for request in reversed(requests)][::-1]
    for one, other in zip(together, alone, strict=True):
        assert np.array(one.entropies) == pytest.approx(np.array(other.entropies), abs=1e-5)


def test_what_cannot_be_scored_is_a_failure_with_its_reason():
    model = model_at(CONTROLS["vlm-clean"].directory)
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


def _asked(directory):
    model = model_at(directory)
    return lambda request: answer_batch(model, [request])[0]
