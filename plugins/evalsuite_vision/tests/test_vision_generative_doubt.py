"""Entropies before tokens and at images: every path says what the model's own logits say."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from evalsuite import Failure, TokenEntropies
from evalsuite.content import as_content
from evalsuite.testing import check_model
from evalsuite_transformers.generative.paths import KEPT, PLAIN, SEPARATE, SHARED

ORDERS = (0.5, 1.0, 2.0, math.inf)


def requests_about(pictures, *, with_media=True):
    contexts = [
        (pictures[0], "what is the colour ?"),
        (pictures[0], "what is the shape ?"),
        ("the first", pictures[1], "or the second", pictures[4], "?"),
        ("is there a circle ?",),
    ]
    return [
        TokenEntropies(context, text, ORDERS, with_media)
        for context in contexts
        for text in (" red", " it is blue , not green")
    ]


def entropies_of(p):
    """Of distributions [n, vocabulary], by the definitions."""
    return np.array(
        [2 * np.log(np.sqrt(p).sum(1)), -(p * np.log(p)).sum(1), -np.log((p**2).sum(1)),
         -np.log(p.max(1))]
    )  # fmt: skip


def modified_of(p, came, order):
    """One token's modified entropy, summed over the vocabulary as it is written."""
    a = abs(order - 1)

    def gain(x):
        return math.log(x) if a == 0 else (x**a - 1) / a

    own = p[came]
    rest = sum(q * gain(1 - q) for i, q in enumerate(p) if i != came)
    return -(1 - own) * gain(own) - rest


def by_the_model_itself(model, request):
    """Distributions before the continuation and at the media, from one row's full logits."""
    prompt = model.writer.write(request.context)
    inputs = model.paths.plain.prepare(prompt)
    tail = model.tokenizer(request.continuation, add_special_tokens=False)["input_ids"]
    ids = torch.cat([inputs["input_ids"], torch.tensor([tail])], dim=1)
    more = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    for name in {"mm_token_type_ids", "token_type_ids"} & set(inputs):
        types = torch.zeros(1, len(tail), dtype=torch.long)
        more[name] = torch.cat([inputs[name], types], dim=1)
    with torch.no_grad():
        p = model.module(**{**inputs, **more}).logits[0].double().softmax(-1).numpy()
    token = model.paths.media[0].token_id
    at_media = inputs["input_ids"][0].numpy() == token
    n = len(at_media)
    return p[n - 1 : n - 1 + len(tail)], tail, p[:n][at_media]


def check_against_the_logits(model, requests):
    for request, answer in zip(requests, model.token_entropies(requests), strict=True):
        p, tail, at_media = by_the_model_itself(model, request)
        assert np.array(answer.entropies) == pytest.approx(entropies_of(p), abs=1e-4)
        modified = [
            [modified_of(row, came, order) for row, came in zip(p, tail, strict=True)]
            for order in ORDERS[:3]
        ]
        assert np.array(answer.modified) == pytest.approx(np.array(modified), abs=1e-4)
        if len(at_media):
            assert np.array(answer.media) == pytest.approx(entropies_of(at_media), abs=1e-4)
        else:
            assert answer.media == ()


@pytest.fixture(params=[SHARED, SEPARATE, KEPT, PLAIN])
def taking(request, loaded, kind, monkeypatch):
    """A model that is made to take one path."""
    monkeypatch.setattr(loaded[kind].paths, "name", request.param)
    return loaded[kind]


def test_every_path_is_in_doubt_as_the_logits_say(taking, pictures):
    check_against_the_logits(taking, requests_about(pictures))


def test_so_is_a_model_that_only_runs_plainly(falling_back, pictures):
    check_against_the_logits(falling_back, requests_about(pictures))


def test_the_contract_is_kept_on_every_path(taking, pictures):
    check_model(
        taking, [*requests_about(pictures), *requests_about(pictures, with_media=False)], 1e-5
    )


def test_an_image_is_read_once_for_its_own_doubt_and_that_about_two_texts(
    checkpoints, kind, pictures, load
):
    model = load(checkpoints[kind])
    context = (pictures[0], "what is the colour ?")
    texts = (" red", " it is blue , not green")
    (length,) = model.paths.lengths([model.writer.write(as_content(context))])
    tails = [model.writer.joint("x", text)[1] for text in texts]
    model.token_entropies([TokenEntropies(context, text, ORDERS, True) for text in texts])
    assert model.paths.embedded.n_read == length + sum(len(tail) - 1 for tail in tails)
    assert model.n_images_encoded == 1


def test_a_certain_model_has_a_finite_modified_entropy():
    from evalsuite_transformers.generative.token_entropies import modified_entropies

    logits = torch.tensor([[200.0, 0.0, 0.0]])
    found = modified_entropies(logits, torch.tensor([0]), ORDERS[:3])
    assert found[:, 0].tolist() == pytest.approx([0, 0, 0], abs=1e-6)
    wrong = modified_entropies(logits, torch.tensor([1]), ORDERS[:3])
    assert wrong.isfinite().all()
    assert (wrong > 0.9).all()


def test_worked_modified_entropies():
    """p = (1/2, 1/4, 1/4), the first token came.

    Order 1: -1/2 ln 1/2 - 2 (1/4 ln 3/4) = .346574 + .143841 = .490415.
    Order 2, a = 1: g(p) = p - 1, so 1/2 1/2 + 2 (1/4 1/4) = .375.
    Order 1/2, a = 1/2: g(p) = 2 (sqrt p - 1): 1/2 .585786 + 2 (1/4 .267949) = .426868.
    """
    from evalsuite_transformers.generative.token_entropies import modified_entropies

    logits = torch.log(torch.tensor([[0.5, 0.25, 0.25]]))
    found = modified_entropies(logits, torch.tensor([0]), (1.0, 2.0, 0.5))[:, 0].tolist()
    assert found == pytest.approx([0.490415, 0.375, 0.426868], abs=1e-6)


def test_without_a_continuation_there_is_no_doubt_to_ask_for(loaded, kind, pictures):
    (answer,) = loaded[kind].token_entropies([TokenEntropies((pictures[0],), "", (1.0,), True)])
    assert isinstance(answer, Failure)
