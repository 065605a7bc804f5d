"""Text about images: in a batch the same, token for token, as one by one."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

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


def prompts_about(pictures):
    """No image, one, two; short and long."""
    return [
        "is there a circle ?",
        (pictures[0], "what is the colour of the shape on the left of this picture ?"),
        (pictures[2], "red ?"),
        ("the first", pictures[1], "or the second", pictures[4], "?"),
        (Role("system"), "be brief", Role("user"), pictures[3], "what is it ?"),
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


def test_a_greedy_batch_is_the_librarys_text_of_each_prompt_token_for_token(taking, pictures):
    requests = [Generate(prompt, max_tokens=12) for prompt in prompts_about(pictures)]
    expected = [by_the_library(taking, request.prompt, 12) for request in requests]
    assert written_ids(taking, requests) == expected
    assert [written_ids(taking, [request])[0] for request in requests] == expected


def test_each_request_has_its_own_limit(taking, pictures):
    lengths = [1, 9, 3, 6, 12]
    asked = zip(prompts_about(pictures), lengths, strict=True)
    requests = [Generate(prompt, max_tokens=n) for prompt, n in asked]
    whole = written_ids(taking, [Generate(p, max_tokens=12) for p in prompts_about(pictures)])
    cut = [ids[:n] for ids, n in zip(whole, lengths, strict=True)]
    assert written_ids(taking, requests) == cut
    for ids, answer in zip(cut, taking.generate(requests), strict=True):
        ended = ids[-1] in taking.scribe.ends
        assert answer.finish_reason == ("stop" if ended else "length")
        assert answer.n_tokens == len(ids) - ended
        assert answer.text == taking.tokenizer.decode(
            ids[: answer.n_tokens], skip_special_tokens=True
        )


def test_a_stop_string_cuts_and_counts_the_tokens_up_to_it(taking, pictures):
    prompts = prompts_about(pictures)
    free = taking.generate([Generate(prompt, max_tokens=12) for prompt in prompts])
    stops = [answer.text[len(answer.text) // 2 :][:2] for answer in free]
    requests = [
        Generate(prompt, max_tokens=12, stop=(stop,) if stop else ())
        for prompt, stop in zip(prompts, stops, strict=True)
    ]
    for stop, before, answer in zip(stops, free, taking.generate(requests), strict=True):
        if stop:
            assert answer.text == before.text[: before.text.index(stop)]
            assert answer.finish_reason == "stop"
            assert 1 <= answer.n_tokens <= before.n_tokens


def test_an_end_token_ends_the_text_and_is_not_counted(taking, pictures, monkeypatch):
    request = Generate(prompts_about(pictures)[1], max_tokens=8)
    (ids,) = written_ids(taking, [request])
    third = next(token for i, token in enumerate(ids) if i >= 2 and token not in ids[:i])
    place = ids.index(third)
    monkeypatch.setattr(taking.scribe, "ends", frozenset({third}))
    monkeypatch.setattr(taking.module.generation_config, "eos_token_id", [third])
    (answer,) = taking.generate([request])
    assert (answer.n_tokens, answer.finish_reason) == (place, "stop")


def test_what_is_drawn_does_not_depend_on_the_company(taking, pictures):
    requests = [
        Generate(prompt, max_tokens=7, temperature=0.8, top_k=20, top_p=0.9, seed=seed)
        for seed, prompt in enumerate(prompts_about(pictures))
    ]
    greedy = [Generate(prompt, max_tokens=5) for prompt in prompts_about(pictures)]
    alone = [written_ids(taking, [request])[0] for request in requests]
    assert written_ids(taking, requests) == alone
    assert written_ids(taking, [*greedy, *requests[::-1]])[len(greedy) :] == alone[::-1]


def test_both_paths_draw_the_same(loaded, kind, pictures, monkeypatch):
    model = loaded[kind]
    requests = [Generate(p, max_tokens=7, temperature=1.0) for p in prompts_about(pictures)]
    kept = written_ids(model, requests)
    monkeypatch.setattr(model.paths, "name", PLAIN)
    assert written_ids(model, requests) == kept


def test_seeds_make_a_difference_and_repeat(loaded, pictures):
    model = loaded["llava"]
    asked = [
        Generate((pictures[0], "what is it ?"), max_tokens=6, temperature=1.0, seed=seed)
        for seed in (0, 1, 2, 0)
    ]
    first, second, third, again = written_ids(model, asked)
    assert first == again
    assert len({tuple(first), tuple(second), tuple(third)}) > 1


def test_tokens_are_drawn_as_often_as_they_are_probable(loaded, pictures):
    # 600 draws of one token; each share within four standard deviations of its probability.
    model = loaded["llava"]
    asked = [
        Generate((pictures[0], "what ?"), max_tokens=1, temperature=1.0, seed=seed)
        for seed in range(600)
    ]
    counts = Counter(ids[0] for ids in written_ids(model, asked))
    prompt = model.writer.write(asked[0].prompt)
    for token, count in counts.most_common(3):
        (score,) = model.paths.score([(prompt, (token,))])
        p = torch.tensor(score.total).exp().item()
        assert abs(count / 600 - p) < 4 * (p * (1 - p) / 600) ** 0.5


def test_settings_of_the_checkpoint_are_set_aside(tmp_path, load, builders):
    folder = Path(builders["llava"](tmp_path))
    own = {"repetition_penalty": 1.5, "eos_token_id": [2, 7]}
    (folder / "generation_config.json").write_text(json.dumps(own))
    model = load(str(folder))
    assert model.info.details["generation settings set aside"] == "repetition_penalty=1.5"
    assert model.scribe.ends == {2, 7}


def test_a_prompt_that_leaves_no_room_is_a_failure(taking, pictures):
    fits, not_ = taking.generate(
        [Generate((pictures[0], "what ?"), 3), Generate((pictures[0], "word " * 300), 3)]
    )
    assert not isinstance(fits, Failure)
    assert not_.kind == "prompt too long"


def test_an_answer_stops_where_the_context_is_full(load, checkpoints, pictures):
    model = load(checkpoints["llava"], max_length=40)
    (length,) = model.paths.lengths([model.writer.write(as_content((pictures[0], "what ?")))])
    (ids,) = written_ids(model, [Generate((pictures[0], "what ?"), max_tokens=60)])
    assert len(ids) == 40 - length or ids[-1] in model.scribe.ends
