"""Sharing beginnings changes no score, whatever the architecture; where it would, it is not done."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from evalsuite_text.scoring.encoding import ScoredRow
from evalsuite_text.scoring.packing import CostModel
from evalsuite_text.scoring.scorer import PLAIN, SEPARATE, SHARED, Scorer

VOCABULARY = 97
rng = np.random.default_rng(1)


def tokens(n: int) -> tuple[int, ...]:
    return tuple(rng.integers(VOCABULARY, size=n).tolist())


def shared_rows() -> list[ScoredRow]:
    """A preamble, questions with choices, a question inside another, and strangers."""
    preamble = tokens(40)
    rows = []
    for n in (5, 9, 20):
        context = preamble + tokens(n)
        rows += [ScoredRow(context + tokens(k), len(context), 0) for k in (1, 3, 3, 7)]
    rows.append(ScoredRow(rows[-1].ids + tokens(4), len(rows[-1].ids), 0))
    rows += [ScoredRow(tokens(n), 1, 0) for n in (2, 11, 30)]
    return rows


def naive(model, row: ScoredRow) -> list[float]:
    with torch.no_grad():
        logp = model(torch.tensor([row.ids[:-1]])).logits[0].float().log_softmax(-1)
    return [float(logp[i - 1, row.ids[i]]) for i in range(row.start, len(row.ids))]


GROUPED = {"num_key_value_heads": 1, "head_dim": 16}
MODELS = {
    "GPT2": ({}, SHARED),
    "GPTNeoX": ({}, SHARED),
    "OPT": ({"ffn_dim": 48, "word_embed_proj_dim": 32}, SHARED),
    "Llama": (GROUPED, SHARED),
    "Qwen2": (GROUPED, SHARED),
    "Qwen3": (GROUPED, SHARED),
    "Phi": ({}, SHARED),
    "Mistral": ({**GROUPED, "sliding_window": 16}, SHARED),
    "Gemma2": ({**GROUPED, "sliding_window": 16}, PLAIN),
    "Gemma3Text": ({**GROUPED, "sliding_window": 16}, SHARED),
    "Mixtral": ({**GROUPED, "num_local_experts": 2}, SHARED),
    "Bloom": ({"n_layer": 2, "n_head": 2}, SEPARATE),
    "Falcon": ({"alibi": True}, SEPARATE),
    "Mamba": ({"state_size": 4}, SEPARATE),
}


@pytest.mark.parametrize("name", MODELS)
def test_scores_are_those_of_single_rows(name, tiny):
    changes, path = MODELS[name]
    model = tiny(name, **changes)
    scorer = Scorer(model, 0)
    assert scorer.path == path
    rows = shared_rows()
    for row, score in zip(rows, scorer.score(rows), strict=True):
        assert score.logprobs.tolist() == pytest.approx(naive(model, row), abs=1e-4)


@pytest.mark.parametrize("implementation", ["eager", "sdpa"])
@pytest.mark.parametrize(
    "cost",
    [CostModel(1e9, float("inf")), CostModel(1e-3, 0.0, 0.0), CostModel(4600, 16)],
    ids=["packed", "kept", "estimated"],
)
def test_every_plan_gives_the_same_scores(implementation, cost, tiny):
    model = tiny("Llama", **GROUPED)
    model.set_attn_implementation(implementation)
    scorer = Scorer(model, 0)
    scorer.cost = cost
    rows = shared_rows()
    for row, score in zip(rows, scorer.score(rows), strict=True):
        assert score.logprobs.tolist() == pytest.approx(naive(model, row), abs=1e-4)


def test_a_shared_preamble_is_read_once_over_several_batches(tiny):
    model = tiny("GPT2")
    scorer = Scorer(model, 0)
    scorer.cost = CostModel(4600, 0)
    preamble = tokens(60)
    batches = [[ScoredRow(preamble + tokens(6), 63, 0) for _ in range(4)] for _ in range(3)]
    for rows in batches:
        scorer.score(rows)
    # 60 once (the first batch may keep a token or two less), then 5 for each of 12 rows
    assert scorer.n_read <= 60 + 12 * 5 + 3


def test_a_sliding_window_is_not_stretched(tiny):
    # longer than the window: shared beginnings would show what the window hides
    model = tiny("Mistral", **GROUPED, sliding_window=16)
    scorer = Scorer(model, 0)
    assert scorer.reach == 16


def test_half_precision_shares_beginnings_too(tiny):
    model = tiny("Llama", **GROUPED, initializer_range=0.1).to(torch.bfloat16)
    scorer = Scorer(model, 0)
    assert scorer.path == SHARED
    rows = shared_rows()
    for row, score in zip(rows, scorer.score(rows), strict=True):
        assert score.logprobs.dtype == torch.float32
        assert score.logprobs.tolist() == pytest.approx(naive(model, row), abs=0.15)
