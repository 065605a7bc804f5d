"""Leaving out what nobody reads changes nothing that somebody reads, whatever the architecture."""

from __future__ import annotations

import pytest
import torch
import transformers
from transformers import AutoModelForSequenceClassification

from evalsuite import Classify
from evalsuite_text.models import classifier
from evalsuite_text.models.pooled_logits import PooledLogits
from evalsuite_text.scoring.encoding import ScoredRow
from evalsuite_text.scoring.packing import CostModel
from evalsuite_text.scoring.readout import Readout, find_readouts
from evalsuite_text.scoring.scorer import PLAIN, Scorer

IDS = torch.arange(3, 11)[None]
DECODERS = {
    "Llama": {},
    "GPT2": {},
    "OPT": {"ffn_dim": 48, "word_embed_proj_dim": 32},
    "Phi3": {},
    "Qwen3": {"num_key_value_heads": 1, "head_dim": 16},
    "Mixtral": {"num_key_value_heads": 1, "num_local_experts": 2},
    "Mamba": {"state_size": 4},
}


@pytest.mark.parametrize("name", DECODERS)
def test_states_where_a_decoder_is_read_are_those_of_the_whole(name, tiny) -> None:
    model = tiny(name, **DECODERS[name])
    body = getattr(model, model.base_model_prefix)
    found = find_readouts(body, lambda: body(input_ids=IDS, use_cache=False)[0][:, -1])
    assert list(found) == [7]
    rows, batch = torch.tensor([3, 7, 11]), torch.arange(5, 23).view(2, 9)
    with torch.no_grad():
        whole = body(input_ids=batch, use_cache=False)[0].flatten(0, 1)
        with found[7].at(rows, 18):
            part = body(input_ids=batch, use_cache=False)[0].flatten(0, 1)
        after = body(input_ids=batch, use_cache=False)[0].flatten(0, 1)
    torch.testing.assert_close(part[rows], whole[rows], atol=1e-5, rtol=0)
    assert not torch.allclose(part, whole)  # the others were left out,
    assert torch.equal(after, whole)  # and only for the time being


def test_keys_and_values_are_never_left_out(tiny) -> None:
    model = tiny("Llama")
    found = find_readouts(model.model, lambda: model.model(input_ids=IDS)[0][:, -1])
    names = {module: name for name, module in model.named_modules()}
    last = "model.layers.1."
    assert {names[module] for module in found[7].modules} == {
        f"{last}self_attn.q_proj",
        f"{last}self_attn.o_proj",
        f"{last}mlp",
    }


def test_the_last_layer_of_a_scorer_reads_scored_positions_only(tiny) -> None:
    model = tiny("Llama")
    scorer = Scorer(model, 0)
    scorer.cost = CostModel(1e9, float("inf"))  # one packed row
    seen: list[int] = []
    mlp = model.model.layers[1].mlp
    mlp.register_forward_hook(lambda *_: seen.append(_[2].shape[:-1].numel()))
    stem = tuple(range(3, 33))
    # two ways on, each scored at its last token: positions 31 and 32 in two branches
    scorer.score([ScoredRow((*stem, 50, 51), 31, 0), ScoredRow((*stem, 60, 61, 62), 32, 0)])
    assert seen == [2]


def test_a_kept_beginning_needs_no_last_feed_forward_part(tiny) -> None:
    model = tiny("GPT2")
    scorer = Scorer(model, 0)
    scorer.cost = CostModel(1e-3, 0.0, 0.0)  # keeps whatever it can
    seen: list[int] = []
    mlp = model.transformer.h[1].mlp
    mlp.register_forward_hook(lambda *_: seen.append(_[2].shape[:-1].numel()))
    stem = tuple(range(3, 43))
    # two ways on after 40 tokens, of which nobody wants a score
    scorer.score([ScoredRow((*stem, n, n + 1, 70), 42, 0) for n in (50, 60)])
    assert seen[0] == 0


def test_where_most_positions_are_read_nothing_is_chosen(tiny) -> None:
    model = tiny("Llama")
    modules = Scorer(model, 0).readout.modules
    with Readout(modules).at(torch.arange(5), 8):
        assert not any(module._forward_pre_hooks for module in modules)


def test_a_scorer_on_plain_logits_leaves_nothing_out(tiny) -> None:
    scorer = Scorer(tiny("Gemma2", num_key_value_heads=1, head_dim=16), 0)
    assert scorer.path == PLAIN
    assert scorer.readout == Readout()


def test_a_model_without_gradients_leaves_nothing_out(tiny) -> None:
    model = tiny("Llama").requires_grad_(False)
    assert find_readouts(model, lambda: model(input_ids=IDS).logits[:, -1]) == {}


class Mean(torch.nn.Module):
    """Reads every position; one layer mixes them."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = torch.nn.Embedding(97, 4)
        self.mix = torch.nn.Conv1d(4, 4, 3, padding=1)
        self.out = torch.nn.Linear(4, 2)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.out(self.mix(self.embed(ids).mT).mT).mean(1)


def test_nothing_is_left_out_where_all_positions_are_read() -> None:
    model = Mean()
    assert find_readouts(model, lambda: model(IDS)) == {}


ENCODERS = {
    "Bert": (False, 4),
    "DistilBert": (False, 3),
    "Electra": (False, 4),
    "Albert": (False, 0),  # one layer's weights, run twice
    "GPT2": (True, 3),
    "Llama": (True, 4),
}


@pytest.mark.parametrize("name", ENCODERS)
def test_logits_are_those_of_the_whole_model(name) -> None:
    torch.manual_seed(0)
    config = getattr(transformers, f"{name}Config")(
        vocab_size=97,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_labels=3,
        max_position_embeddings=32,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        initializer_range=0.3,
        **({"dim": 32, "hidden_dim": 48} if name == "DistilBert" else {}),
    )
    model = AutoModelForSequenceClassification.from_config(config).eval()
    reads_last, n_modules = ENCODERS[name]
    ids = torch.tensor([[5, 6, 7, 8, 0, 0], [9, 8, 7, 6, 5, 4]])
    pooled = PooledLogits(model, {"input_ids": ids, "attention_mask": (ids != 0).long()})
    assert len(pooled.readout.modules) == n_modules
    if n_modules:
        assert pooled.reads_last == reads_last
    rows = torch.tensor([[11, 12, 0, 0, 0], [20, 30, 40, 50, 60], [7, 7, 7, 0, 0]])
    inputs = {"input_ids": rows, "attention_mask": (rows != 0).long()}
    with torch.no_grad():
        torch.testing.assert_close(pooled(inputs), model(**inputs).logits, atol=1e-5, rtol=0)


def test_the_last_layer_of_a_classifier_runs_at_one_position_of_a_text(bert_directory, cpu) -> None:
    model = classifier.Loader().load(bert_directory, cpu)
    seen: list[int] = []
    layer = model.module.bert.encoder.layer[1].intermediate
    layer.register_forward_hook(lambda *_: seen.append(_[2].shape[:-1].numel()))
    model.classify([Classify("the garden is green"), Classify("a cat sleeps in the garden")])
    assert seen == [2]
