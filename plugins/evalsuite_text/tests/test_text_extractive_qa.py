"""Answers in a context equal a loop over every pair of tokens of every window."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tokenizers import processors
from transformers import (
    AutoModelForQuestionAnswering,
    BertConfig,
    BertForQuestionAnswering,
    CanineTokenizer,
    RobertaConfig,
    RobertaForQuestionAnswering,
)

from evalsuite import AnswerSpan, Failure, ModelError, ScoreSpan, UsageError
from evalsuite.factories import loader_for
from evalsuite.registry import installed
from evalsuite.testing import check_model

CONTEXTS = [
    "Paris is the capital of France .",
    "the old house at the river is warm and the garden is green",
    "a small dog runs to the market , and a cat sleeps in the garden . " * 4,
    "Rome",
]
QUESTION = "where is it ?"
SIZE = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory, word_piece, byte_level, save_checkpoint):
    torch.manual_seed(6)
    pieces, letters = word_piece(), byte_level()
    pieces.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    letters.add_special_tokens(
        {"cls_token": "<s>", "sep_token": "</s>", "pad_token": "<pad>", "mask_token": "<mask>"}
    )
    begin, end = letters.cls_token_id, letters.sep_token_id
    letters.backend_tokenizer.post_processor = processors.RobertaProcessing(
        ("</s>", end), ("<s>", begin), trim_offsets=True
    )
    letters.model_input_names = ["input_ids", "attention_mask"]
    pad = letters.pad_token_id
    bert = BertConfig(
        vocab_size=len(pieces),
        max_position_embeddings=40,
        pad_token_id=0,
        initializer_range=0.3,
        **SIZE,
    )
    roberta = RobertaConfig(
        vocab_size=len(letters), max_position_embeddings=60 + pad + 1, pad_token_id=pad,
        initializer_range=0.3, **SIZE,
    )  # fmt: skip
    return {
        "bert": save_checkpoint(
            tmp_path_factory.mktemp("bert"), BertForQuestionAnswering(bert), pieces
        ),
        "roberta": save_checkpoint(
            tmp_path_factory.mktemp("roberta"), RobertaForQuestionAnswering(roberta), letters
        ),
    }


def load(folder, settings, **options):
    loader, reference = loader_for(f"hf:{folder}", installed())
    return loader.load(reference, replace(settings, options=options))


@pytest.fixture(scope="module", params=["bert", "roberta"])
def pair(request, folders, cpu):
    folder = folders[request.param]
    model = load(folder, cpu, stride=8, max_answer_tokens=6)
    return model, AutoModelForQuestionAnswering.from_pretrained(folder).eval()


def naive(model, peer, question, context, stride=8, longest=6):
    """Every pair of every window, by hand."""
    encoded = model.tokenizer(
        question, context, truncation="only_second", max_length=model.max_length, stride=stride,
        return_overflowing_tokens=True, return_offsets_mapping=True, return_tensors=None,
        return_token_type_ids=True,
    )  # fmt: skip
    best, null = (float("-inf"), 0, 0), float("inf")
    for k, ids in enumerate(encoded["input_ids"]):
        inputs = {"input_ids": torch.tensor([ids])}
        if peer.config.model_type == "bert":
            inputs["token_type_ids"] = torch.tensor([encoded["token_type_ids"][k]])
        with torch.no_grad():
            output = peer(**inputs)
        start, end = output.start_logits[0].tolist(), output.end_logits[0].tolist()
        null = min(null, start[0] + end[0])
        inside = [i for i, part in enumerate(encoded.sequence_ids(k)) if part == 1]
        offsets = encoded["offset_mapping"][k]
        for i in inside:
            for j in inside:
                if i <= j < i + longest and start[i] + end[j] > best[0] + 1e-6:
                    best = (start[i] + end[j], offsets[i][0], offsets[j][1])
    return best, null


def test_spans_equal_a_loop_over_all_pairs(pair):
    model, peer = pair
    answers = model.answer_span([AnswerSpan(QUESTION, context) for context in CONTEXTS])
    for answer, context in zip(answers, CONTEXTS, strict=True):
        (score, start, end), null = naive(model, peer, QUESTION, context)
        assert answer.score == pytest.approx(score, abs=1e-4)
        assert answer.null_score == pytest.approx(null, abs=1e-4)
        assert answer.text == context[start:end].strip()


def test_the_text_is_the_context_between_the_offsets(pair):
    model, _ = pair
    for context in CONTEXTS:
        (answer,) = model.answer_span([AnswerSpan(QUESTION, context)])
        assert answer.text == context[answer.start : answer.end] == answer.text.strip()
        assert answer.text


def test_the_batch_changes_nothing(pair):
    model, _ = pair
    check_model(model, [AnswerSpan(QUESTION, context) for context in CONTEXTS])


def test_a_long_context_is_read_to_its_end(folders, cpu):
    model = load(folders["bert"], cpu, stride=4, max_answer_tokens=1)
    encoded = model._windows(0, AnswerSpan(QUESTION, CONTEXTS[2]))
    assert len(encoded) > 2
    covered = {
        place for window in encoded for span in window.spans if span for place in range(*span)
    }
    assert covered == {i for i, letter in enumerate(CONTEXTS[2]) if not letter.isspace()}


def test_answers_are_no_longer_than_allowed(folders, cpu):
    model = load(folders["bert"], cpu, max_answer_tokens=1)
    for context in CONTEXTS:
        (answer,) = model.answer_span([AnswerSpan(QUESTION, context)])
        tokens = model.tokenizer(context, add_special_tokens=False, return_offsets_mapping=True)
        assert (answer.start, answer.end) in tokens["offset_mapping"]


def test_contexts_and_questions_that_cannot_be_read_fail(pair):
    model, _ = pair
    empty, long = model.answer_span([AnswerSpan(QUESTION, ""), AnswerSpan("where ? " * 40, "Rome")])
    assert (empty.kind, long.kind) == ("empty context", "question too long")


def test_a_slow_tokenizer_is_refused(tmp_path, save_checkpoint, cpu):
    config = BertConfig(vocab_size=40, max_position_embeddings=40, **SIZE)
    folder = save_checkpoint(tmp_path, BertForQuestionAnswering(config), CanineTokenizer())
    with pytest.raises(ModelError, match="does not say which characters a token covers"):
        load(folder, cpu)


def test_bad_options_are_refused(folders, cpu):
    with pytest.raises(UsageError, match="max_answer_tokens must be an integer from 1"):
        load(folders["bert"], cpu, max_answer_tokens=0)
    with pytest.raises(UsageError, match="no option 'doc_stride'"):
        load(folders["bert"], cpu, doc_stride=3)


def test_options_that_change_answers_change_the_fingerprint(folders, cpu):
    marks = {load(folders["bert"], cpu, stride=n).fingerprint for n in (2, 3)}
    assert len(marks) == 2


def test_the_kind_is_found(pair):
    assert pair[0].info.kind == "extractive question answerer"


@pytest.mark.parametrize("task", ["xquad-en", "xquad-de", "xquad-zh", "cmrc2018"])
def test_published_tasks_run_on_a_saved_checkpoint(task, folders, data, tmp_path):
    """Random weights: what is shown is the path from file to estimate, not a good answer."""
    from evalsuite.cli import run
    from evalsuite.store import Run

    command = [
        "run", f"task:{task}", "-m", f"hf:{folders['bert']}", "--set", f"data={data}",
        "--limit", "4", "-q", "--output", str(tmp_path / "run"),
    ]  # fmt: skip
    assert run(command) == 0
    (result,) = Run.open(tmp_path / "run").results
    found = {estimate.metric: estimate for estimate in result.estimates}
    assert found["F1"].n == 4
    assert 0 <= found["exact match"].value <= found["F1"].value <= 1


def test_the_best_answer_scores_as_itself(pair):
    model, _ = pair
    best = model.answer_span([AnswerSpan(QUESTION, context) for context in CONTEXTS])
    given = model.score_span(
        [ScoreSpan(QUESTION, c, b.start, b.end) for c, b in zip(CONTEXTS, best, strict=True)]
    )
    for own, found in zip(best, given, strict=True):
        assert (found.text, found.start, found.end) == (own.text, own.start, own.end)
        assert found.score == pytest.approx(own.score, abs=1e-4)
        assert found.null_score == pytest.approx(own.null_score, abs=1e-4)


def test_any_answer_scores_as_its_start_and_its_end(pair):
    model, peer = pair
    context = CONTEXTS[1]
    encoded = model.tokenizer(QUESTION, context, return_offsets_mapping=True, return_tensors="pt")
    offsets, parts = encoded.pop("offset_mapping")[0].tolist(), encoded.sequence_ids(0)
    with torch.no_grad():
        output = peer(**encoded)
    begin, end = context.index("house"), context.index(" is warm")
    places = [i for i, part in enumerate(parts) if part == 1]
    first = next(i for i in places if offsets[i][1] > begin)
    last = max(i for i in places if offsets[i][0] < end)
    (found,) = model.score_span([ScoreSpan(QUESTION, context, begin, end)])
    expected = output.start_logits[0, first] + output.end_logits[0, last]
    assert found.score == pytest.approx(float(expected), abs=1e-4)
    assert found.text == "house at the river"


def test_the_batch_changes_no_score(pair):
    model, _ = pair
    check_model(model, [ScoreSpan(QUESTION, context, 0, 4) for context in CONTEXTS])


def test_a_stretch_that_no_window_holds_is_a_failure(pair):
    model, _ = pair
    (found,) = model.score_span([ScoreSpan(QUESTION, CONTEXTS[2], 0, len(CONTEXTS[2]) - 1)])
    assert isinstance(found, Failure)
    assert found.kind == "stretch too long"
    with pytest.raises(ValueError, match="start and end"):
        ScoreSpan(QUESTION, "Rome", 2, 9)
