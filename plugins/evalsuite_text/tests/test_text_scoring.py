"""Log-likelihoods against their definition, whatever the batch and the path."""

from __future__ import annotations

import math

import pytest
import torch
from transformers import CohereConfig, CohereForCausalLM, Gemma2Config, Gemma2ForCausalLM

from evalsuite import Failure, LoadSettings, LogLikelihood, RollingLogLikelihood, TokenScores
from evalsuite.testing import check_model
from evalsuite_text.models import causal
from evalsuite_text.scoring.scorer import PLAIN, SHARED

PAIRS = [
    ("the old house at the river is", " warm"),
    ("the old house at the river is", " warm and green"),
    ("Paris is the capital of", " France"),
    ("", "a small dog"),
    ("where is ", "Rome ?"),
    ("a cat sleeps in the garden and " * 9, "the dog runs"),
    ("she", " said that he was a good friend of mine and of yours"),
]
REQUESTS = [LogLikelihood(context, continuation) for context, continuation in PAIRS]
LONG = " ".join(["the old house at the river is warm and the garden is green ."] * 6)


def naive_logprobs(model, ids: tuple[int, ...]) -> torch.Tensor:
    """log p of every next token, [length - 1, vocabulary]: one row, no padding, no mask."""
    with torch.no_grad():
        return model.module(torch.tensor([ids[:-1]])).logits[0].double().log_softmax(-1)


def test_scores_are_those_of_a_loop_over_single_rows(language_model) -> None:
    for request, answer in zip(REQUESTS, language_model.loglikelihood(REQUESTS)):
        row = language_model.encoder.pair(request.context[0].text, request.continuation)
        logp = naive_logprobs(language_model, row.ids)
        expected = [float(logp[i - 1, row.ids[i]]) for i in range(row.start, len(row.ids))]
        assert answer.token_logprobs == pytest.approx(expected, abs=1e-4)
        assert answer.total == pytest.approx(sum(expected), abs=1e-4)
        assert answer.n_tokens == len(expected)
        greedy = all(
            int(logp[i - 1].argmax()) == row.ids[i] for i in range(row.start, len(row.ids))
        )
        assert answer.is_greedy == greedy
        assert answer.truncated_tokens == row.truncated


def test_batch_order_and_padding_change_nothing(language_model) -> None:
    texts = ["a cat", LONG, "the garden is green", "she said"]
    check_model(
        language_model,
        [*REQUESTS, *map(RollingLogLikelihood, texts), *map(TokenScores, texts)],
        tolerance=2e-5,
    )


def test_both_paths_agree(language_model) -> None:
    scorer = language_model.scorer
    rows = [language_model.encoder.pair(*pair) for pair in PAIRS]
    assert scorer.path == SHARED
    fast = scorer.score(rows, with_moments=True)
    scorer.path = PLAIN
    try:
        plain = scorer.score(rows, with_moments=True)
    finally:
        scorer.path = SHARED
    for one, other in zip(fast, plain, strict=True):
        torch.testing.assert_close(one.logprobs, other.logprobs, atol=1e-4, rtol=0)
        torch.testing.assert_close(one.means, other.means, atol=1e-4, rtol=0)
        torch.testing.assert_close(one.deviations, other.deviations, atol=1e-4, rtol=0)
        assert one.is_greedy == other.is_greedy


def test_the_head_sees_scored_positions_only(language_model) -> None:
    seen = []
    head = language_model.module.get_output_embeddings()
    handle = head.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0].shape[:-1]))
    try:
        answers = language_model.loglikelihood(REQUESTS)
    finally:
        handle.remove()
    assert sum(size for (size,) in seen) <= sum(answer.n_tokens for answer in answers)


def test_choices_that_differ_in_their_last_token_are_computed_once(llama) -> None:
    seen = []
    handle = llama.module.model.register_forward_hook(
        lambda _, __, output: seen.append(output.last_hidden_state.shape[0])
    )
    try:
        llama.loglikelihood(
            [LogLikelihood("the house is", f" {w}") for w in ("warm", "green", "a")]
        )
    finally:
        handle.remove()
    assert seen == [1]


def test_probabilities_of_all_next_words_sum_to_one(llama) -> None:
    words = [w for w in llama.tokenizer.get_vocab() if not w.startswith("<")]
    answers = llama.loglikelihood([LogLikelihood("the house is", f" {w}") for w in words])
    logp = naive_logprobs(llama, (*llama.encoder.started(llama.encoder.ids("the house is")), 0))
    rest = float(logp[-1, :4].exp().sum())  # the four special tokens
    assert sum(math.exp(a.total) for a in answers) + rest == pytest.approx(1, abs=1e-5)


def test_rolling_scores_add_up_over_windows(language_model) -> None:
    (answer,) = language_model.rolling_loglikelihood([RollingLogLikelihood(LONG)])
    rows = language_model.encoder.windows(LONG)
    assert len(rows) > 2
    expected = sum(
        float(naive_logprobs(language_model, row.ids)[i - 1, row.ids[i]])
        for row in rows
        for i in range(row.start, len(row.ids))
    )
    assert answer.total == pytest.approx(expected, abs=1e-3)
    assert answer.n_tokens == len(language_model.encoder.ids(LONG))
    assert (answer.n_words, answer.n_bytes) == (6 * 14, len(LONG))


def test_bytes_are_counted_not_characters(gpt2) -> None:
    (answer,) = gpt2.rolling_loglikelihood([RollingLogLikelihood("Zürich")])
    assert answer.n_bytes == 7  # ü takes two


def test_token_moments_are_those_of_log_p_under_p(language_model) -> None:
    text = "the garden is green and warm"
    (table,) = language_model.token_scores([TokenScores(text)])
    ids = (language_model.encoder.prefix, *language_model.encoder.ids(text))
    logp = naive_logprobs(language_model, ids)
    mean = (logp.exp() * logp).sum(-1)
    deviation = ((logp.exp() * (logp - mean[:, None]) ** 2).sum(-1)).sqrt()
    assert table.means == pytest.approx(mean.tolist(), abs=1e-4)
    assert table.deviations == pytest.approx(deviation.tolist(), abs=1e-4)
    assert table.logprobs == pytest.approx(
        [float(logp[i, token]) for i, token in enumerate(ids[1:])], abs=1e-4
    )


def test_token_spans_cover_their_text(language_model) -> None:
    text = "the garden , green"
    (table, bare) = language_model.token_scores([TokenScores(text, spans=True), TokenScores(text)])
    assert (bare.logprobs, bare.spans) == (table.logprobs, ())
    assert len(table.spans) == len(table.logprobs)
    covered = "".join(text[a:b] for a, b in table.spans)
    assert covered.replace(" ", "") == text.replace(" ", "")


def test_a_text_without_tokens_is_a_failure_not_a_zero(language_model) -> None:
    answers = [
        *language_model.loglikelihood([LogLikelihood("the house", "")]),
        *language_model.rolling_loglikelihood([RollingLogLikelihood("")]),
        *language_model.token_scores([TokenScores("")]),
    ]
    assert all(isinstance(answer, Failure) for answer in answers)


def test_a_failure_leaves_its_neighbours_alone(llama) -> None:
    good, bad = REQUESTS[0], LogLikelihood("the house", "")
    found = llama.loglikelihood([bad, good, bad])
    assert found[1].total == pytest.approx(llama.loglikelihood([good])[0].total, abs=1e-5)
    assert isinstance(found[0], Failure)


def _tiny(tokenizer) -> dict[str, object]:
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 16,
        "max_position_embeddings": 32,
        "bos_token_id": 1,
        "eos_token_id": 3,
        "pad_token_id": 0,
        "initializer_range": 1.0,
    }


def test_logits_that_are_changed_after_the_head_are_taken_as_they_are(
    tmp_path, cpu, word_level, save_checkpoint
) -> None:
    tokenizer = word_level()
    torch.manual_seed(3)
    capped = Gemma2ForCausalLM(Gemma2Config(**_tiny(tokenizer), final_logit_softcapping=5.0))
    scaled = CohereForCausalLM(CohereConfig(**_tiny(tokenizer), logit_scale=0.25))
    for name, module in (("capped", capped), ("scaled", scaled)):
        directory = save_checkpoint(tmp_path / name, module, tokenizer)
        model = causal.Loader().load(directory, cpu)
        assert model.info.details["scoring path"] == PLAIN
        test_scores_are_those_of_a_loop_over_single_rows(model)


def test_half_precision_keeps_the_fast_path_and_sums_in_float32(llama_directory, llama) -> None:
    model = causal.Loader().load(llama_directory, LoadSettings(device="cpu", dtype="bfloat16"))
    assert model.info.details["scoring path"] == SHARED
    assert model.info.details["dtype"] == "bfloat16"
    exact = llama.loglikelihood(REQUESTS)
    for one, other in zip(model.loglikelihood(REQUESTS), exact):
        assert one.total == pytest.approx(other.total, rel=0.05)
        # a sum in bfloat16 would keep 8 bits only
        assert one.total == pytest.approx(math.fsum(one.token_logprobs), rel=1e-6)


def test_costs_are_the_tokens_that_are_read(llama) -> None:
    assert llama.cost(LogLikelihood("the house", " is warm")) == 5  # with <sot>
    assert llama.cost(RollingLogLikelihood("the house is")) == 4


def test_closing_lets_go_of_the_weights(llama_directory, cpu) -> None:
    import weakref

    model = causal.Loader().load(llama_directory, cpu)
    weights = weakref.ref(model.module)
    model.close()
    assert weights() is None
