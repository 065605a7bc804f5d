"""Calibration probes: loud on a model of another temperature, silent on its twin and on refusals."""

from __future__ import annotations

import json
import math
from functools import cache

import numpy as np
import pytest
import torch

from evalsuite import (
    Classify,
    ContinuationScore,
    Failure,
    Generation,
    LoadSettings,
    Sample,
    TimedWord,
    Transcript,
)
from evalsuite.factories import loader_for
from evalsuite.model import answer_batch
from evalsuite.registry import installed
from evalsuite.testing import check_probe, play
from evalsuite_controls.data import classifier, language, tone_words
from evalsuite_robustness.calibration.chosen import ChoiceCalibration
from evalsuite_robustness.calibration.classified import (
    ImageZeroShotCalibration,
    TextClassifierCalibration,
)
from evalsuite_robustness.calibration.verbalized import (
    VerbalizedConfidence,
    answer_in,
    confidence_in,
)
from evalsuite_robustness.calibration.words import WordCalibration

ERROR = "calibration error"


@cache
def load(reference):
    loader, name = loader_for(reference, installed())
    return loader.load(name, LoadSettings(device="cpu"))


def ask(model):
    """Each request once, as the harness would."""
    known = {}

    def answer(request):
        if request.digest not in known:
            known[request.digest] = answer_batch(model, [request])[0]
        return known[request.digest]

    return answer


@pytest.fixture(scope="module")
def hot(tmp_path_factory):
    """The review classifier with logits divided by 3, saved and loaded as any other."""
    from evalsuite_controls.loader import find

    directory = str(find("classifier-clean").directory)
    loader, name = loader_for(f"hf:{directory}", installed())
    model = loader.load(name, LoadSettings(device="cpu"))
    with torch.no_grad():
        for weight in model.module.classifier.parameters():
            weight /= 3
    path = tmp_path_factory.mktemp("hot")
    model.module.save_pretrained(path)
    model.tokenizer.save_pretrained(path)
    return load(f"hf:{path}")


@pytest.fixture(scope="module")
def reviews():
    """Reviews whose labels are drawn from the clean model's probabilities: it is calibrated."""
    model, rng = load("control:classifier-clean"), np.random.default_rng(0)
    texts = [str(row["text"]) for row in classifier.review_rows(400)]
    answers = answer_batch(model, [Classify(text) for text in texts])
    return [
        Sample(str(i), {"text": text, "label": rng.choice(a.labels, p=_exact(a.probabilities))})
        for i, (text, a) in enumerate(zip(texts, answers, strict=True))
    ]


def _exact(probabilities):
    values = np.array(probabilities, dtype=float)
    return values / values.sum()


def test_a_model_of_temperature_three_rises_beyond_its_null_and_its_twin_does_not(hot, reviews):
    probe = TextClassifierCalibration()
    clean = play(probe, reviews, ask(load("control:classifier-clean"))).estimate(ERROR)
    planted = play(probe, reviews, ask(hot)).estimate(ERROR)
    assert clean.verdict == "compatible with null"
    assert planted.verdict == "differs from null"
    assert planted.value > clean.value + 0.05


def test_a_flatter_model_is_less_sure_and_as_often_right(hot, reviews):
    played = [play(TextClassifierCalibration(), reviews, ask(m))
              for m in (load("control:classifier-clean"), hot)]  # fmt: skip
    assert played[0].estimate("accuracy").value == played[1].estimate("accuracy").value
    assert played[1].estimate("overconfidence").value < -0.05
    names = ("Brier score", "negative log-likelihood")
    assert all(played[1].estimate(n).value > played[0].estimate(n).value for n in names)


def test_the_scale_of_a_dual_encoder_is_its_temperature():
    from evalsuite import EmbedImage, EmbedText, Image, Similarity
    from evalsuite.zero_shot import logits_of, probabilities_of
    from evalsuite_controls.data import digits

    model = load("control:digits-clean")
    rows = list(digits.digit_rows())[:200]
    names = sorted({str(row["label"]) for row in rows})
    prompt = "a photo of the number {}"
    texts = [EmbedText(prompt.replace("{}", name)) for name in names]
    classes = np.stack([a.vector for a in answer_batch(model, texts)]).astype(float)
    pictures = [Image(data=row["image"]) for row in rows]
    vectors = [a.vector for a in answer_batch(model, [EmbedImage(p) for p in pictures])]
    rng = np.random.default_rng(1)

    def answer(request, scale):
        if request.method == "similarity_scale":
            return Similarity(scale)
        return answer_batch(model, [request])[0]

    # The labels are drawn from the softmax at this scale, so that this scale is the right one.
    shares = [
        probabilities_of(logits_of(v, classes, s), s) for v in vectors for s in [Similarity(8)]
    ]
    samples = [
        Sample(str(i), {"image": picture, "label": names[rng.choice(len(names), p=_exact(p))]})
        for i, (picture, p) in enumerate(zip(pictures, shares, strict=True))
    ]
    probe = ImageZeroShotCalibration(tuple(names), (prompt,))
    played = [
        play(probe, samples, lambda request, s=scale: answer(request, s))
        for scale in (8.0, 8 / 3, 24.0)
    ]
    right, flat, sharp = (one.estimate(ERROR).verdict for one in played)
    assert right == "compatible with null"
    assert flat == sharp == "differs from null"
    right, flat, sharp = (one.estimate("temperature") for one in played)
    assert right.low < 1 < right.high
    assert flat.value == pytest.approx(right.value / 3, rel=1e-3)
    assert sharp.value == pytest.approx(3 * right.value, rel=1e-3)


def choice(i=0, **fields):
    given = {"question": f"number {i} ?", "choices": ["yes", "no"], "answer": "yes"}
    return Sample(str(i), {**given, **fields})


def test_confidence_in_a_choice_is_its_share_of_all():
    # log 0.3 and log 0.1: shares .75 and .25
    def answer(request):
        total = math.log(0.3 if request.continuation == " yes" else 0.1)
        return ContinuationScore(total, 1, False)

    (record,) = play(ChoiceCalibration(), [choice()], answer).records
    assert record["confidence"] == pytest.approx(0.75)
    assert record["overconfidence"] == pytest.approx(-0.25)
    assert record["squared_error"] == pytest.approx(0.0625)
    assert record["surprise"] == pytest.approx(-math.log(0.75))
    scores = json.loads(record["log_probabilities"])  # the right one's first
    assert scores == pytest.approx([math.log(0.75), math.log(0.25)], abs=1e-6)


def test_letters_are_scored_after_the_list():
    played = play(
        ChoiceCalibration(score="letters"), [choice()], lambda r: ContinuationScore(-1.0, 1, False)
    )
    assert [r.continuation for r in played.requests] == [" A", " B"]
    assert "A. yes\nB. no" in played.requests[0].context[0].text
    # two equal scores: half the credit at one half
    assert (played.records[0]["correct"], played.records[0]["confidence"]) == (0.5, 0.5)


def test_a_language_model_is_measured_by_group():
    rows = [
        Sample(f"{row['id']}-{i}", {**row, "kind": "AB"[i % 2]})
        for row in language.capitals_rows()
        for i in range(4)
    ]
    probe = ChoiceCalibration(group="kind", bins=5)
    played = play(probe, rows, ask(load("control:text-clean")))
    assert played.estimate(ERROR, "group=A").n == len(rows) // 2
    for gap in ("calibration error gap", "overconfidence gap"):
        assert 0 <= played.estimate(gap).value <= 1
    check_probe(probe, rows[:6], ask(load("control:text-clean")))


def words(*pairs):
    return tuple(TimedWord(text, i, i + 1, sure) for i, (text, sure) in enumerate(pairs))


def test_each_word_is_a_forecast():
    heard = Transcript("hello word now", words(("hello", 0.9), ("word", 0.4), ("now", None)))
    played = play(WordCalibration(bins=1), [Sample("1", {"audio": _clip(), "text": "Hello world!"})],
                  lambda request: heard)  # fmt: skip
    found = json.loads(played.records[0]["word_forecasts"])
    assert found == [["hello", 0.9, 1.0], ["word", 0.4, 0.0], ["now", None, 0.0]]
    # one bin: accuracy 1/2, mean confidence .65
    estimate = played.estimate(ERROR)
    assert estimate.value == pytest.approx(0.15)
    assert estimate.extra["n_without_confidence"] == 1
    assert played.estimate("word error rate (basic v1)").value == pytest.approx(1.0)


def _clip():
    from evalsuite import Audio

    return Audio.from_array(np.zeros(800, np.float32), 8000)


def test_a_transcriber_without_confidences_fails_and_a_silent_one_has_none():
    sample = Sample("1", {"audio": _clip(), "text": "hello"})
    unsure = play(
        WordCalibration(), [sample], lambda r: Transcript("hello", words(("hello", None)))
    )
    assert unsure.failures[0].startswith("no confidence")
    silent = play(WordCalibration(), [sample], lambda r: Transcript(""))
    assert math.isnan(silent.estimate(ERROR).value)
    assert silent.estimate("word error rate (basic v1)").value == 1


def test_the_control_transcriber_is_surer_of_words_that_are_right():
    from evalsuite import Audio

    rows = list(tone_words.utterance_rows())[:40]
    samples = [Sample(str(r["id"]), {"audio": Audio(data=r["audio"]), "text": r["text"]})
               for r in rows]  # fmt: skip
    played = play(WordCalibration(), samples, ask(load("control:asr-gapped")))
    found = [w for r in played.records for w in json.loads(r["word_forecasts"])]
    right, wrong = ([w[1] for w in found if w[2] == side] for side in (1.0, 0.0))
    assert np.mean(right) > np.mean(wrong)
    assert played.estimate("accuracy").n == len(found)


@pytest.mark.slow
def test_a_real_recogniser_is_surer_of_the_words_that_were_said(data):
    pytest.importorskip("pocketsphinx")
    from evalsuite import Audio

    clips = sorted((data / "fleurs_fixtures").glob("fleurs-en-*.ogg"))[:2]
    if not clips:
        pytest.skip("no FLEURS clips among the data")
    samples = [
        Sample(clip.stem, {"audio": Audio(clip), "text": clip.with_suffix(".txt").read_text()})
        for clip in clips
    ]
    played = play(WordCalibration(bins=5), samples, ask(load("pocketsphinx:en-us")))
    found = [w for r in played.records for w in json.loads(r["word_forecasts"])]
    right, wrong = ([w[1] for w in found if w[2] == side] for side in (1.0, 0.0))
    assert np.mean(right) > np.mean(wrong) + 0.1
    area = played.estimate("area under the risk-coverage curve")
    assert area.value < area.null.value


REPLIES = [
    ("Answer: Paris\nConfidence: 80%", "Paris", 0.8),
    ("**Answer:** Paris\n**Confidence:** 0.8", "Paris", 0.8),
    ("answer: B. red\nconfidence: 100", "B. red", 1.0),
    ("Answer: 1\nConfidence: 1", "1", 0.01),
    ("Answer:\nConfidence: 80%", None, 0.8),
    ("Answer: Paris", "Paris", None),
    ("Answer: Paris\nConfidence: 140%", "Paris", None),
    ("Answer: Paris\nConfidence: high", "Paris", None),
    ("I cannot help with that.", None, None),
    ("", None, None),
]


@pytest.mark.parametrize(("reply", "answer", "confidence"), REPLIES)
def test_answers_and_confidences_are_read_strictly(reply, answer, confidence):
    assert answer_in(reply) == answer
    assert confidence_in(reply) == confidence


def said(text):
    return lambda request: Generation(text, 5, "stop")


def test_a_model_that_is_as_often_right_as_it_says_is_calibrated():
    rng = np.random.default_rng(2)
    samples = [choice(i, answer="yes" if rng.random() < 0.7 else "no") for i in range(400)]
    honest = play(VerbalizedConfidence(), samples, said("Answer: A\nConfidence: 70%"))
    boasting = play(VerbalizedConfidence(), samples, said("Answer: yes\nConfidence: 99%"))
    assert honest.estimate(ERROR).verdict == "compatible with null"
    assert boasting.estimate(ERROR).verdict == "differs from null"
    assert boasting.estimate("overconfidence").value == pytest.approx(0.29, abs=0.06)


@pytest.mark.parametrize("reply", ["I cannot help with that.", "", "Answer: yes"])
def test_a_model_that_gives_no_confidence_is_not_calibrated(reply):
    played = play(VerbalizedConfidence(), [choice(i) for i in range(20)], said(reply))
    for name in (ERROR, "Brier score", "area under the risk-coverage curve", "overconfidence"):
        assert math.isnan(played.estimate(name).value)
    assert played.estimate("replies without a confidence").value == 1


def test_failed_requests_are_no_forecasts():
    played = play(VerbalizedConfidence(), [choice()], lambda r: Failure("timeout", "too late"))
    assert played.failures == ("timeout: too late",)
    assert math.isnan(played.estimate(ERROR).value)
