"""A fused activation is the same function."""

from __future__ import annotations

import torch
from transformers import GPT2Config, GPT2LMHeadModel

from evalsuite_transformers.activations import fuse_activations


def test_outputs_stay_what_they_were():
    torch.manual_seed(0)
    model = GPT2LMHeadModel(GPT2Config(vocab_size=50, n_embd=32, n_layer=2, n_head=2)).eval()
    ids = torch.arange(12)[None]
    with torch.no_grad():
        before = model(ids).logits
        assert fuse_activations(model) == 2
        after = model(ids).logits
    torch.testing.assert_close(after, before, atol=1e-5, rtol=0)


def test_other_activations_are_left_alone():
    assert fuse_activations(torch.nn.Sequential(torch.nn.ReLU(), torch.nn.GELU())) == 0
