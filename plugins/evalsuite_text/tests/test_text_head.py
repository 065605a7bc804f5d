"""The head slice by slice gives what the whole head gives."""

from __future__ import annotations

import math

import pytest
import torch

from evalsuite_text.scoring import head
from evalsuite_text.scoring.head import read_tokens


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_slices_give_the_numbers_of_the_whole(monkeypatch, bias, dtype):
    monkeypatch.setattr(head, "SLICE_TOKENS", 7)  # 50 tokens: seven slices and a rest
    monkeypatch.setattr(head, "SLICE_ROWS", 3)
    torch.manual_seed(0)
    linear = torch.nn.Linear(8, 50, bias=bias).to(dtype)
    states = 3 * torch.randn(10, 8, dtype=dtype)
    positions = torch.tensor([0, 4, 4, 9, 2, 2, 7])
    best = linear(states).float().argmax(-1)
    targets = torch.tensor([0, 13, 49, int(best[9]), 7, int(best[2]), 21])

    def logits_of(some):
        return linear(some).float()

    with torch.inference_mode():
        whole = read_tokens(states, positions, targets, logits_of)
        sliced = read_tokens(states, positions, targets, logits_of, linear=linear)
    torch.testing.assert_close(sliced.logprobs, whole.logprobs, atol=1e-5, rtol=0)
    assert sliced.greedy.tolist() == whole.greedy.tolist()
    assert sliced.greedy[3]
    assert sliced.greedy[5]


def test_of_equal_tokens_the_first_is_the_greedy_one():
    linear = torch.nn.Linear(2, 9000, bias=False)
    torch.nn.init.zeros_(linear.weight)
    states = torch.ones(1, 2)
    with torch.inference_mode():
        found = read_tokens(
            states,
            torch.tensor([0, 0]),
            torch.tensor([0, 8000]),
            lambda some: linear(some).float(),
            linear=linear,
        )
    assert found.greedy.tolist() == [True, False]
    assert found.logprobs.exp() == pytest.approx(1 / 9000)


@pytest.mark.parametrize("slice_tokens", [7, 64])
def test_moments_by_slices_are_those_of_the_definition(monkeypatch, slice_tokens):
    """mu = sum p log p and sigma^2 = sum p (log p - mu)^2, in float64, a slice at a time or not.

    The first ten tokens cannot occur, so that the first of seven-token slices holds nothing.
    """
    monkeypatch.setattr(head, "SLICE_TOKENS", slice_tokens)
    torch.manual_seed(0)
    linear = torch.nn.Linear(8, 50)
    with torch.no_grad():
        linear.bias[:10] = -torch.inf
    states = 4 * torch.randn(20, 8)
    places = torch.arange(20)
    with torch.inference_mode():
        logits = linear(states)
        found = read_tokens(
            states, places, logits.argmax(-1), lambda _: logits, with_moments=True, linear=linear
        )
        logp = logits[:, 10:].double().log_softmax(-1)
    mean = (logp.exp() * logp).sum(-1)
    deviation = (logp.exp() * (logp - mean[:, None]).square()).sum(-1).sqrt()
    torch.testing.assert_close(found.means.double(), mean, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found.deviations.double(), deviation, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found.logprobs.double(), logp.amax(-1), atol=1e-5, rtol=1e-5)
    assert found.greedy.all()


def test_a_flat_distribution_has_no_deviation():
    # Taken from log p it would be the root of what is left of 82.9 - 82.9 in float32.
    linear = torch.nn.Linear(2, 9000, bias=False)
    torch.nn.init.zeros_(linear.weight)
    one = torch.tensor([0])
    with torch.inference_mode():
        found = read_tokens(
            torch.ones(1, 2), one, one, lambda some: linear(some), with_moments=True, linear=linear
        )
    assert found.means.tolist() == pytest.approx([-math.log(9000)], abs=1e-5)
    assert found.deviations.tolist() == [0.0]
