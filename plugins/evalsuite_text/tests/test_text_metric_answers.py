"""Answer scores: the benchmarks' rules by hand, and on the real files with gold and broken answers."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsuite import UsageError
from evalsuite_text.metrics import SCORERS, load_scorer
from evalsuite_text.metrics.answers import cmrc, exact_match, squad, squad_2, xquad
from evalsuite_text.metrics.numeric import final_number, numeric


def both(scores) -> tuple[float, float]:
    return scores["exact_match"], scores["f1"]


TEXT_SCORERS = [name for name in SCORERS if name != "code-execution"]


@pytest.mark.parametrize("name", TEXT_SCORERS)
def test_every_scorer_is_best_on_its_reference_and_worst_on_nothing(name) -> None:
    score = load_scorer(name)
    text = "The answer is 42 seats in 北京 ."
    best, worst = score(text, ["no 7", text]), score("", ["no 7", text])
    top = 100 if name.startswith(("bleu", "chrf")) else 1
    assert all(v in (pytest.approx(top), 0) for v in best.values())
    assert max(best.values()) == pytest.approx(top)
    assert set(worst.values()) == {0.0}
    assert all(isinstance(v, float) for v in best.values())


@pytest.mark.parametrize("name", [n for n in TEXT_SCORERS if n != "squad-2"])
def test_without_a_reference_every_score_is_undefined_with_a_reason(name) -> None:
    scores = load_scorer(name)("text", [])
    assert "reference" in scores.pop("reason")
    assert scores
    assert all(math.isnan(value) for value in scores.values())


texts = st.text(st.sampled_from("aA the.猫狗坐1,5-B #\n"), max_size=20)


@pytest.mark.parametrize("name", TEXT_SCORERS)
@settings(max_examples=40, deadline=None)
@given(prediction=texts, references=st.lists(texts, min_size=1, max_size=3))
def test_scores_keep_their_range_and_know_no_order_of_references(name, prediction, references):
    score = load_scorer(name)
    one, other = score(prediction, references), score(prediction, references[::-1])
    top = 100 if name.startswith(("bleu", "chrf")) else 1
    for key, value in one.items():
        if key != "reason":
            assert math.isnan(value) or 0 <= value <= top + 1e-9
            assert value == pytest.approx(other[key], nan_ok=True)
    if "f1" in one:
        assert (
            one["exact_match"] <= one["f1"] + 1e-12 or not references[0].strip() or name == "cmrc"
        )


def test_an_unknown_scorer_is_refused_in_words() -> None:
    with pytest.raises(UsageError, match="Did you mean 'squad'"):
        load_scorer("sqad")
    with pytest.raises(UsageError, match="'fr'"):
        xquad("a", ["a"], language="fr")


def test_squad_by_hand() -> None:
    # "the cat sat" -> cat sat; "A cat." -> cat: 1 shared, P 1/2, R 1/1, F1 2/3
    assert both(squad("The cat sat", ["A cat."])) == (0, pytest.approx(2 / 3))
    assert both(squad("the  Cat!", ["A cat."])) == (1, 1)
    assert both(squad("dog", ["A cat.", "dog house"])) == (0, pytest.approx(2 / 3))
    # repeated words count as often as both have them: 1 shared of 3 and 1
    assert both(squad("cat cat cat", ["cat"])) == (0, pytest.approx(0.5))
    assert both(squad("Type A", ["type  a"])) == (1, 1)


def test_squad_without_an_answer() -> None:
    assert both(squad("", [""])) == (1, 1)
    assert both(squad("Paris", [""])) == (0, 0)
    assert both(squad_2("", [])) == (1, 1)
    assert both(squad_2("Paris", [])) == (0, 0)
    # an article is an answer like another, and saying nothing is not
    assert both(squad("", ["the"])) == (0, 0)
    assert both(squad("the", ["the"])) == (1, 1)


def test_xquad_by_language() -> None:
    assert both(xquad("die Katze", ["Katze"], language="de")) == (1, 1)
    assert both(xquad("die Katze", ["Katze"], language="en")) == (0, pytest.approx(2 / 3))
    assert both(xquad("«Katze»", ["katze"], language="de")) == (1, 1)
    assert both(xquad("la casa", ["una casa"], language="es")) == (1, 1)
    # 北京市 and 北京: 2 shared of 3 and 2
    assert both(xquad("北京市", ["北京"], language="zh")) == (0, pytest.approx(0.8))
    assert both(xquad("308分。", ["308 分"], language="zh")) == (1, 1)
    assert both(xquad("البيت", ["بيت"], language="ar")) == (1, 1)


def test_cmrc_by_hand() -> None:
    # 光荣和ω-force -> 光 荣 和 ωforce; 光荣 -> 2 in a run of 4 and 2
    assert both(cmrc("光荣和ω-force", ["光荣"])) == (0, pytest.approx(4 / 6))
    # order counts: 荣光 and 光荣 share a run of 1
    assert both(cmrc("荣光", ["光荣"])) == (0, pytest.approx(0.5))
    # a gap ends the run: 北大京 and 北京 share 1
    assert both(cmrc("北大京", ["北京"])) == (0, pytest.approx(2 / 5))
    assert both(cmrc("《北京》，", ["北京"])) == (1, 1)
    assert both(cmrc("1998年5月", ["1998年5月"])) == (1, 1)
    # 1998 is one token: 1998 年 against 1999 年
    assert both(cmrc("1998年", ["1999年"])) == (0, pytest.approx(0.5))


def test_exact_match_is_exact() -> None:
    assert exact_match(" a ", ["a"])["exact_match"] == 1
    assert exact_match("A", ["a"])["exact_match"] == 0
    assert exact_match("", [""])["exact_match"] == 0


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("so 5 + 3 = 8 apples.", 8),
        ("It costs $1,234.50", 1234.5),
        ("-7", -7),
        ("10-3", 3),
        ("7 #### 12\nNow 99", 12),
        ("3.", 3),
        ("at 5 - 2", 2),
        ("temperature −4", -4),
        ("costs $-3", -3),
    ],
)
def test_final_numbers(text, number) -> None:
    assert float(final_number(text)) == number


def test_numeric_by_hand() -> None:
    gold = ["He has 3*4=12.\n#### 1,000"]
    assert numeric("the answer is 1000.0", gold) == {
        "exact_match": 1.0, "strict_match": 0.0, "has_number": 1.0
    }  # fmt: skip
    assert numeric("#### 1000", gold)["strict_match"] == 1
    assert numeric("no idea", gold) == dict.fromkeys(
        ("exact_match", "strict_match", "has_number"), 0.0
    )
    assert "number" in numeric("1", ["none"])["reason"]


def test_gsm8k_gold_answers_are_right_and_others_wrong(data) -> None:
    lines = (data / "gsm8k" / "test.jsonl").read_text().splitlines()
    gold = [json.loads(line)["answer"] for line in lines]
    own = [numeric(a, [a]) for a in gold]
    assert all(s["exact_match"] == s["strict_match"] == 1 for s in own)
    others = [numeric(a, [b])["exact_match"] for a, b in zip(gold, gold[1:] + gold[:1])]
    assert sum(others) / len(others) < 0.05


def questions(path):
    for article in json.loads(path.read_text())["data"]:
        for paragraph in article["paragraphs"]:
            for question in paragraph["qas"]:
                yield paragraph["context"], question["answers"]


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("xquad/xquad.en.json", "squad"),
        ("xquad/xquad.en.json", "xquad-en"),
        ("xquad/xquad.de.json", "xquad-de"),
        ("xquad/xquad.zh.json", "xquad-zh"),
        ("xquad/xquad.zh.json", "cmrc"),
        ("cmrc2018/cmrc2018_trial.json", "cmrc"),
        ("cmrc2018/cmrc2018_dev.json", "cmrc"),
    ],
)
def test_real_files_with_gold_and_broken_answers(data, file, name) -> None:
    score = load_scorer(name)
    rows = list(questions(data / file))[:1190]
    gold = [[a["text"] for a in answers] for _, answers in rows]

    def means(predictions) -> tuple[float, float]:
        found = [both(score(p, g)) for p, g in zip(predictions, gold, strict=True)]
        return tuple(sum(column) / len(found) for column in zip(*found))

    def shifted(context, answer) -> str:
        start = answer["answer_start"] + 2
        return context[start : start + len(answer["text"])]

    first = [g[0] for g in gold]
    assert means(first) == (1, 1)
    assert means([""] * len(gold)) == (0, 0)
    exact, f1 = means(first[7:] + first[:7])
    assert exact < 0.01
    assert f1 < 0.04
    exact, f1 = means([shifted(context, answers[0]) for context, answers in rows])
    assert exact < 0.02
    assert 0.3 < f1 < 0.85
