"""Text models: exact, whatever the batch; equal to the reference implementation."""

from __future__ import annotations

import pytest
import torch
from tokenizers import Tokenizer, decoders, pre_tokenizers, trainers
from tokenizers import models as token_models
from transformers import (
    AutoModel,
    BertConfig,
    BertForSequenceClassification,
    GPT2Config,
    GPT2LMHeadModel,
    PreTrainedTokenizerFast,
)

from evalsuite import (
    Classify,
    Generate,
    LoadSettings,
    LogLikelihood,
    ModelError,
    RollingLogLikelihood,
    TokenScores,
)
from evalsuite.factories import loader_for
from evalsuite.registry import installed
from evalsuite.testing import check_model

TEXTS = ["a red dog", "the cat sat on the mat , and then it slept", "one", "two three four"]


@pytest.fixture(scope="session")
def gpt2(tmp_path_factory):
    """A random GPT-2 with a byte-level tokenizer, saved as any checkpoint is."""
    folder = tmp_path_factory.mktemp("gpt2")
    tokenizer = Tokenizer(token_models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=["<|end|>"], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(TEXTS * 4, trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|end|>", bos_token="<|end|>"
    )
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=len(fast), n_positions=48, n_embd=32, n_layer=2, n_head=2, bos_token_id=0,
        eos_token_id=0,
    )  # fmt: skip
    GPT2LMHeadModel(config).save_pretrained(folder)
    return folder


def load(reference, **options):
    loader, name = loader_for(str(reference), installed())
    return loader.load(name, LoadSettings(device="cpu", options=options))


@pytest.fixture(scope="session")
def model(gpt2):
    return load(f"hf:{gpt2}")


@pytest.mark.parametrize("name", ["gpt2", "control:text-clean"])
def test_answers_do_not_depend_on_the_batch(name, model):
    tested = model if name == "gpt2" else load(name)
    requests = [LogLikelihood(text, " is " + text) for text in TEXTS]
    requests += [RollingLogLikelihood(text) for text in TEXTS]
    requests += [TokenScores(text, spans=len(text) % 2 == 0) for text in TEXTS]
    requests += [Generate(text, max_tokens=6) for text in TEXTS]
    check_model(tested, requests)


def test_the_kind_is_found_from_the_configuration(model):
    assert model.info.kind == "causal language model"
    assert model.info.details["scoring path"] == "shared beginnings"


def test_the_fast_path_equals_the_plain_one(model, gpt2):
    plain = load(f"hf:{gpt2}")
    plain.scorer.path = "plain logits"
    requests = [LogLikelihood(text, " and more") for text in TEXTS]
    for fast, slow in zip(
        model.loglikelihood(requests), plain.loglikelihood(requests), strict=True
    ):
        assert fast.total == pytest.approx(slow.total, abs=1e-4)


def test_scores_equal_a_naive_loop(model):
    answer = model.loglikelihood([LogLikelihood("the cat", " sat on the mat")])[0]
    tokenizer, module = model.tokenizer, model.module
    whole = tokenizer("the cat sat on the mat")["input_ids"]
    n_context = len(tokenizer("the cat")["input_ids"])
    logp = module(torch.tensor([whole])).logits[0].log_softmax(-1)
    naive = sum(float(logp[i - 1, whole[i]]) for i in range(n_context, len(whole)))
    assert answer.total == pytest.approx(naive, abs=1e-4)


def test_scores_equal_lm_eval(model, gpt2):
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    peer = HFLM(pretrained=str(gpt2), device="cpu", batch_size=2)
    pairs = [("the cat", " sat"), ("a red dog ", "slept"), ("", "one two"), ("one", " two three")]
    theirs = peer.loglikelihood([Instance("loglikelihood", {}, p, i) for i, p in enumerate(pairs)])
    ours = model.loglikelihood([LogLikelihood(*pair) for pair in pairs])
    for (total, greedy), answer in zip(theirs, ours, strict=True):
        assert answer.total == pytest.approx(total, abs=1e-3)
        assert answer.is_greedy == greedy
    texts = [(TEXTS[1] * 5,), (TEXTS[0],)]
    rolled = peer.loglikelihood_rolling(
        [Instance("loglikelihood_rolling", {}, t, i) for i, t in enumerate(texts)]
    )
    for total, (text,) in zip(rolled, texts, strict=True):
        found = model.rolling_loglikelihood([RollingLogLikelihood(text)])[0]
        assert found.total == pytest.approx(total, abs=1e-3)


def test_every_token_of_a_long_text_is_scored_once(model):
    text = TEXTS[1] * 8
    answer = model.rolling_loglikelihood([RollingLogLikelihood(text)])[0]
    assert answer.n_tokens == len(model.tokenizer(text)["input_ids"]) > 48


def test_a_context_that_is_too_long_is_cut_and_counted(model):
    answer = model.loglikelihood([LogLikelihood(TEXTS[1] * 8, " end")])[0]
    assert answer.truncated_tokens > 0


def test_an_empty_continuation_is_a_failure(model):
    assert model.loglikelihood([LogLikelihood("a", "")])[0].kind == "empty continuation"


def test_a_stop_string_ends_the_text(model):
    whole = model.generate([Generate("the", max_tokens=8)])[0].text
    stop = whole[3:5]
    cut = model.generate([Generate("the", max_tokens=8, stop=(stop,))])[0]
    assert cut.text == whole[: whole.find(stop)]
    assert cut.finish_reason == "stop"


def test_gradients_of_a_continuation_are_complete(model):
    from evalsuite.content import as_content
    from evalsuite_explain.explainers.gradients import integrated_gradients

    view = model.differentiable_view(as_content("the cat sat"), " on the mat")
    explained = integrated_gradients(view, n_steps=64)
    assert sum(explained.scores) == pytest.approx(explained.total, abs=0.01)


def test_missing_weights_are_an_error(gpt2, tmp_path):
    AutoModel.from_pretrained(gpt2).save_pretrained(tmp_path)
    config = BertConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
    )
    AutoModel.from_config(config).save_pretrained(tmp_path / "bert")
    with pytest.raises(ModelError, match="lacks 2 of its weights"):
        load(f"hf/text-classifier:{tmp_path / 'bert'}")


def test_a_pickle_is_refused_unless_allowed(gpt2, tmp_path):
    module = GPT2LMHeadModel.from_pretrained(gpt2)
    module.config.save_pretrained(tmp_path)
    torch.save(module.state_dict(), tmp_path / "pytorch_model.bin")
    with pytest.raises(ModelError, match="allow_pickle"):
        load(f"hf:{tmp_path}")


def test_an_unknown_model_option_is_refused(gpt2):
    from evalsuite import UsageError

    with pytest.raises(UsageError, match="chat_template"):
        load(f"hf:{gpt2}", chat_templat=True)


def test_a_classifier_keeps_its_promises(tmp_path):
    model = load("control:classifier-clean")
    check_model(model, [Classify("it was good"), Classify("the film was awful to be honest")])
    (answer,) = model.classify([Classify("it was great")])
    assert sum(answer.probabilities) == pytest.approx(1)


def test_one_logit_means_two_labels(tmp_path):
    source = load("control:classifier-clean")
    config = BertConfig(
        vocab_size=len(source.tokenizer), hidden_size=16, num_hidden_layers=1,
        num_attention_heads=2, intermediate_size=16, num_labels=1, id2label={0: "toxic"},
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(tmp_path)
    source.tokenizer.save_pretrained(tmp_path)
    (answer,) = load(f"hf:{tmp_path}").classify([Classify("film")])
    assert answer.labels == ("not toxic", "toxic")
