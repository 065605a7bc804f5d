"""A batch that shrinks writes what each row writes alone, and what the library writes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from evalsuite_text.scoring.scorer import SHARED, Scorer
from evalsuite_text.writing.decoding import Row, write
from evalsuite_transformers.sampling import Choice, drawn

NO_END = frozenset()
GROUPED = {"num_key_value_heads": 1, "head_dim": 16}
rng = np.random.default_rng(2)


def tokens(n: int) -> tuple[int, ...]:
    return tuple(rng.integers(97, size=n).tolist())


def rows_of(prompts, n_new=(6, 9, 3, 9, 1), is_stop=lambda written: False) -> list[Row]:
    return [
        Row(np.asarray(ids, np.uint32), n, Choice(), is_stop)
        for ids, n in zip(prompts, n_new, strict=False)
    ]


def library(model, ids, n: int) -> list[int]:
    output = model.generate(
        torch.tensor([ids]),
        attention_mask=torch.ones(1, len(ids)),
        max_new_tokens=n,
        do_sample=False,
        eos_token_id=None,
        pad_token_id=0,
    )
    return output[0, len(ids) :].tolist()


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("GPT2", {}),
        ("Llama", GROUPED),
        ("Qwen3", GROUPED),
        ("GPTNeoX", {}),
        ("OPT", {"ffn_dim": 48, "word_embed_proj_dim": 32}),
    ],
)
def test_greedy_rows_are_what_the_library_writes_one_by_one(name, changes, tiny):
    model = tiny(name, **changes)
    scorer = Scorer(model, 0)
    assert scorer.path == SHARED
    prompts = [tokens(n) for n in (3, 17, 8, 1, 30)]
    rows = rows_of(prompts)
    write(scorer, rows, NO_END)
    for row, ids in zip(rows, prompts, strict=True):
        assert row.written == library(model, ids, row.n_new)


def test_a_common_beginning_is_read_once(tiny):
    model = tiny("Llama", **GROUPED)
    scorer = Scorer(model, 0)
    preamble = tokens(40)
    prompts = [preamble + tokens(n) for n in (3, 9, 1)]
    rows = rows_of(prompts, n_new=(4, 4, 4))
    write(scorer, rows, NO_END)
    assert scorer.n_read == 40 + 13 + 3 * 3  # preamble, the rest of each, three more tokens each
    for row, ids in zip(rows, prompts, strict=True):
        assert row.written == library(model, ids, 4)


def test_rows_that_are_done_leave_the_batch(tiny):
    model = tiny("Llama", **GROUPED)
    scorer = Scorer(model, 0)
    sizes = []
    model.model.register_forward_hook(lambda _, __, out: sizes.append(len(out.last_hidden_state)))
    rows = rows_of([tokens(5) for _ in range(4)], n_new=(1, 2, 2, 5))
    write(scorer, rows, NO_END)
    assert sizes == [4, 3, 1, 1, 1]


def test_a_row_that_waits_does_not_run_out_of_positions(tiny):
    model = tiny("GPT2", max_position_embeddings=32)
    rows = rows_of([tokens(31), *[tokens(3)] * 9], n_new=(1, *[20] * 9))
    write(Scorer(model, 0), rows, NO_END)
    assert [len(row.written) for row in rows] == [1, *[20] * 9]


def test_a_row_ends_at_an_end_token_or_a_stop(tiny):
    model = tiny("Llama", **GROUPED)
    ids = tokens(6)
    whole = library(model, ids, 9)
    (row,) = rows_of([ids], n_new=(9,))
    write(Scorer(model, 0), [row], frozenset({whole[2]}))
    assert row.written == whole[: whole.index(whole[2]) + 1]
    (row,) = rows_of([ids], n_new=(9,), is_stop=lambda written: len(written) == 4)
    write(Scorer(model, 0), [row], NO_END)
    assert row.written == whole[:4]


def test_draws_follow_the_distribution():
    # softmax of log(1..4) is 0.1, 0.2, 0.3, 0.4; 20,000 draws have a deviation of at most 0.0035
    logits = torch.arange(1.0, 5.0).log()
    draws = np.random.default_rng(0)
    counts = np.bincount([drawn(logits, Choice(1.0, draws=draws)) for _ in range(20_000)])
    assert counts / 20_000 == pytest.approx([0.1, 0.2, 0.3, 0.4], abs=0.015)


def test_top_k_keeps_the_most_probable():
    logits = torch.tensor([0.0, 3.0, 1.0, 2.0])
    draws = np.random.default_rng(0)
    assert {drawn(logits, Choice(5.0, top_k=2, draws=draws)) for _ in range(200)} == {1, 3}


def test_top_p_keeps_the_smallest_set_that_reaches_p():
    # 0.4 + 0.3 reach 0.65, so 0.2 and 0.1 are never drawn; 0.4 alone does not
    logits = torch.tensor([0.1, 0.2, 0.3, 0.4]).log()
    draws = np.random.default_rng(0)
    seen = {drawn(logits, Choice(1.0, top_p=0.65, draws=draws)) for _ in range(200)}
    assert seen == {2, 3}
