"""Log-likelihoods given clips: every path says what the model's own logits say."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from evalsuite import Audio, Failure, Generate, LogLikelihood, Role, TokenEntropies
from evalsuite.content import as_content
from evalsuite.testing import check_model
from evalsuite_transformers.generative.paths import KEPT, PLAIN, SEPARATE, SHARED

OPTIONS = (" dog", " it is a bell , not a voice", " no", " the second clip")


def requests_about(clips, n_at_most):
    """Prompts with no clip, one, two, several roles; four continuations each."""
    contexts = [
        "does it rain ?",
        (clips[0], "what sound is this ?"),
        (clips[0], "who speaks ?"),
        (clips[2], "what sound is this ?"),
        (Role("system"), "answer", Role("user"), clips[3], "a bell ?", Role("assistant"), "yes",
         Role("user"), "and now ?"),
    ]  # fmt: skip
    if n_at_most is None:
        contexts.append(("the first", clips[1], "or the second", clips[4], "?"))
        contexts.append((Role("user"), clips[3], "a bell ?", Role("assistant"), "yes",
                         Role("user"), "and", clips[5]))  # fmt: skip
    return [LogLikelihood(context, option) for context in contexts for option in OPTIONS]


def n_at_most(model):
    return model.writer.media[0].at_most


def by_the_model_itself(model, request):
    """Log P of each token from the full logits of one row, as the processor prepares it."""
    prompt = model.writer.write(request.context)
    rate = model.info.sample_rate_hz
    waves = [clip.load(rate)[0].copy() for clip in prompt.media]
    more = {"audio": waves, "sampling_rate": rate} if waves else {}
    inputs = dict(model.processor(text=[prompt.text], return_tensors="pt", **more))
    inputs.pop("token_type_ids", None)
    tail = model.tokenizer(request.continuation, add_special_tokens=False)["input_ids"]
    inputs["input_ids"] = torch.cat([inputs["input_ids"], torch.tensor([tail])], dim=1)
    inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
    with torch.no_grad():
        logits = model.module(**inputs).logits[0, -len(tail) - 1 : -1]
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


def test_each_family_takes_the_fastest_path(loaded, kind):
    details = loaded[kind].info.details
    assert (details["scoring path"], details["clips"]) == (SHARED, "encoded once each")


def test_every_path_says_what_the_logits_say(taking, clips):
    requests = requests_about(clips, n_at_most(taking))
    for request, answer in zip(requests, taking.loglikelihood(requests), strict=True):
        scores, is_greedy = by_the_model_itself(taking, request)
        assert answer.token_logprobs == pytest.approx(scores, abs=1e-4)
        assert answer.total == pytest.approx(math.fsum(scores), abs=1e-4)
        assert answer.is_greedy == is_greedy
        assert answer.n_tokens == len(scores)


def test_the_contract_is_kept_on_every_path(taking, clips):
    generations = [
        Generate("does it rain ?", max_tokens=5),
        Generate((clips[0], "what sound is this ?"), max_tokens=9),
        Generate((clips[4], "who speaks ?"), max_tokens=3),
        Generate((clips[1], "what sound is this ?"), max_tokens=6, temperature=1.0, seed=3),
    ]
    check_model(taking, [*requests_about(clips, n_at_most(taking)), *generations], tolerance=1e-5)


def test_a_clip_makes_a_difference(loaded, kind, clips):
    asked = [LogLikelihood((clip, "what sound is this ?"), " dog") for clip in clips[:2]]
    one, other = loaded[kind].loglikelihood(asked)
    assert abs(one.total - other.total) > 1e-3


def test_the_order_of_two_clips_makes_a_difference(loaded, clips):
    first, second = clips[0], clips[3]
    pairs = ((first, second), (second, first))
    asked = [LogLikelihood((*pair, "which ?"), " dog") for pair in pairs]
    one, other = loaded["qwen2-audio"].loglikelihood(asked)
    assert abs(one.total - other.total) > 1e-3


def test_where_a_clip_stands_makes_a_difference(loaded, kind, clips):
    asked = [
        LogLikelihood((clips[0], "what sound is this ?"), " dog"),
        LogLikelihood(("what sound is this ?", clips[0]), " dog"),
    ]
    one, other = loaded[kind].loglikelihood(asked)
    assert abs(one.total - other.total) > 1e-3


def test_probabilities_of_all_next_tokens_sum_to_one(loaded, kind, clips):
    model = loaded[kind]
    prompt = model.writer.write(as_content((clips[4], "what sound is this ?")))
    n_vocabulary = model.module.get_output_embeddings().weight.shape[0]
    scores = model.paths.score([(prompt, (i,)) for i in range(n_vocabulary)])
    assert math.fsum(math.exp(score.total) for score in scores) == pytest.approx(1, abs=1e-5)


def test_ten_questions_about_one_clip_hear_it_once(checkpoints, kind, clips, load):
    model, runs = load(checkpoints[kind]), []
    tower = model.module.model.audio_tower
    tower.register_forward_hook(lambda *_: runs.append(1))
    for number in range(10):
        context = (clips[0], f"question {number}")
        model.loglikelihood([LogLikelihood(context, option) for option in OPTIONS])
    model.generate([Generate((clips[0], "what sound is this ?"), max_tokens=2)])
    assert (model.n_encoded, len(runs)) == (1, 1)


def test_the_same_clip_at_another_place_is_heard_once_as_well(checkpoints, clips, load):
    model = load(checkpoints["qwen2-audio"])
    model.loglikelihood([LogLikelihood((clips[0], "or", clips[0], "?"), " dog")])
    assert model.n_encoded == 1


def test_a_prompt_is_read_once_for_all_its_continuations(checkpoints, kind, clips, load):
    model = load(checkpoints[kind])
    context = (clips[0], "what sound is this ?")
    (length,) = model.paths.lengths([model.writer.write(as_content(context))])
    tails = [model.writer.joint("x", option)[1] for option in OPTIONS]
    model.loglikelihood([LogLikelihood(context, option) for option in OPTIONS])
    # The prompt, and each option but for its last token, which is scored and not read.
    assert model.paths.embedded.n_read == length + sum(len(tail) - 1 for tail in tails)


def test_the_cache_of_clips_is_bounded(checkpoints, clips, load):
    model = load(checkpoints["qwen2-audio"], audio_cache_mib=0)
    ask = [LogLikelihood((clip, "what sound is this ?"), " dog") for clip in clips]
    together = model.loglikelihood(ask)
    assert (model.n_encoded, model.paths.encoder._kept.n_bytes) == (len(clips), 0)
    alone = [model.loglikelihood([request])[0] for request in ask]
    assert [a.total for a in together] == pytest.approx([a.total for a in alone], abs=1e-5)


def test_batches_keep_questions_about_a_clip_together(loaded, kind, clips):
    model = loaded[kind]
    asked = [LogLikelihood((clip, f"question {n}"), " dog") for n in range(4) for clip in clips]
    found = list(model.batches(asked, 60))
    assert sorted(r.digest for batch in found for r in batch) == sorted(r.digest for r in asked)
    order = [r.parts[0].sha256 for batch in found for r in batch]
    assert len(found) > 1
    assert sum(a != b for a, b in pairwise(order)) == len(clips) - 1


def test_a_clips_estimated_cost_grows_with_its_length(checkpoints, clips, load):
    model = load(checkpoints["qwen2-audio"])
    long, short = (model.cost(LogLikelihood((clip, "?"), " a")) for clip in (clips[0], clips[4]))
    # 25 tokens for a second of 100 frames: 0.9 s and 0.21 s.
    assert long - short == pytest.approx(25 * (0.9 - 0.21), abs=2)


def test_features_that_differ_are_not_used(checkpoints, monkeypatch, clips, load):
    from evalsuite_transformers.generative.clips import AudioMedium

    right = AudioMedium.features
    monkeypatch.setattr(AudioMedium, "features", lambda *a: [1.1 * f for f in right(*a)])
    model = load(checkpoints["qwen2-audio"])
    assert model.info.details["scoring path"] == KEPT
    assert "differ by" in model.info.details["clips"]
    request = LogLikelihood((clips[0], "what sound is this ?"), " dog")
    scores, _ = by_the_model_itself(model, request)
    assert model.loglikelihood([request])[0].token_logprobs == pytest.approx(scores, abs=1e-4)


def test_what_cannot_be_scored_is_a_failure(loaded, kind, clips):
    placeholder = loaded[kind].writer.placeholder
    answers = loaded[kind].loglikelihood(
        [
            LogLikelihood((clips[0], "what sound is this ?"), ""),
            LogLikelihood((clips[0], f"what {placeholder} ?"), " dog"),
            LogLikelihood((clips[0], "what ?"), placeholder),
            LogLikelihood((clips[0], "word " * 300), " dog"),
            LogLikelihood((clips[0], "what sound is this ?"), " dog"),
        ]
    )
    kinds = [answer.kind if isinstance(answer, Failure) else "" for answer in answers]
    misplaced = "misplaced audio"
    assert kinds == ["empty continuation", misplaced, misplaced, "prompt too long", ""]


def test_silence_is_no_special_case(loaded, kind):
    silence = Audio.from_array(np.zeros(8_000, np.float32), 16_000)
    check_model(loaded[kind], [LogLikelihood((silence, "what sound is this ?"), " no")])


def test_half_precision_scores_as_the_model_does(checkpoints, kind, clips):
    from evalsuite import LoadSettings
    from evalsuite_audio.models.audio_text_to_text import Loader

    model = Loader().load(checkpoints[kind], LoadSettings("cpu", "bfloat16", 1))
    assert model.info.details["dtype"] == "bfloat16"
    (answer,) = model.loglikelihood([LogLikelihood((clips[0], "what sound is this ?"), " dog")])
    full = Loader().load(checkpoints[kind], LoadSettings("cpu", "float32", 1))
    (exact,) = full.loglikelihood([LogLikelihood((clips[0], "what sound is this ?"), " dog")])
    assert answer.total == pytest.approx(exact.total, rel=0.05)


def test_doubt_after_a_clip_is_the_same_alone_and_in_a_batch(loaded, kind, clips):
    requests = [
        TokenEntropies((clip, "what is it"), text, (0.5, 1.0, 2.0, math.inf))
        for clip in clips[:2]
        for text in (" yes", " no, not at all")
    ]
    check_model(loaded[kind], requests)
    (answer,) = loaded[kind].token_entropies(requests[-1:])
    for few, many in pairwise(answer.entropies):
        assert all(a >= b >= 0 for a, b in zip(few, many, strict=True))  # falls with the order


def test_doubt_at_a_clip_is_told_by_the_path_taken_as_by_the_plain_one(loaded, kind, clips):
    model = loaded[kind]
    orders = (0.5, 1.0, math.inf)
    requests = [TokenEntropies((clip, "what is it"), " no", orders, True) for clip in clips[:3]]
    answers = model.token_entropies(requests)
    prompts = [model.writer.write(request.context) for request in requests]
    rows = [(prompt, model.writer.joint(prompt.text, " no")[1]) for prompt in prompts]
    for answer, plain in zip(
        answers, model.paths.plain.entropies(rows, orders, with_media=True), strict=True
    ):
        assert np.array(answer.media).shape[1] > 1
        assert np.array(answer.media) == pytest.approx(np.array(plain.media), abs=1e-4)
    check_model(model, requests)
