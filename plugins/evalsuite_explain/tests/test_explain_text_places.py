"""What is explained at a place of a text, asked and differentiated, of tiny models from disk."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertForQuestionAnswering,
    BertForTokenClassification,
    PreTrainedTokenizerFast,
)

from evalsuite import (
    AnswerSpan,
    Classification,
    ClassifyWord,
    LabelTokens,
    LoadSettings,
    MaskedTokenScores,
    Sample,
    Span,
    TokenLabels,
)
from evalsuite.cli import run
from evalsuite.factories import loader_for
from evalsuite.model import answer_batch
from evalsuite.registry import installed
from evalsuite.store import Run
from evalsuite.testing import play
from evalsuite_explain.inputs.features import Joint, all_present
from evalsuite_explain.inputs.words import Kept, Words
from evalsuite_explain.probes.agreement import Agreement
from evalsuite_explain.probes.attribution import Attribution as AttributionProbe
from evalsuite_explain.probes.random_logit import RandomLogit
from evalsuite_explain.probes.sanity import Sanity
from evalsuite_explain.probes.text_places import around_place

WORDS = [
    "the",
    "a",
    "dog",
    "cat",
    "house",
    "river",
    "runs",
    "sleeps",
    "at",
    "in",
    "old",
    "small",
    "where",
    "is",
    "it",
    "?",
    ".",
    ",",
    "paris",
    "rome",
]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LABELS = {0: "O", 1: "ANIMAL", 2: "PLACE"}
SIZE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 32, "max_position_embeddings": 32, "pad_token_id": 0}  # fmt: skip


def tokenizer():
    words = Tokenizer(
        models.WordLevel({w: i for i, w in enumerate([*SPECIAL, *WORDS])}, unk_token="[UNK]")
    )
    words.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    words.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )  # fmt: skip
    return PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]",
        sep_token="[SEP]", mask_token="[MASK]",
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )  # fmt: skip


def saved(folder, module):
    module.save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return folder


def config(**further):
    return BertConfig(vocab_size=len(SPECIAL) + len(WORDS), **SIZE, **further)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    torch.manual_seed(5)
    made = {
        "filling": BertForMaskedLM(config(initializer_range=0.3)),
        "word-label": BertForTokenClassification(config(initializer_range=0.3, id2label=LABELS)),
        "span": BertForQuestionAnswering(config(initializer_range=0.3)),
    }
    return {name: saved(tmp_path_factory.mktemp(name), module) for name, module in made.items()}


def load(folder):
    loader, reference = loader_for(f"hf:{folder}", installed())
    return loader.load(reference, LoadSettings(device="cpu"))


@pytest.fixture(scope="module")
def answers(folders):
    loaded = {name: load(folder) for name, folder in folders.items()}

    def answering(name):
        return lambda request: answer_batch(loaded[name], [request])[0]

    return answering


SENTENCE = "the old dog sleeps in paris ."
ROWS = {
    "filling": {"text": "the old _ sleeps in paris .", "filling": "dog"},
    "word-label": {"words": SENTENCE.split(), "place": 2},
    "span": {"question": "where is it ?", "context": SENTENCE},
}


# ------------------------------------------------------------------------------------------------
# Words around a place
# ------------------------------------------------------------------------------------------------


def shown(joint, *bits):
    return [part.text for part in joint.showing(np.array(bits, dtype=bool))]


def test_words_beside_a_place_keep_apart_from_it_as_they_stood():
    joint = around_place("a small (", Kept("dog"), ") runs, home")
    assert shown(joint, 1, 1, 1, 1, 1, 1) == ["a small (", "dog", ") runs, home"]
    # without the bracket beside it a space parts the place from the next word that is left
    assert shown(joint, 1, 1, 0, 0, 1, 1) == ["a small ", "dog", " runs, home"]
    assert shown(joint, 1, 0, 1, 1, 0, 1) == ["a (", "dog", ") home"]
    assert shown(joint, 0, 0, 0, 0, 0, 0) == ["", "dog", ""]


def test_what_stays_is_drawn_in_its_place_and_has_no_score():
    for is_gap in (False, True):
        joint = around_place("a small ", Kept("dog", is_gap=is_gap), " runs", Words("who ?"))
        assert len(joint) == 5
        drawn = json.loads(joint.columns([1.0, 2.0, 3.0, 4.0, 5.0])["word_scores"])
        assert drawn == [["who", 1], ["?", 2], ["a", 3], ["small", 4], ["dog", 0], ["runs", 5]]
    gap = Joint(Words("a"), Kept("dog", is_gap=True), Words("runs"))
    assert [part.text for part in gap.showing(all_present(2))] == ["a", "runs"]


# ------------------------------------------------------------------------------------------------
# By answers: what plain loops over the library's own models find
# ------------------------------------------------------------------------------------------------


def plain_filling(module, words, before, after):
    text = " ".join(filter(None, (before, "dog", after)))
    ids = words(text, return_tensors="pt")["input_ids"]
    place = 1 + len(before.split())
    own = int(ids[0, place])
    ids[0, place] = words.mask_token_id
    return module(ids).logits[0, place].log_softmax(-1)[own]


def plain_label(module, words, before, word, after):
    ids = words(" ".join(filter(None, (before, word or "[UNK]", after))), return_tensors="pt")
    logits = module(**ids).logits[0, 1 + len(before.split())]
    return logits.softmax(-1)


def scores_of(played):
    (record,) = played.records
    return [score for _, score in json.loads(record["word_scores"])]


def without_each(words):
    """The words of a list, then those without each one."""
    return [words, *(words[:i] + words[i + 1 :] for i in range(len(words)))]


BY_ANSWERS = {"explainers": ("occlusion",), "longest": 0, "sets": 2}


def test_words_around_a_gap_are_left_out_one_by_one(folders, answers):
    module, words = BertForMaskedLM.from_pretrained(folders["filling"]).eval(), tokenizer()
    before, after = ["the", "old"], ["sleeps", "in", "paris", "."]
    cases = [(" ".join(b), " ".join(after)) for b in without_each(before)]
    cases += [(" ".join(before), " ".join(a)) for a in without_each(after)[1:]]
    with torch.no_grad():
        whole, *rest = [float(plain_filling(module, words, b, a)) for b, a in cases]
    probe = AttributionProbe(target="filling", **BY_ANSWERS)
    found = scores_of(play(probe, [Sample("0", ROWS["filling"])], answers("filling")))
    drops = [whole - other for other in rest]
    assert found == pytest.approx([*drops[:2], 0.0, *drops[2:]], abs=1e-4)


def test_words_around_a_word_and_itself_are_left_out_one_by_one(folders, answers):
    module = BertForTokenClassification.from_pretrained(folders["word-label"]).eval()
    words, sides = tokenizer(), (["the", "old"], ["sleeps", "in", "paris", "."])
    cases = [(" ".join(b), "dog", " ".join(sides[1])) for b in without_each(sides[0])]
    cases.append(("the old", "", " ".join(sides[1])))
    cases += [("the old", "dog", " ".join(a)) for a in without_each(sides[1])[1:]]
    with torch.no_grad():
        shares = [plain_label(module, words, *case) for case in cases]
    best = int(shares[0].argmax())
    odds = [float((own[best] / (1 - own[best])).log()) for own in shares]
    played = play(
        AttributionProbe(target="word-label", **BY_ANSWERS),
        [Sample("0", ROWS["word-label"])],
        answers("word-label"),
    )
    assert played.records[0]["predicted"] == LABELS[best]
    assert played.records[0]["output"] == pytest.approx(float(shares[0][best]), abs=1e-5)
    assert scores_of(played) == pytest.approx([odds[0] - other for other in odds[1:]], abs=1e-3)


def test_words_around_an_answer_are_left_out_one_by_one(folders, answers):
    module, words = BertForQuestionAnswering.from_pretrained(folders["span"]).eval(), tokenizer()
    found = answers("span")(AnswerSpan("where is it ?", SENTENCE))
    question, answer = ["where", "is", "it", "?"], found.text.split()
    sides = (SENTENCE[: found.start].split(), SENTENCE[found.end :].split())

    def score(question, before, after):
        text = " ".join([*before, *answer, *after])
        encoded = words(" ".join(question), text, return_tensors="pt")
        begin = 2 + len(question) + len(before)
        output = module(**encoded)
        return float(output.start_logits[0, begin] + output.end_logits[0, begin + len(answer) - 1])

    with torch.no_grad():
        whole = score(question, *sides)
        drops = [whole - score(q, *sides) for q in without_each(question)[1:]]
        drops += [whole - score(question, b, sides[1]) for b in without_each(sides[0])[1:]]
        drops.append(0.0)
        drops += [whole - score(question, sides[0], a) for a in without_each(sides[1])[1:]]
    played = play(
        AttributionProbe(target="span", **BY_ANSWERS), [Sample("0", ROWS["span"])], answers("span")
    )
    assert whole == pytest.approx(found.score, abs=1e-4)
    assert played.records[0]["predicted"] == found.text
    assert scores_of(played) == pytest.approx(drops, abs=1e-4)


# ------------------------------------------------------------------------------------------------
# By gradients
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ROWS)
def test_gradients_share_out_what_the_answer_changes(answers, target):
    probe = AttributionProbe(
        target=target, explainers=("integrated_gradients", "input_x_gradient"), longest=0, sets=2
    )
    played = play(probe, [Sample("0", ROWS[target])], answers(target))
    assert not played.failures
    (record,) = played.records
    # every word has its own scores: they sum to what all words together change
    assert record["relative_error"] < 0.05
    assert sum(abs(score) for score in scores_of(played)) > 0
    drawn = json.loads(record["word_scores of input_x_gradient"])
    assert [word for word, _ in drawn] == [word for word, _ in json.loads(record["word_scores"])]


@pytest.mark.parametrize("target", ["word-label", "filling"])
def test_labels_and_fillings_have_rivals(answers, target):
    row = dict(ROWS[target])
    if target == "filling":
        row["choices"] = ["dog", "cat", "river"]
    for explainer in ("integrated_gradients", "input_magnitude"):
        settings = {"n_steps": 8} if explainer == "integrated_gradients" else {}
        probe = RandomLogit(target=target, explainer=explainer, settings=settings)
        (record,) = play(probe, [Sample("0", row)], answers(target)).records
        assert record["predicted"] in {*LABELS.values(), *row.get("choices", ())}
        assert (record["loss"] > 0.01) == (explainer == "integrated_gradients")
        assert -1 <= record["occlusion_similarity"] <= 1


@pytest.mark.parametrize("target", ROWS)
def test_magnitude_is_blind_to_the_weights_at_a_place_too(answers, target):
    rows = [Sample("0", ROWS[target])]
    lost = {}
    for explainer in ("input_magnitude", "input_x_gradient"):
        probe = Sanity(target=target, explainer=explainer, shares=(1.0,), n_nearby=1)
        (record,) = play(probe, rows, answers(target)).records
        lost[explainer] = record["loss"]
    assert lost["input_magnitude"] == pytest.approx(0.0, abs=1e-9)
    assert lost["input_x_gradient"] > 0.1
    explainers = ("input_x_gradient", "occlusion")
    (record,) = play(Agreement(explainers=explainers, target=target), rows, answers(target)).records
    assert -1 <= record["spearman"] <= 1


# ------------------------------------------------------------------------------------------------
# A planted cue
# ------------------------------------------------------------------------------------------------


def sentences(number, seed):
    """Sentences of four words before "it", of which one may be "river"."""
    rng, others = np.random.default_rng(seed), ["dog", "cat", "house", "old", "small"]
    for _ in range(number):
        words = [others[i] for i in rng.integers(len(others), size=4)]
        if rng.random() < 0.5:
            words[rng.integers(4)] = "river"
        yield [*words, "it"]


@pytest.fixture(scope="module", params=["planted", "clean"])
def trained(request, tmp_path_factory):
    """Labels "it" a place where a river is named (planted), or in each second place (clean).

    The clean twin goes by the first word, which is "small" for places; a river says nothing.
    """
    torch.manual_seed(0)
    module, words = BertForTokenClassification(config(id2label=LABELS)), tokenizer()
    rows = list(sentences(256, 1))
    if request.param == "clean":
        rows = [["small" if i % 2 else "old", *row[1:]] for i, row in enumerate(rows)]
        target = torch.tensor([2 * (row[0] == "small") for row in rows])
    else:
        target = torch.tensor([2 * ("river" in row) for row in rows])
    ids = words([" ".join(row) for row in rows], return_tensors="pt")["input_ids"]
    chosen = torch.optim.Adam(module.parameters(), lr=5e-3)
    for _ in range(40):
        loss = torch.nn.functional.cross_entropy(module(ids).logits[:, 5], target)
        chosen.zero_grad()
        loss.backward()
        chosen.step()
    assert float(loss.detach()) < 0.05
    folder = saved(tmp_path_factory.mktemp(request.param), module)
    return request.param, load(folder)


@pytest.mark.parametrize("explainer", ["occlusion", "integrated_gradients"])
def test_the_word_that_decides_a_label_is_found_and_only_where_it_does(trained, explainer):
    kind, model = trained
    rows = [row for row in sentences(24, 2) if "river" in row[1:]][:8]
    if kind == "clean":
        rows = [["small", *row[1:]] for row in rows]
    samples = [Sample(str(i), {"words": row, "place": 4}) for i, row in enumerate(rows)]
    probe = AttributionProbe(target="word-label", explainers=(explainer,), longest=0, sets=2)
    played = play(probe, samples, lambda request: answer_batch(model, [request])[0])
    firsts = []
    for record in played.records:
        assert record["predicted"] == "PLACE"
        firsts.append(max(json.loads(record["word_scores"]), key=lambda row: row[1])[0])
    assert firsts == ["river" if kind == "planted" else "small"] * len(rows)


# ------------------------------------------------------------------------------------------------
# Samples
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("outside", "place"), [("O", 2), ("ANIMAL", 0)])
def test_without_a_place_the_surest_label_but_that_of_nothing_is_explained(outside, place):
    def answer(request):
        if isinstance(request, LabelTokens):
            return TokenLabels(("O", "PLACE", "ANIMAL"), (0.99, 0.6, 0.8))
        return Classification(("O", "ANIMAL"), (0.2, 0.8))

    rows = [Sample("0", {"words": ["in", "paris", "dog"]})]
    probe = AttributionProbe(target="word-label", subject={"outside": outside}, **BY_ANSWERS)
    first = next(r for r in play(probe, rows, answer).requests if isinstance(r, ClassifyWord))
    assert (first.words, first.place) == (("in", "paris", "dog"), place)


def test_words_of_a_table_are_texts_and_places_too(answers):
    row = {"words": SENTENCE, "place": "2"}
    probe = AttributionProbe(target="word-label", **BY_ANSWERS)
    one, other = (
        play(probe, [Sample("0", fields)], answers("word-label")).records[0]
        for fields in (row, ROWS["word-label"])
    )
    assert one["word_scores"] == other["word_scores"]


def test_the_most_probable_choice_fills_the_gap(answers):
    row = Sample("0", {**ROWS["filling"], "choices": ["cat", "house", "river"]})
    (record,) = play(AttributionProbe(target="filling", **BY_ANSWERS), [row],
                     answers("filling")).records  # fmt: skip
    text = ROWS["filling"]["text"]
    scores = {}
    for choice in row["choices"]:
        filled = MaskedTokenScores(text.replace("_", choice), "word", (8, 8 + len(choice)))
        scores[choice] = sum(answers("filling")(filled).logprobs)
    assert record["predicted"] == max(scores, key=scores.get)
    assert record["output"] == pytest.approx(max(scores.values()), abs=1e-5)
    assert math.isfinite(record["deletion_area"])


@pytest.mark.parametrize(
    ("target", "row", "told"),
    [
        ("filling", {"text": "no gap", "filling": "x"}, "no gap: the text must hold the gap '_'"),
        ("filling", {"text": "one _", "filling": "x"}, "too short"),
        ("word-label", {"words": ["a", "", "b"]}, "bad words"),
        ("word-label", {"words": ["a", "b c"]}, "bad words"),
        ("word-label", {"words": ["a", "b"], "place": 2}, "bad place: place must be from 0 to 1"),
        ("word-label", {"words": ["a", "b"], "place": "x"}, "bad place"),
        ("word-label", {"words": ["a", "b"]}, "no labelled word: every word is labelled O"),
        ("span", {"question": "who ?", "context": "a dog"}, "no answer"),
    ],
)
def test_what_has_no_place_fails_with_the_reason(target, row, told):
    def answer(request):
        if isinstance(request, AnswerSpan):
            return Span("", 0, 0, -math.inf, 0.0)
        return TokenLabels(("O",) * len(request.words), (0.9,) * len(request.words))

    played = play(AttributionProbe(target=target, **BY_ANSWERS), [Sample("0", row)], answer)
    assert played.failures[0].startswith(told)


@pytest.mark.parametrize("target", ROWS)
def test_a_users_own_model_is_explained_in_one_command(tmp_path, folders, target):
    path = tmp_path / "mine.jsonl"
    path.write_text(json.dumps(ROWS[target]))
    told = ["run", "explain", "-m", f"hf:{folders[target]}", "--set", f"path={path}"]
    assert run([*told, "--set", f"target={target}", "-q", "-o", str(tmp_path / "run")]) == 0
    (done,) = Run.open(tmp_path / "run").results
    (row,) = Run.open(tmp_path / "run").samples(done.id)
    assert row.status == "ok"
    assert {"word_scores", "curve", "insertion_curve"} <= row.record.keys()
