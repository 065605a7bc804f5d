"""The head slice by slice gives what the whole head gives."""

from __future__ import annotations

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
