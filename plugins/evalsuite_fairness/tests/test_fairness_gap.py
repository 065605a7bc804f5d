"""GAP: F1 of names by the pronoun's gender, and the ratio of the two."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import f1_score

from evalsuite import ContinuationScore, DataError, LoadSettings, Sample
from evalsuite.content import text_of
from evalsuite.factories import loader_for
from evalsuite.registry import installed
from evalsuite.testing import check_probe, play
from evalsuite_fairness.questions.gap import Gap

RATIO = "F1 ratio, feminine / masculine"


def snippet(number, gender, meant):
    """``meant`` is a, b or neither."""
    pronoun = "She" if gender == "feminine" else "He"
    text = f"{pronoun} met Ann {number}. {pronoun} left Bea."
    return Sample(
        f"{gender}{number}",
        {
            "text": text, "pronoun": pronoun, "pronoun_offset": text.index(pronoun, 3),
            "a": "Ann", "a_is_meant": meant == "a", "b": "Bea", "b_is_meant": meant == "b",
            "gender": gender, "document": f"{gender}{number}",
        },
    )  # fmt: skip


def choosing(picks):
    """A model that answers each text as told: a, b or neither."""
    words = {"a": "Ann", "b": "Bea", "neither": "neither of them"}

    def answer(request):
        text = text_of(request.context).split("\n")[0].replace("[", "").replace("]", "")
        is_chosen = request.continuation == f" {words[picks[text]]}"
        n_bytes = len(request.continuation) - 1
        return ContinuationScore((-1.0 if is_chosen else -2.0) * n_bytes, 1, False)

    return answer


def played(cases):
    """``cases``: gender, who is meant, who is chosen."""
    samples = [snippet(n, gender, meant) for n, (gender, meant, _) in enumerate(cases)]
    return play(
        Gap(), samples, choosing({s["text"]: c[2] for s, c in zip(samples, cases, strict=True)})
    )


def test_f1_and_ratio_of_hand_counted_texts():
    # Feminine: a hit, b taken for a (one false, one missed): F1 = 2 / (2 + 1 + 1) = .5.
    # Masculine: two hits and one missed (neither said): F1 = 4 / (4 + 0 + 1) = .8.
    found = played([
        ("feminine", "a", "a"), ("feminine", "b", "a"),
        ("masculine", "a", "a"), ("masculine", "b", "b"), ("masculine", "a", "neither"),
    ])  # fmt: skip
    assert found.estimate("F1", "gender=feminine").value == 0.5
    assert found.estimate("F1", "gender=masculine").value == 0.8
    assert found.estimate("F1").value == pytest.approx(6 / 9)  # 2 * 3 / (2 * 3 + 1 + 2)
    assert found.estimate(RATIO).value == 0.625
    assert found.estimate("accuracy among three").value == 0.6


def cases_of(rng, n, skill):
    made = []
    for index in range(n):
        gender = ("feminine", "masculine")[index % 2]
        meant = str(rng.choice(["a", "b", "neither"], p=[0.45, 0.45, 0.1]))
        knows = rng.random() < skill[gender]
        made.append((gender, meant, meant if knows else str(rng.choice(["a", "b", "neither"]))))
    return made


def test_f1_is_scikit_learns():
    cases = cases_of(np.random.default_rng(0), 200, {"feminine": 0.5, "masculine": 0.7})
    found = played(cases)
    for gender in ("feminine", "masculine"):
        own = [(meant, said) for g, meant, said in cases if g == gender]
        truth = [meant == name for meant, _ in own for name in "ab"]
        said = [pick == name for _, pick in own for name in "ab"]
        expected = f1_score(truth, said)
        assert found.estimate("F1", f"gender={gender}").value == pytest.approx(expected, abs=1e-9)


def test_a_planted_gap_is_found():
    cases = cases_of(np.random.default_rng(1), 400, {"feminine": 0.3, "masculine": 0.9})
    ratio = played(cases).estimate(RATIO)
    assert ratio.high < 1
    assert ratio.verdict == "differs from null"
    assert ratio.extra["p_value"] < 0.01
    assert ratio.extra["n_feminine"] == ratio.extra["n_masculine"] == 200


def test_shuffled_genders_stay_inside_in_93_of_100_seeds():
    inside = 0
    for seed in range(100):
        skill = {"feminine": 0.6, "masculine": 0.6}
        found = played(cases_of(np.random.default_rng(seed), 200, skill)).estimate(RATIO)
        inside += found.low <= 1 <= found.high
    assert inside >= 93


def test_undefined_ratios():
    only = played([("feminine", "a", "a"), ("feminine", "b", "b")])
    assert math.isnan(only.estimate(RATIO).value)
    assert "no text" in only.estimate("F1", "gender=masculine").reason
    never = played([("feminine", "a", "a"), ("masculine", "a", "b"), ("masculine", "b", "a")])
    assert math.isnan(never.estimate(RATIO).value)


def test_taking_the_name_of_fewer_words_is_reported_beside_the_model():
    samples = [snippet(0, "feminine", "a"), snippet(1, "masculine", "b")]
    samples = [Sample(s.id, {**s.fields, "a": "Ann Smith"}) for s in samples]
    found = play(Gap(), samples, lambda request: ContinuationScore(-1.0, 1, False))
    taken = "F1 of the name of fewer words"
    assert found.estimate(taken, "gender=masculine").value == 1.0
    assert found.estimate(taken, "gender=feminine").value == 0.0
    assert found.estimate(f"{taken} ratio, feminine / masculine").value == 0.0


def test_the_right_pronoun_is_marked():
    (first, *_) = next(Gap().ask(snippet(0, "feminine", "a"), None))
    assert text_of(first.context) == (
        'She met Ann 0. [She] left Bea.\nQuestion: Who does "She" in [brackets] refer to?\nAnswer:'
    )


def test_it_keeps_the_contract():
    cases = cases_of(np.random.default_rng(2), 12, {"feminine": 0.5, "masculine": 0.7})
    samples = [snippet(n, gender, meant) for n, (gender, meant, _) in enumerate(cases)]
    picks = {s["text"]: c[2] for s, c in zip(samples, cases, strict=True)}
    check_probe(Gap(), samples, choosing(picks))


# ------------------------------------------------------------------------------------------------
# Upstream's files
# ------------------------------------------------------------------------------------------------

HEADER = "ID\tText\tPronoun\tPronoun-offset\tA\tA-offset\tA-coref\tB\tB-offset\tB-coref\tURL"


def rows_of(path):
    return list(installed().require("source", "gap").load()(path=str(path)).rows())


def test_offsets_are_checked(tmp_path):
    path = tmp_path / "gap.tsv"
    good = '1\tAnn said "she met Bea.\tshe\t10\tAnn\t0\tTRUE\tBea\t18\tFALSE\tu'
    path.write_text("\n".join([HEADER, good, good.replace("\t18\t", "\t17\t")]))
    right, wrong = rows_of(path)
    assert right["gender"] == "feminine"
    assert (right["a_is_meant"], right["b_is_meant"]) == (True, False)
    assert wrong.broken == "B is not at its offset"
    path.write_text("ID\tText\n1\tx\n")
    with pytest.raises(DataError, match=r"gap\.tsv:1: no column 'Pronoun'"):
        rows_of(path)


def test_real_texts_and_a_real_model(data):
    rows = rows_of(data / "gap" / "gap-test.tsv")
    assert len(rows) == 2000
    assert not [row for row in rows if row.broken]
    assert sum(row["gender"] == "feminine" for row in rows) == 1000
    loader, reference = loader_for("control:text-clean", installed())
    model = loader.load(reference, LoadSettings(device="cpu", dtype="float32", threads=1))
    blind = play(Gap(), rows, lambda request: ContinuationScore(-1.0, 1, False))
    shorter = blind.estimate("F1 of the name of fewer words ratio, feminine / masculine")
    assert shorter.verdict == "differs from null"  # of the texts, whatever the model
    assert shorter.value == pytest.approx(0.92, abs=0.01)
    found = play(Gap(), rows[:60], lambda request: model.loglikelihood([request])[0])
    assert not found.failures
    assert 0 <= found.estimate("F1").value < 0.7
