"""Differentiable views: their output is the model's own, and attributions add up."""

from __future__ import annotations

import pytest
import torch

from evalsuite import Attribute, Classify, LoadSettings, LogLikelihood, Text
from evalsuite.content import as_content
from evalsuite.model import answer_batch
from evalsuite_text.models import causal

CONTEXT, CONTINUATION = "the old house at the river is", " warm and green"
TEXT = "the garden is green and warm"
IG = "evalsuite_explain.explainers.gradients:integrated_gradients"


def integrated_gradients(view, n_steps: int = 256) -> torch.Tensor:
    """Midpoint rule along the straight line from baseline to input; one score per position."""
    total = torch.zeros_like(view.inputs)
    for step in range(n_steps):
        share = (step + 0.5) / n_steps
        point = (view.baseline + share * (view.inputs - view.baseline)).requires_grad_()
        (gradient,) = torch.autograd.grad(view.output(point).sum(), point)
        total += gradient / n_steps
    return ((view.inputs - view.baseline) * total).sum(-1)[0]


def change(view) -> float:
    with torch.no_grad():
        return float(view.output(view.inputs)[0] - view.output(view.baseline)[0])


def test_the_output_at_the_input_is_the_log_likelihood(language_model) -> None:
    view = language_model.differentiable_view(as_content(CONTEXT), CONTINUATION)
    (score,) = language_model.loglikelihood([LogLikelihood(CONTEXT, CONTINUATION)])
    with torch.no_grad():
        assert float(view.output(view.inputs)[0]) == pytest.approx(score.total, abs=1e-4)


def test_the_output_at_the_input_is_the_labels_logit(bert) -> None:
    (answer,) = bert.classify([Classify(TEXT)])
    with torch.no_grad():
        logits = [
            float(view.output(view.inputs)[0])
            for view in (bert.differentiable_view(as_content(TEXT), name) for name in bert.labels)
        ]
    assert torch.tensor(logits).softmax(0).tolist() == pytest.approx(answer.probabilities, abs=1e-5)


def test_outputs_take_batches_of_points(language_model, bert) -> None:
    views = [
        language_model.differentiable_view(as_content(CONTEXT), CONTINUATION),
        bert.differentiable_view(as_content(TEXT), "neutral"),
    ]
    for view in views:
        batch = torch.cat([view.inputs, view.baseline, view.inputs])
        alone = [view.output(row[None])[0] for row in batch]
        torch.testing.assert_close(view.output(batch), torch.stack(alone), atol=1e-5, rtol=0)


def test_spans_are_the_words_and_special_tokens_have_none(language_model, bert) -> None:
    view = language_model.differentiable_view(as_content(CONTEXT), CONTINUATION)
    covered = "".join(CONTEXT[a:b] for a, b in view.spans)
    assert covered.replace(" ", "") == CONTEXT.replace(" ", "")
    assert view.inputs.shape[1] == len(view.spans)
    labelled = bert.differentiable_view(as_content(TEXT), "neutral")
    assert (labelled.spans[0], labelled.spans[-1]) == ((0, 0), (0, 0))
    assert "".join(TEXT[a:b] for a, b in labelled.spans) == TEXT.replace(" ", "")


def test_the_baseline_keeps_special_tokens_and_blanks_the_rest(llama, bert) -> None:
    views = [
        llama.differentiable_view(as_content(CONTEXT), CONTINUATION),
        bert.differentiable_view(as_content(TEXT), "neutral"),
    ]
    for view in views:
        kept = (view.inputs == view.baseline).all(-1)[0].tolist()
        assert kept == [span == (0, 0) for span in view.spans]
        assert any(kept)


def test_attributions_add_up_to_the_change_of_the_output(language_model, bert) -> None:
    views = [
        language_model.differentiable_view(as_content(CONTEXT), CONTINUATION),
        bert.differentiable_view(as_content(TEXT), "positive"),
    ]
    for view in views:
        scores = integrated_gradients(view)
        assert float(scores.sum()) == pytest.approx(change(view), rel=0.01, abs=1e-3)
        assert scores[[span == (0, 0) for span in view.spans]].abs().sum() == 0


def test_an_attribute_request_runs_its_explainer_on_the_view(llama, bert) -> None:
    for model, content, target in ((llama, CONTEXT, CONTINUATION), (bert, TEXT, "neutral")):
        request = Attribute(content, target, IG, (("n_steps", 128),))
        (answer,) = answer_batch(model, [request])
        assert sum(answer.scores) == pytest.approx(answer.total, rel=0.01, abs=2e-3)
        assert len(answer.scores) == len(answer.spans)
        assert model.cost(request) > 1


def test_a_cut_context_attributes_to_what_is_left(llama) -> None:
    text = " ".join(["the old house"] * 20)
    view = llama.differentiable_view(as_content(text), " is warm")
    # 61 ids with <sot>, + 2 - 1 read; the model reads 32: 30 cut, 31 positions left
    assert view.inputs.shape[1] == len(view.spans) == 31
    assert view.spans[-1] == (len(text) - 5, len(text))
    assert (0, 0) not in view.spans


def test_impossible_targets_are_refused(llama, bert) -> None:
    with pytest.raises(ValueError, match="no label 'furious'"):
        bert.differentiable_view(as_content(TEXT), "furious")
    with pytest.raises(ValueError, match="cannot be scored"):
        llama.differentiable_view(as_content(CONTEXT), "")
    with pytest.raises(ValueError, match="no text"):
        llama.differentiable_view(as_content(""), " warm")


def test_the_prompt_around_the_explained_words_stays(language_model) -> None:
    before, text, after = "Paris is ", "the capital of France", " . where is"
    content = (Text(before), Text(text), Text(after))
    within = (len(before), len(before + text))
    view = language_model.differentiable_view(content, CONTINUATION, within=within)
    (score,) = language_model.loglikelihood([LogLikelihood(content, CONTINUATION)])
    with torch.no_grad():
        assert float(view.output(view.inputs)[0]) == pytest.approx(score.total, abs=1e-4)
    covered = "".join(text[a:b] for a, b in view.spans)
    assert covered.replace(" ", "") == text.replace(" ", "")
    kept = (view.inputs == view.baseline).all(-1)[0]
    assert kept[[span == (0, 0) for span in view.spans]].all()
    assert not kept[[span != (0, 0) for span in view.spans]].all()


def test_words_that_a_chat_template_repeats_are_those_of_their_own_place(llama_directory) -> None:
    model = causal.Loader().load(llama_directory, LoadSettings(device="cpu"))
    model.uses_chat_template = True
    model.tokenizer.chat_template = (
        "the old house : {% for m in messages %}{{ m['content'] | trim }}{% endfor %} the"
    )
    view = model.differentiable_view(as_content(" the old house "), CONTINUATION)
    # start token, four words of the template, three explained, one of the template
    assert [b > a for a, b in view.spans] == [False] * 5 + [True] * 3 + [False]
    assert view.spans[5] == (1, 4)
