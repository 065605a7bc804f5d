"""Generated text does not depend on who else is in the batch."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from evalsuite import Failure, Generate, Role, Text, UsageError
from evalsuite.testing import check_model
from evalsuite_text.models import causal

PROMPTS = ["the old house at", "a", "where is Rome ?", "she said that he was a", ""]


def greedy_ids(model, prompt: str, n: int) -> list[int]:
    """Argmax after argmax, one row, no cache."""
    ids = list(model.encoder.started(model.encoder.ids(prompt)))
    ends = set(model.module.generation_config.eos_token_id)
    written: list[int] = []
    while len(written) < n:
        with torch.no_grad():
            token = int(model.module(torch.tensor([ids + written])).logits[0, -1].argmax())
        if token in ends:
            break
        written.append(token)
    return written


def test_greedy_batches_are_what_argmax_writes_one_by_one(language_model) -> None:
    requests = [Generate(prompt, max_tokens=10) for prompt in PROMPTS]
    together = language_model.generate(requests)
    for request, answer in zip(requests, together, strict=True):
        ids = greedy_ids(language_model, request.prompt[0].text, 10)
        assert answer.text == language_model.tokenizer.decode(ids, skip_special_tokens=True)
        assert answer.n_tokens == len(ids)
        assert answer.finish_reason == ("length" if len(ids) == 10 else "stop")


def test_batch_order_limits_stops_and_sampling_do_not_mix(language_model) -> None:
    requests = [Generate(prompt, max_tokens=6 + i) for i, prompt in enumerate(PROMPTS)]
    requests += [Generate(p, max_tokens=8, temperature=1.0, seed=i) for i, p in enumerate(PROMPTS)]
    requests += [Generate(prompt, max_tokens=8, stop=("a", " ")) for prompt in PROMPTS]
    check_model(language_model, requests)


def test_text_ends_before_the_first_stop_string(llama) -> None:
    prompt = "the old house at"
    (whole,) = llama.generate([Generate(prompt, max_tokens=8)])
    words = whole.text.split(" ")
    stop = next(word for i, word in enumerate(words) if i >= 2 and word not in whole.text[:9])
    (cut,) = llama.generate([Generate(prompt, max_tokens=8, stop=("~", stop))])
    assert cut.text == whole.text[: whole.text.index(stop)]
    assert cut.finish_reason == "stop"
    ids = greedy_ids(llama, prompt, 8)
    read = [llama.tokenizer.decode(ids[:n], skip_special_tokens=True) for n in range(9)]
    assert cut.n_tokens == next(n for n, text in enumerate(read) if stop in text)


def test_generation_stops_early_at_a_stop_string(llama) -> None:
    (whole,) = llama.generate([Generate("the old house at", max_tokens=8)])
    calls = []
    handle = llama.module.register_forward_hook(lambda *_: calls.append(1))
    try:
        llama.generate([Generate("the old house at", max_tokens=8, stop=(whole.text[:1],))])
    finally:
        handle.remove()
    assert len(calls) < 4


def test_one_seed_writes_one_text_and_seeds_differ(llama) -> None:
    def write(seed: int) -> str:
        return llama.generate([Generate("the", max_tokens=12, temperature=3.0, seed=seed)])[0].text

    assert write(0) == write(0)
    assert len({write(seed) for seed in range(8)}) > 1


def test_sampling_leaves_the_global_random_state_alone(llama) -> None:
    before = torch.get_rng_state()
    llama.generate([Generate("the", max_tokens=4, temperature=1.0, seed=5)])
    assert torch.equal(before, torch.get_rng_state())


def test_sampling_draws_from_the_whole_distribution(gpt2) -> None:
    # at a high temperature nearly all of the 340 tokens are as likely; a top-k of 50 would show
    requests = [Generate("a", max_tokens=1, temperature=1e4, seed=seed) for seed in range(150)]
    n_different = len({answer.text for answer in gpt2.generate(requests)})
    assert n_different > 60


def test_an_answer_is_cut_where_the_model_ends(llama) -> None:
    # <sot> + 29 words are 30 of 32 tokens
    (answer,) = llama.generate([Generate("the " * 29, max_tokens=128)])
    assert answer.n_tokens <= 2


def test_a_prompt_without_room_for_an_answer_is_a_failure(llama) -> None:
    answers = llama.generate([Generate("the " * 40), Generate("a cat", max_tokens=4)])
    assert isinstance(answers[0], Failure)
    assert answers[0].kind == "prompt too long"
    assert answers[1] == llama.generate([Generate("a cat", max_tokens=4)])[0]


def test_settings_of_the_checkpoint_are_set_aside_and_named(
    tmp_path, cpu, llama_directory, word_level, save_checkpoint
) -> None:
    plain = causal.Loader().load(llama_directory, cpu)
    penalised = causal.Loader().load(llama_directory, cpu).module
    penalised.generation_config.repetition_penalty = 1.9
    penalised.generation_config.eos_token_id = [3, 5]
    model = causal.Loader().load(save_checkpoint(tmp_path, penalised, word_level()), cpu)
    assert "repetition_penalty=1.9" in model.info.details["generation settings set aside"]
    assert set(model.module.generation_config.eos_token_id) == {3, 5}
    request = Generate("the old house at", max_tokens=10)
    expected = greedy_ids(model, "the old house at", 10)
    assert model.generate([request])[0].n_tokens == len(expected)
    assert "generation settings set aside" not in plain.info.details


@pytest.fixture
def chat_directory(tmp_path, llama, word_level, save_checkpoint) -> str:
    tokenizer = word_level()
    tokenizer.chat_template = (
        "{{ bos_token }}{% for m in messages %}she said : {{ m['content'] }} ;{% endfor %}"
        "{% if add_generation_prompt %} he said{% endif %}"
    )
    return save_checkpoint(tmp_path, llama.module, tokenizer)


def test_a_chat_template_is_one_user_turn_only_when_asked_for(chat_directory, cpu, llama) -> None:
    request = Generate("where is Rome ?", max_tokens=5)
    rendered = Generate("she said : where is Rome ? ; he said", max_tokens=5)
    assert causal.Loader().load(chat_directory, cpu).generate([request]) == llama.generate(
        [request]
    )
    chatting = replace(cpu, options={"chat_template": True})
    model = causal.Loader().load(chat_directory, chatting)
    assert model.generate([request]) == llama.generate([rendered])


def test_an_answer_that_has_begun_is_gone_on_with(chat_directory, cpu) -> None:
    model = causal.Loader().load(chat_directory, replace(cpu, options={"chat_template": True}))
    begun = (Text("where?"), Role("assistant"), Text(" in Rome"))
    assert model._prompt(begun).endswith("she said : where? ; he said in Rome")


def test_roles_become_turns_and_the_system_speaks_first(chat_directory, cpu) -> None:
    options = {"chat_template": True, "system_prompt": "be brief"}
    model = causal.Loader().load(chat_directory, replace(cpu, options=options))
    prompt = (
        Role("user"),
        Text("where?\n"),
        Role("assistant"),
        Text("here\n"),
        Role("user"),
        Text("who?"),
    )
    seen = []
    model.tokenizer.apply_chat_template = lambda messages, **_: seen.append(messages) or ""
    model._prompt(prompt)
    assert [(m["role"], m["content"]) for m in seen[0]] == [
        ("system", "be brief"),
        ("user", "where?"),
        ("assistant", "here"),
        ("user", "who?"),
    ]
    with pytest.raises(UsageError, match="system_prompt needs chat_template"):
        causal.Loader().load(chat_directory, replace(cpu, options={"system_prompt": "x"}))


def test_gradients_see_the_chat_template_but_attribute_to_the_text(chat_directory, cpu) -> None:
    model = causal.Loader().load(chat_directory, replace(cpu, options={"chat_template": True}))
    view = model.differentiable_view(Generate("where is Rome ?").prompt, " a cat")
    words = ["where is Rome ?"[a:b] for a, b in view.spans if (a, b) != (0, 0)]
    assert words == ["where", "is", "Rome", "?"]
    # <sot> she said : [4 words] ; he said
    assert len(view.spans) == 11
    same = (view.inputs == view.baseline).all(-1)[0].tolist()
    assert same == [span == (0, 0) for span in view.spans]


def test_a_missing_chat_template_is_a_clear_error(llama_directory, cpu) -> None:
    with pytest.raises(UsageError, match="chat_template"):
        causal.Loader().load(llama_directory, replace(cpu, options={"chat_template": True}))
