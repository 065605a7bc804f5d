"""Translation and summarisation: what is asked, hand-scored texts, calibration."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from sacrebleu.metrics import BLEU

from evalsuite import DataError, Failure, Generate, Generation, Sample
from evalsuite.content import text_of
from evalsuite.testing import check_probe, play
from evalsuite_text.tasks.summarisation import Summarisation
from evalsuite_text.tasks.translation import Translation

WORDS = [
    "the",
    "a",
    "cat",
    "dog",
    "mat",
    "sits",
    "on",
    "runs",
    "house",
    "is",
    "small",
    "old",
    "to",
    "river",
    "garden",
    "warm",
]


def sentence(rng) -> str:
    return " ".join(rng.choice(WORDS, 9))


def pairs(n: int = 60) -> list[Sample]:
    rng = np.random.default_rng(0)
    return [Sample(str(i), {"source": f"s{i}", "target": sentence(rng)}) for i in range(n)]


def writing(texts: dict[str, str], finish="stop", prefix=""):
    def answer(request: Generate) -> Generation:
        text = texts[text_of(request.prompt).removeprefix(prefix)]
        return Generation(text, len(text.split()), finish)

    return answer


SAMPLES = pairs()
GOLD = {s["source"]: " " + s["target"] + "\n" for s in SAMPLES}
HALF = {s: " ".join(t.split()[:5]) for s, t in GOLD.items()}


def test_bleu_of_a_run_is_sacrebleus() -> None:
    played = play(Translation(), SAMPLES, writing(HALF))
    expected = BLEU().corpus_score(
        [HALF[s["source"]] for s in SAMPLES], [[s["target"] for s in SAMPLES]]
    )
    bleu = played.estimate("BLEU")
    assert bleu.value == pytest.approx(expected.score, abs=1e-9)
    assert bleu.is_primary
    assert "tok:13a" in bleu.extra["signature"]
    assert played.estimate("length ratio").value == pytest.approx(
        sum(map(len, HALF.values())) / sum(len(s["target"]) for s in SAMPLES)
    )


def test_gold_is_best_and_silence_worst() -> None:
    gold = play(Translation(), SAMPLES, writing(GOLD))
    assert gold.estimate("BLEU").value == pytest.approx(100)
    assert gold.estimate("chrF").value == pytest.approx(100)
    assert gold.estimate("TER").value == 0
    assert gold.estimate("length ratio").value == 1
    silent = play(Translation(), SAMPLES, writing(dict.fromkeys(GOLD, " "), "length"))
    assert silent.estimate("BLEU").value == silent.estimate("chrF").value == 0
    assert silent.estimate("TER").value == 100
    assert silent.estimate("empty").value == silent.estimate("cut at the limit").value == 1


def test_what_is_asked() -> None:
    probe = Translation(source_prefix="translate: ", max_tokens=9, stop=("\n",))
    played = play(probe, SAMPLES[:1], writing(GOLD, prefix="translate: "))
    assert played.requests == (Generate("translate: s0", max_tokens=9, stop=("\n",)),)


def test_several_references_and_chinese() -> None:
    samples = [
        Sample("0", {"source": "a", "target": ["黑猫坐着", "猫坐在那里"]}),
        Sample("1", {"source": "b", "target": ["狗跑得很快"]}),
    ]
    texts = writing({"a": "猫坐在那里", "b": "狗跑得很快"})
    played = play(Translation(tokenize="zh"), samples, texts)
    assert played.estimate("BLEU").value == pytest.approx(100)
    assert json.loads(played.records[0]["references"]) == ["黑猫坐着", "猫坐在那里"]
    with pytest.raises(ValueError, match="tokenize must be one of"):
        Translation(tokenize="spm")
    with pytest.raises(DataError, match="target must be a text"):
        play(Translation(), [Sample("0", {"source": "a", "target": []})], texts)


def test_a_translator_that_ignores_its_source_stays_at_the_null() -> None:
    rng = np.random.default_rng(5)
    samples = pairs(150)
    gold = {s["source"]: s["target"] for s in samples}
    blind = {source: sentence(rng) for source in gold}
    some = {
        source: text if i % 3 else blind[source] for i, (source, text) in enumerate(gold.items())
    }
    still, found = (play(Translation(), samples, writing(texts)) for texts in (blind, some))
    for name in ("BLEU", "chrF"):
        assert still.estimate(name).verdict == "compatible with null", name
        assert found.estimate(name).verdict == "differs from null", name


def test_rouge_of_hand_counted_summaries() -> None:
    # "the cat" of "the cat sat on": 1-grams P 2/2, R 2/4, F 2/3; 2-grams 1/1, 1/3, F 1/2; L as 1
    samples = [Sample("0", {"source": "x", "target": "The cat sat on."})]
    record = play(Summarisation(), samples, writing({"x": "the cat"})).records[0]
    found = [record[name] for name in ("rouge1", "rouge2", "rougeL")]
    assert found == pytest.approx([2 / 3, 1 / 2, 2 / 3])
    # order: "on sat" shares two words, no pair, and a subsequence of one: 2·1/6
    record = play(Summarisation(), samples, writing({"x": "on sat"})).records[0]
    assert record["rougeL"] == pytest.approx(1 / 3)
    # of several references the best
    several = [Sample("0", {"source": "x", "target": ["unlike", "the cat"]})]
    assert play(Summarisation(), several, writing({"x": "the cat"})).records[0]["rougeL"] == 1


def test_chinese_and_german_summaries_count_their_own_words() -> None:
    samples = [Sample("0", {"source": "x", "target": "黑猫坐着"})]
    found = play(Summarisation(language="zh"), samples, writing({"x": "黑猫"})).records[0]
    assert found["rouge1"] == pytest.approx(2 / 3)
    assert play(Summarisation(), samples, writing({"x": "黑猫"})).records[0]["rouge1"] == 0
    umlaut = [Sample("0", {"source": "x", "target": "über Müller"})]
    german = Summarisation(language="de", source_prefix="sum: ", source_suffix=" TL;DR")
    played = play(german, umlaut, lambda request: Generation("Müller", 1, "stop"))
    assert played.records[0]["rouge1"] == pytest.approx(2 / 3)
    assert text_of(played.requests[0].prompt) == "sum: x TL;DR"


def test_summaries_of_other_documents_stay_at_the_null() -> None:
    rng = np.random.default_rng(6)
    samples = pairs(150)
    gold = {s["source"]: s["target"] for s in samples}
    blind = {source: sentence(rng) for source in gold}
    some = {
        source: text if i % 3 else blind[source] for i, (source, text) in enumerate(gold.items())
    }
    still, found = (play(Summarisation(), samples, writing(texts)) for texts in (blind, some))
    for name in ("ROUGE-1", "ROUGE-2", "ROUGE-L"):
        assert still.estimate(name).value > 0
        assert still.estimate(name).verdict == "compatible with null", name
        assert found.estimate(name).verdict == "differs from null", name


@pytest.mark.parametrize("probe", [Translation(), Summarisation(), Summarisation(language="de")])
def test_the_contract_is_kept(probe) -> None:
    check_probe(probe, SAMPLES[:12], writing(HALF))
    refused = play(probe, SAMPLES[:3], lambda _: Failure("refused", "no"))
    assert all(math.isnan(e.value) and e.reason for e in refused.estimates)


def test_they_run_on_a_real_model(gpt2) -> None:
    from evalsuite.model import answer_batch

    for probe in (Translation(max_tokens=4), Summarisation(max_tokens=4)):
        played = play(probe, SAMPLES[:3], lambda request: answer_batch(gpt2, [request])[0])
        assert len(played.records) == 3
        assert not math.isnan(played.estimates[0].value)
