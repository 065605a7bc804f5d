"""Text about clips: in a batch the same, token for token, as one by one."""

from __future__ import annotations

import pytest
import torch

from evalsuite import Failure, Generate, Role
from evalsuite.content import as_content
from evalsuite_transformers.generative.paths import PLAIN, SHARED


@pytest.fixture(params=[SHARED, PLAIN])
def path(request):
    return request.param


@pytest.fixture
def taking(loaded, kind, path, monkeypatch):
    """A model that is made to take one path."""
    monkeypatch.setattr(loaded[kind].paths, "name", path)
    return loaded[kind]


def prompts_about(model, clips):
    """No clip, one, two where they fit; short and long."""
    several = (clips[1],) if model.writer.media[0].at_most else (clips[1], "or", clips[4])
    return [
        "does it rain ?",
        (clips[0], "what is the sound in the first half of this recording ?"),
        (clips[2], "rain ?"),
        ("hear", *several, "?"),
        (Role("system"), "be brief", Role("user"), clips[3], "what sound is this ?"),
    ]


def written_ids(model, requests):
    """The token ids that were written for each request, as the model kept them."""
    rows = []
    answer = model.scribe.answer
    model.scribe.answer = lambda row: rows.append(row.written) or answer(row)
    try:
        model.generate(requests)
    finally:
        del model.scribe.answer
    return rows


def by_the_library(model, prompt, n):
    """Greedy ids of the library's own generate on one prompt."""
    inputs = model.paths.plain.prepare(model.writer.write(Generate(prompt).prompt))
    with torch.no_grad():
        output = model.module.generate(**inputs, do_sample=False, max_new_tokens=n)
    return output[0, inputs["input_ids"].shape[1] :].tolist()


def test_a_greedy_batch_is_the_librarys_text_of_each_prompt_token_for_token(taking, clips):
    requests = [Generate(prompt, max_tokens=12) for prompt in prompts_about(taking, clips)]
    expected = [by_the_library(taking, request.prompt, 12) for request in requests]
    assert written_ids(taking, requests) == expected
    assert written_ids(taking, requests[::-1]) == expected[::-1]
    assert [written_ids(taking, [request])[0] for request in requests] == expected


def test_what_is_written_greedily_is_scored_as_greedy(taking, clips):
    # By token ids: a random model's text is not always read back as the tokens it was written in.
    for request in [Generate(prompt, max_tokens=6) for prompt in prompts_about(taking, clips)]:
        (ids,) = written_ids(taking, [request])
        prompt = taking.writer.write(request.prompt)
        other = (*ids[:-1], (ids[-1] + 1) % 300)
        best, not_best = taking.paths.score([(prompt, tuple(ids)), (prompt, other)])
        assert (best.is_greedy, not_best.is_greedy) == (True, False)


def test_each_request_has_its_own_limit(taking, clips):
    lengths = [1, 9, 3, 6, 12]
    prompts = prompts_about(taking, clips)
    whole = written_ids(taking, [Generate(prompt, max_tokens=12) for prompt in prompts])
    requests = [Generate(prompt, max_tokens=n) for prompt, n in zip(prompts, lengths, strict=True)]
    assert written_ids(taking, requests) == [ids[:n] for ids, n in zip(whole, lengths, strict=True)]


def test_what_is_drawn_does_not_depend_on_the_company_or_the_path(loaded, kind, clips, monkeypatch):
    model = loaded[kind]
    requests = [
        Generate(prompt, max_tokens=7, temperature=0.8, top_k=20, top_p=0.9, seed=seed)
        for seed, prompt in enumerate(prompts_about(model, clips))
    ]
    alone = [written_ids(model, [request])[0] for request in requests]
    assert written_ids(model, requests[::-1]) == alone[::-1]
    monkeypatch.setattr(model.paths, "name", PLAIN)
    assert written_ids(model, requests) == alone


def test_a_prompt_that_leaves_no_room_is_a_failure(taking, clips):
    fits, not_ = taking.generate(
        [Generate((clips[0], "what ?"), 3), Generate((clips[0], "word " * 300), 3)]
    )
    assert not isinstance(fits, Failure)
    assert not_.kind == "prompt too long"


def test_an_answer_stops_where_the_context_is_full(load, checkpoints, clips):
    model = load(checkpoints["qwen2-audio"], max_length=50, chat_template=False)
    (length,) = model.paths.lengths([model.writer.write(as_content((clips[0], "what ?")))])
    (ids,) = written_ids(model, [Generate((clips[0], "what ?"), max_tokens=90)])
    assert len(ids) == 50 - length or ids[-1] in model.scribe.ends
