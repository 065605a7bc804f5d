"""Extractive question answering: hand-scored spans, declining, languages, calibration."""

from __future__ import annotations

import json
import math

import pytest

from evalsuite import AnswerSpan, DataError, Failure, Sample, Span
from evalsuite.testing import check_probe, play
from evalsuite_text.tasks.span_answers import ExtractiveAnswers, answer_texts


def question(index: int, answers, context: str = "the cat sat on the mat", **more) -> Sample:
    return Sample(
        str(index), {"question": f"q{index}", "context": context, "answers": answers, **more}
    )


def pointing(spans: dict[str, tuple[str, float, float]]):
    def answer(request: AnswerSpan) -> Span:
        text, score, null = spans[request.question]
        start = max(0, request.context.find(text))
        return Span(text, start, start + len(text), score, null)

    return answer


SAMPLES = [
    question(0, ["cat"]),
    question(1, [{"text": "the mat", "answer_start": 15}]),
    question(2, {"text": ["sat on", "sat"], "answer_start": [8, 8]}),
    question(3, [], is_impossible=True),
]
SPANS = {
    "q0": ("the cat", 5, 0),
    "q1": ("cat", 2, 1),
    "q2": ("sat on the", 4, 9),
    "q3": ("mat", 1, 3),
}


def test_hand_scored_answers_without_declining() -> None:
    # q0 the cat / cat: 1, 1. q1 cat / mat: 0. q2 "sat on" of "sat on": the article goes: 1, 1.
    # q3 has no answer, and the best span counts: 0
    played = play(ExtractiveAnswers(), SAMPLES, pointing(SPANS))
    assert [r["exact_match"] for r in played.records] == [1, 0, 1, 0]
    assert played.estimate("F1").value == pytest.approx(0.5)
    assert played.estimate("declined").value == 0
    assert played.estimate("F1").is_primary


def test_declining_by_threshold_and_the_slices_of_squad_2() -> None:
    # null margins: -5, -1, 5, 2. Threshold 0: q2 and q3 are declined
    played = play(ExtractiveAnswers(may_decline=True), SAMPLES, pointing(SPANS))
    assert [r["f1"] for r in played.records] == [1, 0, 0, 1]
    assert [r["null_margin"] for r in played.records] == [-5, -1, 5, 2]
    assert played.estimate("F1", "kind=no answer").value == 1
    assert played.estimate("F1", "kind=has answer").value == pytest.approx(1 / 3)
    assert played.estimate("declined", "kind=has answer").value == pytest.approx(1 / 3)
    # Threshold 3: only q2 is
    higher = ExtractiveAnswers(may_decline=True, null_threshold=3.0)
    played = play(higher, SAMPLES, pointing(SPANS))
    assert [r["is_declined"] for r in played.records] == [0, 0, 1, 0]


def test_language_and_scorer_choose_the_normalisation() -> None:
    sample = [question(0, ["Katze"], "die Katze schläft")]
    spans = pointing({"q0": ("die Katze", 1, 0)})
    assert play(ExtractiveAnswers(language="de"), sample, spans).records[0]["f1"] == 1
    assert play(ExtractiveAnswers(), sample, spans).records[0]["f1"] == pytest.approx(2 / 3)
    han = [question(0, ["光荣"], "由光荣和他开发")]
    spans = pointing({"q0": ("光荣和", 1, 0)})
    found = play(ExtractiveAnswers(language="zh", scorer="cmrc"), han, spans).records[0]
    assert found["f1"] == pytest.approx(0.8)
    with pytest.raises(ValueError, match="no answer scorer for 'language fr'"):
        ExtractiveAnswers(language="fr")
    with pytest.raises(ValueError, match="no answer scorer for 'bleu-sentence'"):
        ExtractiveAnswers(scorer="bleu-sentence")


def test_answers_are_read_in_every_form_and_refused_otherwise() -> None:
    assert answer_texts("x") == answer_texts(["x"]) == answer_texts([{"text": "x"}]) == ["x"]
    assert answer_texts({"text": ["x"], "answer_start": [0]}) == ["x"]
    with pytest.raises(DataError, match="list of texts"):
        answer_texts(3)
    with pytest.raises(DataError, match="is_impossible"):
        play(ExtractiveAnswers(), [question(0, [], is_impossible=False)], pointing(SPANS))


def test_a_reader_is_found_and_a_model_that_does_not_read_is_not() -> None:
    words = [f"w{i}" for i in range(120)]
    samples = [question(i, [words[i]], " ".join(words)) for i in range(120)]

    def right(request) -> Span:
        return pointing({request.question: (f"w{request.question[1:]}", 1, 0)})(request)

    def blind(request) -> Span:
        return pointing({request.question: ("w7", 1, 0)})(request)

    def silent(request) -> Span:
        return Span("", 0, 0, 0.0, 0.0)

    assert play(ExtractiveAnswers(), samples, right).estimate("F1").verdict == "differs from null"
    for answer in (blind, silent):
        found = play(ExtractiveAnswers(), samples, answer)
        assert found.estimate("F1").verdict == "compatible with null"
        assert found.estimate("exact match").verdict == "compatible with null"


@pytest.mark.parametrize("probe", [ExtractiveAnswers(), ExtractiveAnswers(may_decline=True)])
def test_the_contract_is_kept(probe) -> None:
    check_probe(probe, SAMPLES, pointing(SPANS))


def test_a_model_that_refuses_is_undefined_and_says_so() -> None:
    played = play(ExtractiveAnswers(), SAMPLES, lambda _: Failure("refused", "no"))
    assert math.isnan(played.estimate("F1").value)
    assert played.estimate("F1").reason == "no sample was answered"


@pytest.mark.parametrize(
    ("file", "options"),
    [
        ("xquad/xquad.en.json", {}),
        ("xquad/xquad.de.json", {"language": "de"}),
        ("xquad/xquad.zh.json", {"language": "zh"}),
        ("cmrc2018/cmrc2018_trial.json", {"scorer": "cmrc"}),
    ],
)
def test_an_oracle_and_its_broken_twins_on_real_questions(data, file, options) -> None:
    samples, oracle = {}, {}
    for article in json.loads((data / file).read_text())["data"]:
        for paragraph in article["paragraphs"]:
            for entry in paragraph["qas"]:
                start, text = entry["answers"][0]["answer_start"], entry["answers"][0]["text"]
                # some offsets of CMRC's are wrong, and XQuAD asks some questions twice
                if paragraph["context"][start : start + len(text)] == text:
                    key = entry["question"], paragraph["context"]
                    samples[key] = Sample(entry["id"], {"context": key[1], **entry})
                    oracle[key] = start, start + len(text)
    samples = list(samples.values())[:400]

    def at(shift: int):
        def answer(request: AnswerSpan) -> Span:
            start, end = oracle[request.question, request.context]
            start, end = start + shift, end + shift
            return Span(request.context[start:end], start, end, 1.0, 0.0)

        return answer

    probe = ExtractiveAnswers(**options)
    gold = play(probe, samples, at(0))
    assert (gold.estimate("F1").value, gold.estimate("exact match").value) == (1, 1)
    assert gold.estimate("F1").null.value < 0.06
    shifted = play(probe, samples, at(2))
    assert shifted.estimate("exact match").value < 0.02
    assert 0.3 < shifted.estimate("F1").value < 0.9
    assert play(probe, samples, lambda _: Span("", 0, 0, 0, 0)).estimate("F1").value == 0
