"""Attention with one head of keys: nothing of it depends on the view that keys are seen through."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from evalsuite import LoadSettings
from evalsuite.factories import loader_for
from evalsuite.registry import installed
from evalsuite_transformers import attention
from evalsuite_transformers.attention import attend, mend_attention

LENGTHS = (31, 33, 64, 65, 97, 129)


def inputs(length, n_key_heads):
    """Queries of four heads, keys and values of fewer; in the second row the last 5 are hidden."""
    torch.manual_seed(length)
    query = torch.randn(2, 4, length, 16)
    key, value = torch.randn(2, 2, n_key_heads, length, 16).unbind()
    seen = torch.ones(length, length, dtype=torch.bool).tril().repeat(2, 1, 1, 1)
    seen[1, ..., -5:] = False
    module = SimpleNamespace(num_key_value_groups=4 // n_key_heads, is_causal=True)
    return module, query, key, value, seen


@pytest.mark.parametrize(
    ("n_key_heads", "is_at_risk"), [(1, True), (1, False), (2, False), (4, False)]
)
def test_it_is_what_transformers_computes(n_key_heads, is_at_risk, monkeypatch):
    monkeypatch.setattr(attention, "_is_at_risk", lambda *_: is_at_risk)
    arguments = inputs(33, n_key_heads)
    found, expected = attend(*arguments)[0], sdpa_attention_forward(*arguments)[0]
    torch.testing.assert_close(found[0], expected[0])
    torch.testing.assert_close(found[1, :28], expected[1, :28])


def test_loading_a_model_puts_it_in_place():
    ALL_ATTENTION_FUNCTIONS.register("sdpa", sdpa_attention_forward)
    loader, reference = loader_for("control:text-clean", installed())
    loader.load(reference, LoadSettings(device="cpu"))
    assert ALL_ATTENTION_FUNCTIONS["sdpa"] is attend


def a_model_with_one_head_of_keys():
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=300, hidden_size=64, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=1, attn_implementation="sdpa",
    )  # fmt: skip
    return LlamaForCausalLM(config).eval()


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_padded_batch_says_on_a_gpu_what_it_says_on_the_cpu(dtype):
    # bfloat16 has 8 bits: logits of about 1 are off by a few hundredths, the error seen was 0.2.
    tolerance = 1e-4 if dtype is torch.float32 else 6e-2
    mend_attention()
    model = a_model_with_one_head_of_keys().to(dtype)
    for length in LENGTHS:
        ids = torch.randint(0, 300, (2, length))
        seen = torch.ones_like(ids)
        seen[1, -5:] = 0
        with torch.inference_mode():
            here = model.cpu().float()(ids, attention_mask=seen).logits
            model.to(dtype).cuda()
            there = model(ids.cuda(), attention_mask=seen.cuda()).logits.cpu().float()
        assert float(((here - there).abs().amax(-1) * seen).max()) < tolerance, length


@pytest.mark.gpu
def test_torch_still_needs_it():
    module, query, key, value, seen = inputs(65, 1)
    here = sdpa_attention_forward(module, query, key, value, seen)[0][0]
    on_gpu = [part.cuda() for part in (query, key, value, seen)]
    wrong, right = sdpa_attention_forward(module, *on_gpu)[0][0], attend(module, *on_gpu)[0][0]
    torch.testing.assert_close(right.cpu(), here, atol=1e-5, rtol=1e-5)
    assert float((wrong.cpu() - here).abs().max()) > 1e-2, "torch is mended: drop attention.py"
