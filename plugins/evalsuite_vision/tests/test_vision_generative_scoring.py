"""Log-likelihoods given images: every path says what the model's own logits say."""

from __future__ import annotations

import math
from functools import wraps
from itertools import pairwise

import numpy as np
import pytest
import torch

from evalsuite import Failure, Generate, Image, LogLikelihood, Role
from evalsuite.content import as_content
from evalsuite.testing import check_model
from evalsuite_transformers.generative.packing import pack
from evalsuite_transformers.generative.paths import KEPT, PLAIN, SEPARATE, SHARED

OPTIONS = (" red", " it is blue , not green", " no", " the shape on the left")


def requests_about(pictures):
    """Prompts with no image, one, two, several roles; four continuations each."""
    contexts = [
        "is there a circle ?",
        (pictures[0], "what is the colour ?"),
        (pictures[0], "what is the shape ?"),
        (pictures[2], "what is the colour ?"),
        ("the first", pictures[1], "or the second", pictures[4], "?"),
        (Role("system"), "answer", Role("user"), pictures[3], "red ?", Role("assistant"), "yes",
         Role("user"), "and", pictures[5]),
    ]  # fmt: skip
    return [LogLikelihood(context, option) for context in contexts for option in OPTIONS]


def by_the_model_itself(model, request):
    """Log P of each token from the full logits of one row, as the processor prepares it."""
    prompt = model.writer.write(request.context)
    inputs = model.paths.plain.prepare(prompt)
    tail = model.tokenizer(request.continuation, add_special_tokens=False)["input_ids"]
    ids = torch.cat([inputs["input_ids"], torch.tensor([tail])], dim=1)
    more = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    for name in {"mm_token_type_ids", "token_type_ids"} & set(inputs):
        types = torch.zeros(1, len(tail), dtype=torch.long)
        more[name] = torch.cat([inputs[name], types], dim=1)
    with torch.no_grad():
        logits = model.module(**{**inputs, **more}).logits[0, -len(tail) - 1 : -1]
    logp = logits.double().log_softmax(-1)
    scores = logp[torch.arange(len(tail)), torch.tensor(tail)].tolist()
    return scores, logp.argmax(-1).tolist() == tail


@pytest.fixture(params=[SHARED, SEPARATE, KEPT, PLAIN])
def path(request):
    return request.param


@pytest.fixture
def taking(loaded, kind, path, monkeypatch):
    """A model that is made to take one path."""
    monkeypatch.setattr(loaded[kind].paths, "name", path)
    return loaded[kind]


def test_each_architecture_takes_the_fastest_path(loaded, kind):
    details = loaded[kind].info.details
    assert (details["scoring path"], details["images"]) == (SHARED, "encoded once each")


def test_every_path_says_what_the_logits_say(taking, pictures):
    requests = requests_about(pictures)
    for request, answer in zip(requests, taking.loglikelihood(requests), strict=True):
        scores, is_greedy = by_the_model_itself(taking, request)
        assert answer.token_logprobs == pytest.approx(scores, abs=1e-4)
        assert answer.total == pytest.approx(math.fsum(scores), abs=1e-4)
        assert answer.is_greedy == is_greedy
        assert answer.n_tokens == len(scores)


def test_the_contract_is_kept_on_every_path(taking, pictures):
    generations = [
        Generate("is there a circle ?", max_tokens=5),
        Generate((pictures[0], "what is it ?"), max_tokens=9),
        Generate((pictures[0], "or", pictures[1], "?"), max_tokens=3),
        Generate((pictures[1], "what is it ?"), max_tokens=6, temperature=1.0, seed=3),
    ]
    check_model(taking, [*requests_about(pictures), *generations], tolerance=1e-5)


def test_the_greedy_continuation_is_scored_as_greedy(taking, pictures):
    # " red" is scored as greedy by no random model; its own first token, put back in, must be.
    prompt = taking.writer.write(as_content((pictures[0], "what is it ?")))
    first, _ = taking.paths.score([(prompt, (i,)) for i in (10, 11)])
    assert not first.is_greedy
    scores = taking.paths.score([(prompt, (i,)) for i in range(len(taking.tokenizer))])
    best = [i for i, score in enumerate(scores) if score.is_greedy]
    assert best == [int(np.argmax([score.total for score in scores]))]


def test_an_image_makes_a_difference(loaded, kind, pictures):
    asked = [LogLikelihood((picture, "what is it ?"), " red") for picture in pictures[:2]]
    one, other = loaded[kind].loglikelihood(asked)
    assert abs(one.total - other.total) > 1e-3


def test_the_order_of_two_images_makes_a_difference(loaded, kind, pictures):
    first, second = pictures[0], pictures[3]
    asked = [
        LogLikelihood((*pair, "which ?"), " red") for pair in ((first, second), (second, first))
    ]
    one, other = loaded[kind].loglikelihood(asked)
    assert abs(one.total - other.total) > 1e-3


def test_probabilities_of_all_next_tokens_sum_to_one(loaded, kind, pictures):
    model = loaded[kind]
    prompt = model.writer.write(as_content((pictures[4], "what is it ?")))
    n_vocabulary = model.module.get_output_embeddings().weight.shape[0]
    scores = model.paths.score([(prompt, (i,)) for i in range(n_vocabulary)])
    assert math.fsum(math.exp(score.total) for score in scores) == pytest.approx(1, abs=1e-5)


def test_ten_questions_about_one_image_encode_it_once(checkpoints, kind, pictures, load):
    model = load(checkpoints[kind])
    runs = []
    encode = model.module.get_image_features

    @wraps(encode)
    def counted(*args, **kwargs):
        runs.append(1)
        return encode(*args, **kwargs)

    model.module.get_image_features = counted
    for number in range(10):
        context = (pictures[0], f"question {number}")
        model.loglikelihood([LogLikelihood(context, option) for option in OPTIONS])
    assert (model.n_images_encoded, len(runs)) == (1, 1)
    model.generate([Generate((pictures[0], "what is it ?"), max_tokens=2)])
    assert model.n_images_encoded == 1


def test_a_prompt_is_read_once_for_all_its_continuations(checkpoints, kind, pictures, load):
    model = load(checkpoints[kind])
    context = (pictures[0], "what is the colour ?")
    ask = [LogLikelihood(context, option) for option in OPTIONS]
    (length,) = model.paths.lengths([model.writer.write(as_content(context))])
    tails = [model.writer.joint("x", option)[1] for option in OPTIONS]
    model.loglikelihood(ask)
    # The prompt, and each option but for its last token, which is scored and not read.
    assert model.paths.embedded.n_read == length + sum(len(tail) - 1 for tail in tails)


def test_kept_prompts_are_read_once_as_well(loaded, kind, pictures, monkeypatch):
    model = loaded[kind]
    monkeypatch.setattr(model.paths, "name", KEPT)
    monkeypatch.setattr(model.paths.plain, "n_prompts_read", 0)
    model.loglikelihood([LogLikelihood((pictures[0], "what ?"), option) for option in OPTIONS])
    assert model.paths.plain.n_prompts_read == 1


def test_the_head_reads_scored_places_only(loaded, kind, pictures):
    model, rows = loaded[kind], []
    hook = model.module.get_output_embeddings().register_forward_hook(
        lambda module, inputs, output: rows.append(inputs[0].numel() // inputs[0].shape[-1])
    )
    context = (pictures[0], "what is the colour ?")
    answers = model.loglikelihood([LogLikelihood(context, option) for option in OPTIONS])
    hook.remove()
    # The place before the first token is the same for all four options.
    assert sum(rows) == 1 + sum(answer.n_tokens - 1 for answer in answers)


def test_the_cache_of_images_is_bounded(checkpoints, pictures, load):
    model = load(checkpoints["llava"], image_cache_mib=0)
    ask = [LogLikelihood((picture, "what is it ?"), " red") for picture in pictures]
    together = model.loglikelihood(ask)
    assert model.n_images_encoded == len(pictures)
    assert model.paths.encoder._kept.n_bytes == 0
    alone = [model.loglikelihood([request])[0] for request in ask]
    assert [a.total for a in together] == pytest.approx([a.total for a in alone], abs=1e-5)
    # The first one was still at hand: it was of the batch before.
    assert model.n_images_encoded == 2 * len(pictures) - 1


def test_a_model_whose_features_differ_is_run_plainly(checkpoints, monkeypatch, pictures, load):
    from evalsuite_transformers.generative.features import MediaEncoder as ImageEncoder

    right = ImageEncoder._features
    monkeypatch.setattr(ImageEncoder, "_features", lambda *a: [1.1 * f for f in right(*a)])
    model = load(checkpoints["llava"])
    assert model.info.details["scoring path"] == KEPT
    assert "differ by" in model.info.details["images"]
    request = LogLikelihood((pictures[0], "what is it ?"), " red")
    scores, _ = by_the_model_itself(model, request)
    assert model.loglikelihood([request])[0].token_logprobs == pytest.approx(scores, abs=1e-4)


def test_without_any_other_way_the_plain_one_remains(checkpoints, monkeypatch, load):
    from evalsuite_transformers.generative.embedded import EmbeddedModel
    from evalsuite_transformers.generative.plain import PlainModel

    def fail(*_):
        raise RuntimeError("not like this")

    monkeypatch.setattr(EmbeddedModel, "score", fail)
    monkeypatch.setattr(PlainModel, "_continued", fail)
    details = load(checkpoints["qwen2-vl"]).info.details
    assert (details["scoring path"], "not like this" in details["images"]) == (PLAIN, True)


def test_what_cannot_be_scored_is_a_failure(loaded, kind, pictures):
    placeholder = loaded[kind].writer.placeholder
    answers = loaded[kind].loglikelihood(
        [
            LogLikelihood((pictures[0], "what is it ?"), ""),
            LogLikelihood((pictures[0], f"what is {placeholder} ?"), " red"),
            LogLikelihood((pictures[0], "word " * 300), " red"),
            LogLikelihood((pictures[0], "what is it ?"), " red"),
        ]
    )
    kinds = [answer.kind if isinstance(answer, Failure) else "" for answer in answers]
    assert kinds == ["empty continuation", "misplaced image", "prompt too long", ""]


def test_architectures_that_need_more_than_embeddings_are_run_plainly(falling_back, pictures):
    # Deepstack (Qwen3-VL) and attention in both directions within an image (Gemma 3).
    details = falling_back.info.details
    assert details["scoring path"] == KEPT
    assert "differ by" in details["images"]
    requests = [
        LogLikelihood((pictures[0], "what is it ?"), " red"),
        LogLikelihood(("the first", pictures[1], "or", pictures[4], "?"), " it is blue"),
        LogLikelihood("is there a circle ?", " no"),
        LogLikelihood((pictures[0], "what is it ?"), " it is blue"),
    ]
    for request, answer in zip(requests, falling_back.loglikelihood(requests), strict=True):
        scores, _ = by_the_model_itself(falling_back, request)
        assert answer.token_logprobs == pytest.approx(scores, abs=1e-4)
    generations = [
        Generate("is there a circle ?", max_tokens=5),
        Generate((pictures[0], "what is it ?"), max_tokens=7),
        Generate((pictures[2], "what ?"), max_tokens=4, temperature=1.0, seed=1),
    ]
    check_model(falling_back, [*requests, *generations], tolerance=1e-5)


def test_packed_rows_branch_where_they_differ():
    # 1 2 3 4 and 1 2 5: the second leaves the first after two symbols.
    rows = [(np.array(ids), np.arange(len(ids))[None]) for ids in ([1, 2, 5], [1, 2, 3, 4], [9])]
    together, alone = pack(rows)
    assert together.symbols == [1, 2, 3, 4, 5]
    assert together.ends == [5, 5, 4, 4, 5]
    assert [(index, places.tolist()) for index, places in together.members] == [
        (1, [0, 1, 2, 3]),
        (0, [0, 1, 4]),
    ]
    assert np.concatenate(together.positions, axis=1).tolist() == [[0, 1, 2, 3, 2]]
    assert (alone.symbols, alone.is_chain, together.is_chain) == ([9], True, False)


def test_rows_beyond_a_window_stand_by_themselves():
    rows = [(np.array([1, 2, 3, i]), np.arange(4)[None]) for i in range(3)]
    assert len(pack(rows, reach=3)) == 3
    assert len(pack(rows, reach=4)) == 1


def test_batches_hold_every_request_once_and_images_together(loaded, pictures):
    model = loaded["llava"]
    asked = [
        LogLikelihood((picture, f"question {n}"), " red") for n in range(4) for picture in pictures
    ]
    found = list(model.batches(asked, 120))
    assert sorted(r.digest for batch in found for r in batch) == sorted(r.digest for r in asked)
    assert len(found) > 1
    order = [r.parts[0].sha256 for batch in found for r in batch]
    assert sum(a != b for a, b in pairwise(order)) == len(pictures) - 1


def test_a_constant_image_is_no_special_case(loaded, kind):
    plain = Image.from_array(np.full((32, 32, 3), 30, np.uint8))
    check_model(loaded[kind], [LogLikelihood((plain, plain, "what is it ?"), " red")])
