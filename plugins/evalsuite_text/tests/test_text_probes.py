"""The text tasks: hand-worked numbers, calibration, ties, and refusals."""

from __future__ import annotations

import math

import pytest

from evalsuite import (
    Classification,
    Classify,
    ContinuationScore,
    DataError,
    Failure,
    LogLikelihood,
    Sample,
    TextScore,
)
from evalsuite.testing import check_probe, play
from evalsuite_text.prompted.choice import MultipleChoice, credit, target_index
from evalsuite_text.tasks.classification import Classification as ClassificationProbe
from evalsuite_text.tasks.minimal_pairs import MinimalPairs
from evalsuite_text.tasks.perplexity import Perplexity


def scores(totals: dict[str, float]):
    """A model that knows continuations by heart."""

    def answer(request: LogLikelihood) -> ContinuationScore:
        return ContinuationScore(totals[request.continuation], 1, False)

    return answer


def sample(index: int, **fields) -> Sample:
    return Sample(str(index), fields)


# --- multiple choice ----------------------------------------------------------------------------

QUESTIONS = [
    sample(0, question="Capital of Italy?", choices=["Rome", "Constantinople"], answer="Rome"),
    sample(1, question="Capital of Spain?", choices=["Madrid", "Rome"], answer=0),
    sample(2, question="Largest?", choices=["Rome", "Paris", "Madrid", "Oslo"], answer="D"),
]
TOTALS = {" Rome": -4.0, " Constantinople": -7.0, " Madrid": -4.5, " Paris": -6.0, " Oslo": -5.0}


def test_accuracy_of_hand_scored_choices() -> None:
    # 0: Rome -4 > -7, right. 1: Madrid -4.5 < Rome -4, wrong. 2: Rome highest, Oslo wrong.
    # per byte: 0: -4/4 = -1 < -7/14 = -.5, wrong. 1: -4.5/6 = -.75 > -1, right.
    # 2: -1, -1.2, -.75, -1.25: Madrid, wrong. Chance: (1/2 + 1/2 + 1/4) / 3 = 5/12
    played = play(MultipleChoice(), QUESTIONS, scores(TOTALS))
    accuracy = played.estimate("accuracy")
    assert accuracy.value == pytest.approx(1 / 3)
    assert accuracy.null.value == pytest.approx(5 / 12)
    assert accuracy.is_primary
    assert played.estimate("accuracy per byte").value == pytest.approx(1 / 3)
    assert [r["correct_normalised"] for r in played.records] == [0, 1, 0]
    assert [r["margin"] for r in played.records] == pytest.approx([3.0, -0.5, -1.0])
    assert played.records[1]["predicted"] == "Rome"


def test_a_constant_model_is_at_chance_exactly() -> None:
    played = play(MultipleChoice(), QUESTIONS, lambda _: ContinuationScore(-1.0, 1, False))
    accuracy = played.estimate("accuracy")
    assert accuracy.value == pytest.approx(accuracy.null.value)


def test_a_perfect_model_is_right_always() -> None:
    probe = MultipleChoice()
    right = {
        q["question"]: q["choices"][target_index(q["answer"], q["choices"])] for q in QUESTIONS
    }

    def knows(request: LogLikelihood) -> ContinuationScore:
        is_right = request.continuation == " " + right[request.context[0].text]
        return ContinuationScore(-1.0 if is_right else -20.0, 1, False)

    played = play(probe, QUESTIONS, knows)
    assert played.estimate("accuracy").value == 1
    assert played.estimate("accuracy per byte").value == 1


@pytest.mark.parametrize(
    ("values", "target", "expected"),
    [((0, 1), 1, 1.0), ((1, 1), 0, 0.5), ((1, 1), 1, 0.5), ((2, 2, 2), 1, 1 / 3), ((3, 2), 1, 0)],
)
def test_ties_share_the_credit(values, target, expected) -> None:
    assert credit(values, target) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("answer", "choices", "index"),
    [
        (1, ["x", "y"], 1),
        ("y", ["x", "y"], 1),
        ("B", ["x", "y"], 1),
        ("1", ["x", "y"], 1),
        ("1", ["1", "2"], 0),  # the text of a choice comes before an index written out
        ("a", ["b", "a"], 1),  # and before a letter
        (4, ["3", "4"], 1),  # a number that is no index can be the text of a choice
    ],
)
def test_an_answer_is_an_index_a_letter_or_the_choice(answer, choices, index) -> None:
    assert target_index(answer, choices) == index


@pytest.mark.parametrize("fields", [{"choices": ["a"]}, {"choices": "ab"}, {"answer": "zebra"}])
def test_a_sample_that_makes_no_sense_is_refused(fields) -> None:
    wrong = sample(0, **({"question": "?", "choices": ["a", "b"], "answer": "a"} | fields))
    with pytest.raises(DataError, match="choice"):
        play(MultipleChoice(), [wrong], scores({" a": 0.0, " b": 0.0}))


def test_template_and_delimiter_make_the_prompt() -> None:
    probe = MultipleChoice(prompt="Q: {{ question }}\nA:", delimiter="\n")
    played = play(probe, QUESTIONS[:1], lambda _: ContinuationScore(0.0, 1, False))
    assert played.requests[0] == LogLikelihood("Q: Capital of Italy?\nA:", "\nRome")
    with pytest.raises(ValueError, match="template"):
        MultipleChoice(prompt="{{ no end")


# --- perplexity ---------------------------------------------------------------------------------

DOCUMENTS = [sample(0, text="one two"), sample(1, text="three")]
KNOWN = {"one two": TextScore(-6.0, 3, 2, 7), "three": TextScore(-2.0, 1, 1, 5)}


def test_perplexities_are_of_the_corpus_not_means_over_documents() -> None:
    # 8 nats over 4 tokens, 3 words, 12 bytes; a mean over documents would give e^2 twice
    played = play(Perplexity(), DOCUMENTS, lambda request: KNOWN[request.text])
    assert played.estimate("perplexity per token").value == pytest.approx(math.exp(2))
    assert played.estimate("perplexity per word").value == pytest.approx(math.exp(8 / 3))
    assert played.estimate("perplexity per byte").value == pytest.approx(math.exp(2 / 3))
    bits = played.estimate("bits per byte")
    assert bits.value == pytest.approx(8 / 12 / math.log(2))
    # resamples of two documents: byte rates 6/7, 8/12 and 2/5 nats
    assert bits.low == pytest.approx(2 / 5 / math.log(2))
    assert bits.high == pytest.approx(6 / 7 / math.log(2))


def test_perplexity_of_a_uniform_model_is_its_number_of_choices() -> None:
    documents = [sample(i, text="w " * (i + 1)) for i in range(9)]

    def uniform(request) -> TextScore:
        n = len(request.text.split())
        return TextScore(-n * math.log(50), n, n, 2 * n)

    estimate = play(Perplexity(), documents, uniform).estimate("perplexity per token")
    assert estimate.value == pytest.approx(50)
    assert (estimate.low, estimate.high) == pytest.approx((50, 50))


def test_perplexity_that_overflows_is_undefined_with_a_reason() -> None:
    played = play(Perplexity(), DOCUMENTS, lambda _: TextScore(-9e5, 10, 1, 10))
    estimate = played.estimate("perplexity per word")
    assert math.isnan(estimate.value)
    assert "too large" in estimate.reason
    assert played.estimate("bits per byte").value == pytest.approx(9e4 / math.log(2))


# --- minimal pairs ------------------------------------------------------------------------------

SENTENCES = [
    sample(0, sentence_good="a dog runs", sentence_bad="a dog run", phenomenon="agreement"),
    sample(1, sentence_good="dogs run", sentence_bad="dogs runs", phenomenon="agreement"),
    sample(2, sentence_good="he saw it", sentence_bad="he see it", phenomenon="tense"),
]


def test_pairs_are_counted_with_ties_as_half() -> None:
    totals = {"a dog runs": -5.0, "a dog run": -7.0, "dogs run": -4.0, "dogs runs": -4.0}
    totals |= {"he saw it": -9.0, "he see it": -6.0}
    played = play(MinimalPairs(by="phenomenon"), SENTENCES, scores(totals))
    assert [r["correct"] for r in played.records] == [1, 0.5, 0]
    assert played.estimate("accuracy").value == pytest.approx(0.5)
    assert played.estimate("accuracy").null.value == 0.5
    assert played.estimate("accuracy", "phenomenon=agreement").value == pytest.approx(0.75)
    assert played.estimate("accuracy", "phenomenon=tense").value == 0
    # log-odds: 2, 0, -3
    assert played.estimate("log-odds").value == pytest.approx(-1 / 3)
    assert all(r.context == () or r.context[0].text == "" for r in played.requests)


def test_grammar_is_found_and_a_model_without_it_is_at_chance() -> None:
    pairs = [sample(i, sentence_good=f"good {i}", sentence_bad=f"bad {i}") for i in range(200)]

    def knows(request) -> ContinuationScore:
        return ContinuationScore(-1.0 - request.continuation.startswith("bad"), 1, False)

    def guesses(request) -> ContinuationScore:
        word, number = request.continuation.split()
        return ContinuationScore(-1.0 - ((word == "bad") == (int(number) % 2)), 1, False)

    assert play(MinimalPairs(), pairs, knows).estimate("accuracy").verdict == "differs from null"
    clean = play(MinimalPairs(), pairs, guesses)
    assert clean.estimate("accuracy").verdict == "compatible with null"
    assert clean.estimate("log-odds").verdict == "compatible with null"


# --- classification -----------------------------------------------------------------------------

REVIEWS = [
    sample(i, text=t, label=n)
    for i, (t, n) in enumerate(
        [("fine", "good"), ("fine too", "good"), ("dull", "good"), ("awful", "bad")]
    )
]


def labels(probabilities: dict[str, float]):
    def answer(request: Classify) -> Classification:
        good = probabilities[request.content[0].text]
        return Classification(("bad", "good"), (1 - good, good))

    return answer


def test_accuracy_recalls_and_their_nulls() -> None:
    # found: 2 of 3 good, 1 of 1 bad. accuracy 3/4, majority share 3/4; (2/3 + 1) / 2 = 5/6
    answer = labels({"fine": 0.9, "fine too": 0.6, "dull": 0.2, "awful": 0.1})
    played = play(ClassificationProbe(), REVIEWS, answer)
    accuracy, balanced = played.estimate("accuracy"), played.estimate("balanced accuracy")
    assert (accuracy.value, accuracy.null.value) == pytest.approx((0.75, 0.75))
    assert (balanced.value, balanced.null.value) == pytest.approx((5 / 6, 0.5))
    assert played.estimate("recall", "target=good").value == pytest.approx(2 / 3)
    assert played.estimate("recall", "target=bad").value == 1


def test_a_constant_classifier_meets_both_nulls() -> None:
    played = play(
        ClassificationProbe(),
        REVIEWS,
        labels(dict.fromkeys(["fine", "fine too", "dull", "awful"], 0.8)),
    )
    for name in ("accuracy", "balanced accuracy"):
        estimate = played.estimate(name)
        assert estimate.value == pytest.approx(estimate.null.value)
        assert estimate.verdict != "differs from null"


def test_tied_labels_share_the_credit() -> None:
    answer = labels(dict.fromkeys(["fine", "fine too", "dull", "awful"], 0.5))
    played = play(ClassificationProbe(), REVIEWS, answer)
    assert played.estimate("accuracy").value == 0.5
    assert played.estimate("recall", "target=bad").value == 0.5


# --- all ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("probe", "samples", "answer"),
    [
        (MultipleChoice(), QUESTIONS, scores(TOTALS)),
        (Perplexity(), DOCUMENTS, lambda request: KNOWN[request.text]),
        (
            MinimalPairs(by="phenomenon"),
            SENTENCES,
            lambda request: ContinuationScore(-float(len(request.continuation)), 1, False),
        ),
        (
            ClassificationProbe(),
            REVIEWS,
            labels({"fine": 0.9, "fine too": 0.6, "dull": 0.2, "awful": 0.1}),
        ),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_probes_keep_the_contract(probe, samples, answer) -> None:
    check_probe(probe, samples, answer)


def test_a_model_that_refuses_some_is_scored_on_the_others_only() -> None:
    def answer(request: LogLikelihood):
        if request.continuation == " Constantinople":
            return Failure("refused", "no")
        return scores(TOTALS)(request)

    played = play(MultipleChoice(), QUESTIONS, answer)
    assert len(played.records) == 2
    assert played.failures == ("refused: no",)


def test_probes_run_on_a_real_model(language_model, bert) -> None:
    from evalsuite.model import answer_batch

    for probe, samples, model in (
        (MultipleChoice(), QUESTIONS, language_model),
        (Perplexity(), DOCUMENTS, language_model),
        (MinimalPairs(), SENTENCES, language_model),
        (ClassificationProbe(), [sample(0, text="a cat", label="neutral")], bert),
    ):
        played = play(probe, samples, lambda request, m=model: answer_batch(m, [request])[0])
        assert len(played.records) == len(samples)
