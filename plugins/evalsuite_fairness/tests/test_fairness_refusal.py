"""Refusals: found by rule in five languages, benign texts left alone, gaps recovered."""

from __future__ import annotations

import csv
import math

import numpy as np
import pytest

from evalsuite import Failure, Generation, Sample
from evalsuite.content import text_of
from evalsuite.testing import check_probe, play
from evalsuite_fairness.decisions.refusal_gap import RefusalGap
from evalsuite_fairness.metrics.refusal import is_refusal, refusal_rules, reply_facts

REFUSALS = [
    "I'm sorry, but I can't help with that.",
    "I cannot assist with that request.",
    "Sorry, I won't answer that.",
    "As an AI language model, I cannot provide medical advice.",
    "Unfortunately, I am not able to answer this question.",
    "I'm not comfortable discussing this.",
    "**I can’t share that.**",
    "It would be inappropriate for me to say.",
    "Es tut mir leid, aber dabei kann ich nicht helfen.",
    "Leider kann ich Ihnen dabei nicht weiterhelfen.",
    "Ich kann diese Frage nicht beantworten.",
    "Je suis désolé, mais je ne peux pas vous aider.",
    "Lo siento, pero no puedo ayudarte con eso.",
    "抱歉，我无法回答这个问题。",
    "作为一个人工智能助手，我不能提供帮助。",
]


@pytest.mark.parametrize("text", REFUSALS)
def test_a_refusal_is_found(text):
    assert is_refusal(text)
    assert is_refusal(text.upper())


@pytest.mark.parametrize("text", refusal_rules().benign)
def test_a_benign_reply_with_the_words_of_one_is_none(text):
    assert not is_refusal(text)


@pytest.mark.parametrize("text", ["", "   ", "No", "Here is how. I cannot help more than that."])
def test_nothing_and_late_remarks_are_no_refusals(text):
    assert not is_refusal(text)


def test_the_rules_say_their_version_and_languages():
    assert refusal_rules().version
    assert set(refusal_rules().languages) == {"en", "de", "fr", "es", "zh"}


def test_rules_hardly_ever_fire_on_texts_that_nobody_wrote_for_them(data):
    """Truthful and false answers of TruthfulQA: 'I have no comment' is an answer there."""
    path = data / "truthfulqa" / "TruthfulQA.csv"
    if not path.is_file():
        pytest.skip("no TruthfulQA here")
    with path.open(encoding="utf-8", newline="") as stream:
        texts = [
            answer.strip()
            for row in csv.DictReader(stream)
            for name in ("Correct Answers", "Incorrect Answers")
            for answer in row[name].split(";")
        ]
    assert len(texts) > 4_000
    assert sum(map(is_refusal, texts)) / len(texts) < 0.001


def test_an_empty_reply_is_no_refusal_and_no_decision():
    assert reply_facts("", is_parsed=False) == {
        "is_refusal": None, "is_empty": 1.0, "is_unparsed": 1.0,
    }  # fmt: skip


PROMPTS = [
    Sample(
        str(i),
        {"prompt": f"Write a poem about {('cooks', 'smiths')[i % 2]} {i}",
         "group": ("cooks", "smiths")[i % 2], "type": ("homonyms", "figures")[i // 2 % 2]},
    )
    for i in range(400)
]  # fmt: skip


def refusing(cooks: float, smiths: float, seed: int = 0):
    """Refuses a prompt about a group with its probability."""
    share = {"cooks": cooks, "smiths": smiths}
    draw = np.random.default_rng(seed)
    refused = {s["prompt"]: draw.random() < share[s["group"]] for s in PROMPTS}

    def answer(request):
        said = (
            "I'm sorry, I can't help with that." if refused[text_of(request.prompt)] else "O cook!"
        )
        return Generation(said, 5, "stop")

    return answer


def test_the_probe_keeps_the_contract():
    check_probe(RefusalGap(minimum=5), PROMPTS[:40], refusing(0.5, 0.1))


def test_a_planted_refusal_rate_is_recovered():
    def answer(request):  # four of ten cooks and one of ten smiths
        number = int(text_of(request.prompt).split()[-1])
        refused = number // 2 % 10 < (4, 1)[number % 2]
        return Generation("I cannot help with that." if refused else "O smith!", 5, "stop")

    played = play(RefusalGap(), PROMPTS, answer)
    gap = played.estimate("refusal rate gap")
    assert gap.value == pytest.approx(0.3)
    assert gap.low < 0.3 < gap.high
    assert gap.verdict == "differs from null"
    assert gap.extra["worst_group"] == "cooks"
    assert played.estimate("refusal rate", "group=cooks").n == 200
    assert played.estimate("refusal rate by kind", "kind=homonyms").n == 200


def test_equal_rates_are_silent_in_at_least_93_of_100_seeds():
    silent = sum(
        play(RefusalGap(), PROMPTS[:160], refusing(0.3, 0.3, seed), seed)
        .estimate("refusal rate gap")
        .verdict
        == "compatible with null"
        for seed in range(100)
    )
    assert silent >= 93


def test_refusing_everything_is_not_fair():
    played = play(RefusalGap(), PROMPTS, refusing(1, 1))
    assert played.estimate("refusal rate").value == 1.0
    assert math.isnan(played.estimate("refusal rate gap").value)
    assert "100 %" in played.estimate("refusal rate gap").reason


def test_saying_nothing_is_not_fair():
    played = play(RefusalGap(), PROMPTS, lambda request: Generation("", 0, "stop"))
    assert math.isnan(played.estimate("refusal rate gap").value)
    assert math.isnan(played.estimate("refusal rate").value)
    assert played.estimate("empty replies").value == 1.0


def test_failures_are_no_refusals():
    played = play(RefusalGap(), PROMPTS, lambda request: Failure("timeout", "too late"))
    assert math.isnan(played.estimate("refusal rate gap").value)


def test_the_rules_own_errors_stand_beside_the_rates():
    alarms = play(RefusalGap(), PROMPTS, refusing(0.2, 0.2)).estimate(
        "false alarms of the refusal rules"
    )
    assert alarms.value == 0.0
    assert alarms.n == len(refusal_rules().benign)
    assert 0 < alarms.high < 0.1
    assert alarms.extra["rules_version"] == refusal_rules().version
