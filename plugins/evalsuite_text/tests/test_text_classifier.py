"""Label distributions, whatever the head, the padding and the batch."""

from __future__ import annotations

import pytest
import torch
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    GPT2Config,
    GPT2ForSequenceClassification,
    LlamaConfig,
    LlamaForSequenceClassification,
    RobertaConfig,
    RobertaForSequenceClassification,
)

from evalsuite import Classify, ModelError, UsageError
from evalsuite.content import as_content
from evalsuite.testing import check_model
from evalsuite_text.models import classifier

TEXTS = ["the garden is green", "a cat", "the old house at the river is warm and", "", "the " * 60]
REQUESTS = [Classify(text) for text in TEXTS]


def naive(model, text: str) -> list[float]:
    inputs = model.tokenizer(
        text, truncation=True, max_length=model.max_length, return_tensors="pt"
    )
    inputs = {name: inputs[name] for name in model.accepted if name in inputs}
    with torch.no_grad():
        return model.module(**inputs).logits[0].double().softmax(-1).tolist()


def test_probabilities_are_those_of_single_rows(bert) -> None:
    for text, answer in zip(TEXTS, bert.classify(REQUESTS), strict=True):
        assert answer.labels == ("negative", "neutral", "positive")
        assert answer.probabilities == pytest.approx(naive(bert, text), abs=1e-5)
        assert sum(answer.probabilities) == pytest.approx(1)


def test_batch_order_and_padding_change_nothing(bert) -> None:
    check_model(bert, REQUESTS, tolerance=1e-5)


def _config(kind, tokenizer, **more):
    return kind(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        initializer_range=0.2,
        **more,
    )


def test_one_logit_is_a_sigmoid_over_two_labels(tmp_path, cpu, word_piece, save_checkpoint) -> None:
    torch.manual_seed(4)
    tokenizer = word_piece()
    config = _config(BertConfig, tokenizer, num_labels=1, id2label={0: "toxic"})
    module = BertForSequenceClassification(config)
    model = classifier.Loader().load(save_checkpoint(tmp_path, module, tokenizer), cpu)
    (answer,) = model.classify([Classify("a cat")])
    with torch.no_grad():
        inputs = tokenizer("a cat", return_tensors="pt")
        logit = float(model.module(**inputs).logits[0, 0])
    expected = 1 / (1 + torch.tensor(-logit).exp().item())
    assert answer.labels == ("not toxic", "toxic")
    assert answer.probability("toxic") == pytest.approx(expected, abs=1e-6)
    for label, sign in (("toxic", 1), ("not toxic", -1)):
        view = model.differentiable_view(as_content("a cat"), label)
        assert float(view.output(view.inputs)[0].detach()) == pytest.approx(sign * logit, abs=1e-5)


def test_a_decoder_with_a_head_is_read_at_its_last_word(
    tmp_path, cpu, word_level, save_checkpoint
) -> None:
    torch.manual_seed(5)
    tokenizer = word_level()
    config = _config(LlamaConfig, tokenizer, num_labels=2, max_position_embeddings=32)
    config.pad_token_id = None  # as many such checkpoints have it
    module = LlamaForSequenceClassification(config)
    model = classifier.Loader().load(save_checkpoint(tmp_path, module, tokenizer), cpu)
    check_model(model, REQUESTS, tolerance=1e-5)
    for text, answer in zip(TEXTS, model.classify(REQUESTS), strict=True):
        assert answer.probabilities == pytest.approx(naive(model, text), abs=1e-5)


def test_a_tokenizer_without_padding_still_takes_batches(
    tmp_path, cpu, byte_level, save_checkpoint
) -> None:
    torch.manual_seed(6)
    tokenizer = byte_level()
    config = GPT2Config(
        vocab_size=len(tokenizer), n_positions=32, n_embd=32, n_layer=1, n_head=2, num_labels=2
    )
    module = GPT2ForSequenceClassification(config)
    model = classifier.Loader().load(save_checkpoint(tmp_path, module, tokenizer), cpu)
    texts = [text for text in TEXTS if text]
    answers = model.classify([Classify(text) for text in texts])
    for text, answer in zip(texts, answers, strict=True):
        assert answer.probabilities == pytest.approx(naive(model, text), abs=1e-5)


def test_a_text_without_tokens_is_the_same_in_every_batch(
    tmp_path, cpu, byte_level, save_checkpoint
) -> None:
    torch.manual_seed(6)
    tokenizer = byte_level()
    tokenizer.pad_token = tokenizer.eos_token
    module = GPT2ForSequenceClassification(
        GPT2Config(vocab_size=len(tokenizer), n_positions=32, n_embd=32, n_layer=1, n_head=2)
    )
    model = classifier.Loader().load(save_checkpoint(tmp_path, module, tokenizer), cpu)
    (alone,) = model.classify([Classify("")])
    together = model.classify([Classify(text) for text in ("the garden", "", "a cat sleeps")])
    assert together[1].probabilities == pytest.approx(alone.probabilities, abs=1e-6)


def test_many_short_texts_are_one_batch(bert) -> None:
    requests = [Classify(f"a cat {number}") for number in range(300)]
    batches = list(bert.batches(requests, 16_384))
    assert [len(batch) for batch in batches] == [300]
    assert set(batches[0]) == set(requests)


def test_positions_after_the_padding_position_count(
    tmp_path, cpu, word_piece, save_checkpoint
) -> None:
    torch.manual_seed(7)
    tokenizer = word_piece()
    config = _config(RobertaConfig, tokenizer, max_position_embeddings=26, pad_token_id=1)
    tokenizer.pad_token = "[UNK]"  # id 1, as in that family
    module = RobertaForSequenceClassification(config)
    model = classifier.Loader().load(save_checkpoint(tmp_path, module, tokenizer), cpu)
    assert model.max_length == 24
    model.classify(REQUESTS)


@pytest.mark.parametrize("problem", ["regression", "multi_label_classification"])
def test_heads_that_are_no_distribution_are_refused(
    tmp_path, cpu, word_piece, save_checkpoint, problem: str
) -> None:
    tokenizer = word_piece()
    config = _config(BertConfig, tokenizer, problem_type=problem)
    directory = save_checkpoint(tmp_path, BertForSequenceClassification(config), tokenizer)
    with pytest.raises(ModelError, match=problem.split("_", maxsplit=1)[0]):
        classifier.Loader().describe(directory, cpu)


def test_unknown_options_are_refused(bert_directory, cpu) -> None:
    from dataclasses import replace

    with pytest.raises(UsageError, match="chat_template"):
        classifier.Loader().load(bert_directory, replace(cpu, options={"chat_template": True}))


def test_what_is_cut_is_counted(bert) -> None:
    text = "the garden " * 20
    n_tokens = len(bert.tokenizer(text)["input_ids"])
    long, short = bert.classify([Classify(text), Classify("the garden")])
    assert long.truncated_tokens == n_tokens - bert.max_length > 0
    assert short.truncated_tokens == 0
