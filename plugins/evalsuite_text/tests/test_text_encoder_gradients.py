"""T5, BART, BERT and their kin opened up: what is explained is what they answer, by autograd."""

from __future__ import annotations

import pytest
import torch
from captum.attr import InputXGradient, IntegratedGradients
from tokenizers import processors
from transformers import (
    BartConfig,
    BartForConditionalGeneration,
    BertConfig,
    BertForMaskedLM,
    BertForQuestionAnswering,
    BertForTokenClassification,
    T5Config,
    T5ForConditionalGeneration,
)

from evalsuite import (
    AnswerSpan,
    Attribute,
    Failure,
    LabelTokens,
    LogLikelihood,
    MaskedTokenScores,
    RequestFailed,
    ScoreSpan,
    Text,
)
from evalsuite.content import as_content, text_of
from evalsuite.factories import loader_for
from evalsuite.model import answer_batch
from evalsuite.registry import installed
from evalsuite.testing import check_model

SIZE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 64, "initializer_range": 0.2}  # fmt: skip
LABELS = {0: "O", 1: "B-PER", 2: "B-LOC"}


@pytest.fixture(scope="module")
def models(tmp_path_factory, word_level, word_piece, save_checkpoint, cpu):
    """One of each kind, loaded through the path of any other."""
    torch.manual_seed(4)
    words, pieces, ends = word_level(), word_piece(), word_level()
    ends.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="$A <eot>", special_tokens=[("<eot>", 3)]
    )
    pairs = word_piece()
    pairs.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )  # fmt: skip
    t5 = T5Config(
        vocab_size=len(ends), d_model=32, d_kv=16, d_ff=32, num_layers=2, num_heads=2,
        decoder_start_token_id=0, initializer_factor=1.0, pad_token_id=0, eos_token_id=3,
    )  # fmt: skip
    bart = BartConfig(
        vocab_size=len(words), d_model=32, encoder_layers=2, decoder_layers=2,
        encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=32,
        decoder_ffn_dim=32, max_position_embeddings=24, init_std=0.2, scale_embedding=True,
        decoder_start_token_id=3, bos_token_id=1, eos_token_id=3, pad_token_id=0,
        forced_eos_token_id=None,
    )  # fmt: skip
    bert = {"vocab_size": len(pieces), "max_position_embeddings": 24, "pad_token_id": 0, **SIZE}
    made = {
        "t5": (T5ForConditionalGeneration(t5), ends),
        "bart": (BartForConditionalGeneration(bart), words),
        "masked": (BertForMaskedLM(BertConfig(**bert)), pieces),
        "labels": (BertForTokenClassification(BertConfig(**bert, id2label=LABELS)), pieces),
        "answers": (BertForQuestionAnswering(BertConfig(**bert)), pairs),
    }
    loaded = {}
    for name, (module, tokenizer) in made.items():
        folder = save_checkpoint(tmp_path_factory.mktemp(name), module, tokenizer)
        loader, reference = loader_for(f"hf:{folder}", installed())
        loaded[name] = loader.load(reference, cpu)
    return loaded


SENTENCE = "a small dog runs to the market"
GAP = (Text("a small "), Text(" runs to the market"))
PLACE = (Text("the old "), Text("house"), Text(" at the river is warm"))
ASKED = (Text("where is it ? "), Text("the house at the river"))
CASES = {
    "t5": (as_content(SENTENCE), " a cat"),
    "bart": (as_content(SENTENCE), "the garden"),
    "masked": (GAP, "dog"),
    "labels": (PLACE, "B-LOC"),
    "answers": (ASKED, "the river"),
}


def path(name, where="gradients"):
    return f"evalsuite_explain.explainers.{where}:{name}"


def ask(model, content, target, name, where="gradients", **options):
    request = Attribute(content, target, path(name, where), tuple(options.items()))
    return answer_batch(model, [request])[0]


def value(view, rows=None):
    with torch.no_grad():
        return float(view.output(view.inputs if rows is None else rows)[0])


@pytest.mark.parametrize("name", ["t5", "bart"])
def test_a_continuation_is_one_number_asked_or_differentiated(models, name):
    model, (content, target) = models[name], CASES[name]
    view = model.differentiable_view(content, target)
    (asked,) = model.loglikelihood([LogLikelihood(content, target)])
    assert value(view) == pytest.approx(asked.total, abs=1e-5)
    assert [SENTENCE[a:b] for a, b in view.spans if a < b] == SENTENCE.split()


def plainly(model, name, content, target):
    """Input x gradient of the embeddings, by the library's own ``inputs_embeds``; [tokens]."""
    module, words = model.module, model.tokenizer
    ids = torch.tensor([words(text_of(content))["input_ids"]])
    rows = module.get_encoder().get_input_embeddings()(ids).detach().requires_grad_()
    labels = words(text_target=target.strip(), return_tensors="pt")["input_ids"]
    decoder = module.prepare_decoder_input_ids_from_labels(labels=labels)
    logits = module(inputs_embeds=rows, decoder_input_ids=decoder).logits
    scores = logits[0].log_softmax(-1)[torch.arange(labels.shape[1]), labels[0]]
    special = torch.tensor(
        words.get_special_tokens_mask(labels[0], already_has_special_tokens=True)
    )
    (gradient,) = torch.autograd.grad(scores[special == 0].sum(), rows)
    return (gradient * rows).detach()[0].sum(-1).tolist()


@pytest.mark.parametrize("name", ["t5", "bart"])
def test_gradients_of_a_continuation_are_autograds(models, name):
    model, (content, target) = models[name], CASES[name]
    found = ask(model, content, target, "input_x_gradient")
    assert found.scores == pytest.approx(plainly(model, name, content, target), abs=1e-5)


@pytest.mark.parametrize("name", ["t5", "bart"])
def test_the_prompt_around_stays(models, name):
    content = (Text("the "), Text("old house"), Text(" is warm"))
    view = models[name].differentiable_view(content, " green", within=(4, 13))
    assert ["old house"[a:b] for a, b in view.spans if a < b] == ["old", "house"]
    kept = (view.inputs == view.baseline).all(-1)[0].tolist()
    assert kept == [a == b for a, b in view.spans]


def test_a_cut_source_has_spans_of_what_is_left(models):
    long = "the old house " * 12
    view = models["bart"].differentiable_view(as_content(long), " green")
    # 24 positions: start, 22 words of 36, end
    assert sum(a < b for a, b in view.spans) == 22
    assert len(view.spans) == 24


def test_what_fills_a_gap_is_one_number_asked_or_differentiated(models):
    model = models["masked"]
    for target in ("dog", "small garden"):
        view = model.differentiable_view(GAP, target)
        whole = GAP[0].text + target + GAP[1].text
        within = (len(GAP[0].text), len(GAP[0].text) + len(target))
        (asked,) = model.masked_token_scores([MaskedTokenScores(whole, "word", within)])
        assert value(view) == pytest.approx(sum(asked.logprobs), abs=1e-5)
        text = text_of(GAP)
        covered = "".join(text[a:b] for a, b in view.spans)
        assert covered == text.replace(" ", "")


def test_white_space_around_a_filling_is_not_scored(models):
    model = models["masked"]
    tight = (Text("a small"), Text("runs to the market"))
    view, other = model.differentiable_view(tight, " dog "), model.differentiable_view(GAP, "dog")
    assert value(view) == pytest.approx(value(other), abs=1e-6)
    text = text_of(tight)
    assert "".join(text[a:b] for a, b in view.spans) == text.replace(" ", "")


def test_gradients_of_a_filling_are_autograds(models):
    model = models["masked"]
    words, module = model.tokenizer, model.module
    whole = words("a small dog runs to the market", return_offsets_mapping=True)
    ids = torch.tensor([whole["input_ids"]])
    place = [i for i, (a, b) in enumerate(whole["offset_mapping"]) if 8 <= a < b <= 11]
    total = 0.0
    rows = module.get_input_embeddings()(ids).detach().requires_grad_()
    mask = module.get_input_embeddings().weight[words.mask_token_id].detach()
    for position in place:  # those after it in its word are hidden too
        hidden = torch.zeros(ids.shape[1], 1, dtype=torch.bool)
        hidden[position : place[-1] + 1] = True
        logits = module(inputs_embeds=torch.where(hidden, mask, rows)).logits
        total = total + logits[0, position].log_softmax(-1)[ids[0, position]]
    (gradient,) = torch.autograd.grad(total, rows)
    expected = (gradient * rows).detach()[0].sum(-1)
    found = ask(model, GAP, "dog", "input_x_gradient")
    is_word = [a < b for a, b in found.spans]
    assert sum(is_word) == ids.shape[1] - 2 - len(place)
    assert found.scores == pytest.approx(expected.tolist(), abs=1e-5)


def test_a_words_label_is_one_number_asked_or_differentiated(models):
    model = models["labels"]
    logits = [value(model.differentiable_view(PLACE, label)) for label in model.labels]
    (asked,) = model.label_tokens([LabelTokens(tuple(text_of(PLACE).split()))])
    shares = torch.tensor(logits).softmax(0)
    assert asked.labels[2] == model.labels[int(shares.argmax())]
    assert asked.probabilities[2] == pytest.approx(float(shares.max()), abs=1e-5)
    against = (("O",), ("B-PER",))
    odds = value(model.differentiable_view(PLACE, "B-LOC", against=against))
    assert odds == pytest.approx(float(shares[2].log() - (1 - shares[2]).log()), abs=1e-4)


def test_an_answers_score_is_one_number_asked_or_differentiated(models):
    model = models["answers"]
    (best,) = model.answer_span([AnswerSpan(ASKED[0].text, ASKED[1].text)])
    for target in (best.text, ""):
        assert value(model.differentiable_view(ASKED, target)) == pytest.approx(
            best.score, abs=1e-5
        )
    view = model.differentiable_view(ASKED, "the river")
    text = text_of(ASKED)
    assert "".join(text[a:b] for a, b in view.spans) == text.replace(" ", "")
    inputs = model.tokenizer(ASKED[0].text, ASKED[1].text, return_tensors="pt")
    output = model.module(**inputs)
    begin = text.index("the river") - len(ASKED[0].text)
    places = [i for i, (a, b) in enumerate(view.spans) if a >= begin + len(ASKED[0].text) and a < b]
    plain = output.start_logits[0, places[0]] + output.end_logits[0, places[-1]]
    assert value(view) == pytest.approx(float(plain.detach()), abs=1e-5)


def test_an_answer_in_its_place_is_no_feature(models):
    model = models["answers"]
    parts = (ASKED[0], Text("the house at "), Text("the river"), Text(""))
    view = model.differentiable_view(parts, "")
    whole = model.differentiable_view(ASKED, "the river")
    assert value(view) == pytest.approx(value(whole), abs=1e-6)
    text = text_of(parts)
    assert "".join(text[a:b] for a, b in view.spans) == "whereisit?thehouseat"
    kept = (view.inputs == view.baseline).all(-1)[0].tolist()
    assert kept == [a == b for a, b in view.spans]
    (asked,) = model.score_span([ScoreSpan(ASKED[0].text, ASKED[1].text, 13, 22)])
    assert asked.score == pytest.approx(value(view), abs=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_explainers_are_captums_on_the_models_own_embeddings(models, name):
    model, (content, target) = models[name], CASES[name]
    view = model.differentiable_view(content, target)
    theirs = IntegratedGradients(view.output).attribute(
        view.inputs, baselines=view.baseline, n_steps=32
    )
    found = ask(model, content, target, "integrated_gradients", n_steps=32)
    assert found.scores == pytest.approx(theirs[0].sum(-1).tolist(), abs=1e-5)
    leaf = view.inputs.clone().requires_grad_()
    theirs = InputXGradient(view.output).attribute(leaf).detach()[0].sum(-1)
    assert ask(model, content, target, "input_x_gradient").scores == pytest.approx(
        theirs.tolist(), abs=1e-5
    )
    many = ask(model, content, target, "integrated_gradients", n_steps=256)
    assert sum(many.scores) == pytest.approx(many.total, rel=0.02, abs=5e-3)


@pytest.mark.parametrize("name", ["t5", "bart", "labels", "answers"])
@pytest.mark.parametrize("explainer", ["relevance", "attention_rollout", "grad_cam"])
def test_layers_are_open(models, name, explainer):
    found = ask(models[name], *CASES[name], explainer, where="attention")
    assert not isinstance(found, Failure), found
    assert max(found.scores) > 0
    assert len(found.scores) == len(found.spans)


def test_layers_behind_a_gap_say_what_works(models):
    found = ask(models["masked"], *CASES["masked"], "relevance", where="attention")
    assert isinstance(found, Failure)
    assert "integrated_gradients" in found.message


@pytest.mark.parametrize("name", CASES)
def test_company_and_order_change_nothing(models, name):
    content, target = CASES[name]
    requests = [Attribute(content, target, path(e)) for e in ("saliency", "input_x_gradient")]
    check_model(models[name], requests)
    assert models[name].cost(requests[0]) > 1
    assert torch.is_grad_enabled()


def test_places_that_are_not_there_are_refused(models):
    with pytest.raises(ValueError, match="two texts around a gap"):
        models["masked"].differentiable_view(as_content("a small dog"), "dog")
    with pytest.raises(ValueError, match="no token"):
        models["masked"].differentiable_view(GAP, "")
    with pytest.raises(ValueError, match="no word by itself"):
        models["labels"].differentiable_view((Text("the ol"), Text("d"), Text(" house")), "O")
    with pytest.raises(ValueError, match="no label 'B-DOG'"):
        models["labels"].differentiable_view(PLACE, "B-DOG")
    with pytest.raises(ValueError, match="whole tokens"):
        models["answers"].differentiable_view(ASKED, "a castle")
    with pytest.raises(RequestFailed, match="reads 22 at once"):
        models["masked"].differentiable_view((Text("a dog " * 20), Text(" a cat")), "and")
    with pytest.raises(RequestFailed, match="no token of its own"):
        models["t5"].differentiable_view(as_content("a dog"), "")
