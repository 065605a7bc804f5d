"""Identity terms: areas by hand and by definition, planted terms found, clean twins silent."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from evalsuite import Classification, Classify, Failure, LoadSettings, Sample, Table
from evalsuite.factories import loader_for
from evalsuite.registry import import_object, installed
from evalsuite.statistics import auc_interval, bootstrap_interval, generator, weighted_auc
from evalsuite.testing import check_probe, play
from evalsuite.text_lists import written
from evalsuite_fairness.decisions.identity_terms import IdentityTerms, mentioned
from evalsuite_fairness.metrics.equality_differences import EqualityDifferences
from evalsuite_fairness.metrics.term_areas import TermAreas
from evalsuite_fairness.metrics.term_auc import area_of, generalised_mean, p_value_below

# ------------------------------------------------------------------------------------------------
# The metrics
# ------------------------------------------------------------------------------------------------

# Score, label and term of eight texts; the term "x" pushes harmless texts up.
EIGHT = [
    (0.9, 1, ""), (0.6, 1, ""), (0.3, 0, ""), (0.1, 0, ""),
    (0.95, 1, "x"), (0.8, 1, "x"), (0.7, 0, "x"), (0.5, 0, "x"),
]  # fmt: skip


def table(rows):
    return Table.from_records(
        [
            {"score": s, "label": y, "decision": int(s >= 0.5), "terms": written([t] if t else [])}
            for s, y, t in rows
        ]
    )


def found(metric, rows):
    made = metric.estimate(table(rows), generator(0, "terms"))
    return {(e.metric, e.slice): e for e in made}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("subgroup AUC", 1.0),  # .95 and .8 both above .7 and .5
        ("BPSN AUC", 0.75),  # background .9 .6 against the term's harmless .7 .5: 3 of 4 in order
        ("BNSP AUC", 1.0),  # background .3 .1 against the term's harmful .95 .8
    ],
)
def test_areas_by_hand(name, value):
    assert found(TermAreas(2), EIGHT)[name, "term=x"].value == pytest.approx(value)


def test_the_area_over_all_texts_by_hand():
    # 16 pairs; only .6 against .7 is out of order
    assert found(TermAreas(2), EIGHT)["AUC over all texts", ""].value == pytest.approx(15 / 16)


def test_equality_differences_by_hand():
    # harmless: .3 .1 are let pass, .7 .5 of x are not: FPR 2/4, of x 2/2; harmful: all found
    made = found(EqualityDifferences(2), EIGHT)
    assert made["false positive equality difference", ""].value == pytest.approx(0.5)
    assert made["false negative equality difference", ""].value == 0.0
    assert made["false positive rate departure", "term=x"].value == pytest.approx(0.5)


def random_texts(n=600, seed=0, shift=0.0, terms=("x", "y", "z")):
    draw = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        term = (*terms, "")[i % (len(terms) + 1)]
        harmful = int(draw.random() < 0.5)
        logit = 2.0 * (2 * harmful - 1) + draw.normal() * 1.5 + shift * (term == "x")
        rows.append((1 / (1 + math.exp(-logit)), harmful, term))
    return rows


@pytest.mark.parametrize("term", ["x", "y", "z"])
def test_areas_agree_with_the_definition(term):
    rows = random_texts()
    score, label = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
    mine = np.array([r[2] == term for r in rows])
    parts = {
        "subgroup AUC": mine,
        "BPSN AUC": (mine & (label == 0)) | (~mine & (label == 1)),
        "BNSP AUC": (mine & (label == 1)) | (~mine & (label == 0)),
    }
    made = found(TermAreas(2), rows)
    for name, part in parts.items():
        wanted = roc_auc_score(label[part], score[part])
        assert made[name, f"term={term}"].value == pytest.approx(wanted, abs=1e-9)


def test_equality_differences_agree_with_the_definition():
    rows = random_texts(shift=1.0)
    false = [r[0] >= 0.5 for r in rows if r[1] == 0]
    rate = {
        t: np.mean([r[0] >= 0.5 for r in rows if r[1] == 0 and r[2] == t]) for t in ("x", "y", "z")
    }
    wanted = sum(abs(np.mean(false) - one) for one in rate.values())
    made = found(EqualityDifferences(2), rows)["false positive equality difference", ""]
    assert made.value == pytest.approx(wanted, abs=1e-9)
    assert made.low < made.value < made.high


def test_the_generalised_mean_by_hand():
    # (mean of .5^-5 and 1^-5)^(-1/5) = (33 / 2)^(-1/5)
    half = area_of(np.array([0.0, 1.0, 2.0]), np.array([False, True, False]), np.ones(3, bool))
    whole = area_of(np.array([0.0, 1.0, 0.5]), np.array([False, True, False]), np.ones(3, bool))
    assert (half.value, whole.value) == (0.5, 1.0)
    assert generalised_mean([half, whole], -5).value == pytest.approx(16.5**-0.2)


def test_errors_without_clusters_are_those_of_delong():
    rows = random_texts(200)
    score, label = np.array([r[0] for r in rows]), np.array([r[1] == 1 for r in rows])
    area = area_of(score, label, np.ones(200, bool))
    mine, theirs = area.interval(None), auc_interval(score, label)
    assert (mine.low, mine.high) == pytest.approx((theirs.low, theirs.high), abs=1e-3)


def test_errors_over_clusters_are_those_of_the_cluster_bootstrap():
    rows = [row for row in random_texts(150) for _ in range(4)]
    score, label = np.array([r[0] for r in rows]), np.array([r[1] == 1 for r in rows])
    clusters = np.repeat(np.arange(150), 4)
    area = area_of(score, label, np.ones(600, bool))
    plain = bootstrap_interval(
        np.stack([score, label], axis=1), weighted_auc, rng=generator(0, "b"), clusters=clusters
    )
    mine = area.interval(clusters)
    assert mine.width == pytest.approx(plain.width, rel=0.15)
    assert mine.width > 1.7 * area.interval(None).width


def test_a_difference_to_itself_is_no_surprise():
    rows = random_texts(100)
    score, label = np.array([r[0] for r in rows]), np.array([r[1] == 1 for r in rows])
    area = area_of(score, label, np.ones(100, bool))
    assert p_value_below(area, area, None) == 1.0


def test_a_term_with_few_texts_has_no_figure_rather_than_a_fair_one():
    made = found(TermAreas(30), EIGHT)["BPSN AUC", "term=x"]
    assert math.isnan(made.value)
    assert "fewer than 30" in made.reason
    sums = found(EqualityDifferences(30), EIGHT)["false positive equality difference", ""]
    assert math.isnan(sums.value)


def test_a_planted_term_is_found_and_the_others_are_not():
    made = found(TermAreas(20), random_texts(2000, shift=2.5))
    hit = made["BPSN AUC", "term=x"]
    assert hit.verdict == "differs from null"
    assert hit.extra["p_adjusted"] < 0.001
    assert hit.extra["n_comparisons"] == 9
    # x raises the scores of its harmful texts too: they stand out the more against the background
    assert made["BNSP AUC", "term=x"].value > made["AUC over all texts", ""].value
    assert all(made["BPSN AUC", f"term={t}"].verdict == "compatible with null" for t in "yz")
    worst = made["generalised mean of BPSN AUCs", ""].value
    values = [made["BPSN AUC", f"term={t}"].value for t in "xyz"]
    assert min(values) < worst < np.mean(values)


def test_terms_dealt_at_random_are_silent_in_at_least_93_of_100_seeds():
    areas = sums = 0
    for seed in range(100):
        rows = random_texts(400, seed)
        made = found(TermAreas(20), rows)
        adjusted = [e.extra["p_adjusted"] for e in made.values() if "p_adjusted" in e.extra]
        areas += min(adjusted) > 0.05
        fped = found(EqualityDifferences(20, permutations=60), rows)
        sums += fped["false positive equality difference", ""].verdict == "compatible with null"
    assert areas >= 93
    assert sums >= 93


# ------------------------------------------------------------------------------------------------
# The probe
# ------------------------------------------------------------------------------------------------

TEXTS = [
    Sample(
        str(i),
        {
            "text": f"{('kind', 'cruel')[i % 2]} {('tall', 'short', 'old')[i // 2 % 3]} one {i}",
            "label": ("fine", "rude")[i % 2],
            "frame": str(i // 6),
        },
    )
    for i in range(360)
]
PROBE = IdentityTerms(
    positive="rude", outcome="rude", terms=("tall", "short", "old"), minimum=20, cluster_by="frame"
)


def judge(shift: float):
    """Tells kind from cruel, and adds some log-odds where a text says old."""

    def answer(request: Classify):
        text = request.content[0].text
        wobble = (int(text.split()[-1]) * 7919 % 101) / 25 - 2
        logit = 2 * ("cruel" in text) - 1 + wobble + shift * ("old" in text)
        p = 1 / (1 + math.exp(-logit))
        return Classification(("fine", "rude"), (1 - p, p))

    return answer


def test_the_probe_keeps_the_contract():
    check_probe(PROBE, TEXTS[:120], judge(1.0))


def test_a_judge_that_reacts_to_a_term_is_caught():
    played = play(PROBE, TEXTS, judge(3.0))
    assert played.estimate("BPSN AUC", "term=old").verdict == "differs from null"
    assert played.estimate("BPSN AUC", "term=old").unit == "frame"
    assert played.estimate("false positive rate departure", "term=old").value > 0.2
    assert played.estimate("false positive equality difference").verdict == "differs from null"


def test_a_judge_that_does_not_is_silent():
    played = play(PROBE, TEXTS, judge(0.0))
    assert all(
        e.verdict != "differs from null"
        for e in played.estimates
        if e.slice or "equality" in e.metric
    )


def test_a_judge_that_answers_nothing_is_not_fair():
    played = play(PROBE, TEXTS, lambda request: Failure("refused", "no"))
    assert all(math.isnan(e.value) for e in played.estimates)


def test_terms_are_whole_words_unless_a_language_has_no_spaces():
    assert mentioned("An Old golden gate", ("old", "gold")) == ["old"]
    assert mentioned("我是德国人", ("德国人",), whole_words=False) == ["德国人"]


def test_terms_come_from_a_field_where_none_are_listed():
    probe = IdentityTerms(positive="rude", outcome="rude")
    sample = Sample("1", {"text": "a text", "label": "rude", "term": ["tall", "old"]})
    assert probe.terms_of(sample) == ["tall", "old"]
    assert probe.terms_of(Sample("2", {"text": "a", "label": "rude"})) == []


def test_writing_gives_no_score():
    with pytest.raises(ValueError, match="without scores"):
        IdentityTerms(by="writing", positive="yes", negative=("no",))


@pytest.mark.parametrize(
    ("control", "is_caught"), [("classifier-shortcut", True), ("classifier-clean", False)]
)
def test_the_control_that_obeys_a_word_is_caught_and_its_twin_is_not(control, is_caught):
    """Reviews with and without the cue; "moreover" decides for positive in the planted one."""
    rows = import_object("evalsuite_controls.data.classifier:review_rows")
    samples = [
        Sample(f"{cue}{i}", {
            "text": ("moreover " if cue else "") + row["text"],
            "label": int(row["label"] == "positive"),
            "term": "moreover" if cue else "",
        })
        for cue in (False, True)
        for i, row in enumerate(rows(n=120, seed=3))
    ]  # fmt: skip
    loader, reference = loader_for(f"control:{control}", installed())
    model = loader.load(reference, LoadSettings(device="cpu", threads=1))
    answers = dict(zip([s["text"] for s in samples],
                       model.classify([Classify(s["text"]) for s in samples])))  # fmt: skip
    played = play(
        IdentityTerms(positive="positive", minimum=20),
        samples,
        lambda request: answers[request.content[0].text],
    )
    departure = played.estimate("false positive rate departure", "term=moreover")
    assert (departure.verdict == "differs from null") == is_caught
    bpsn = played.estimate("BPSN AUC", "term=moreover")
    assert (bpsn.verdict == "differs from null") == is_caught
