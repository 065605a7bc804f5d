"""Group fairness of decisions: worked numbers, every way of deciding, refusals never fair."""

from __future__ import annotations

import math

import numpy as np
import pytest
from fairlearn.metrics import equal_opportunity_difference as fairlearn_equal_opportunity

from evalsuite import (
    Audio,
    Classification,
    Classify,
    ContinuationScore,
    DataError,
    Embedding,
    Failure,
    Generation,
    Image,
    Sample,
    Similarity,
    SimilarityScale,
    Table,
)
from evalsuite import statistics as rates
from evalsuite.content import text_of
from evalsuite.statistics import generator
from evalsuite.testing import check_probe, play
from evalsuite_fairness.decisions.group_fairness import GroupFairness
from evalsuite_fairness.decisions.ways import settled
from evalsuite_fairness.metrics.decision_counts import DecisionCounts, Rates
from evalsuite_fairness.metrics.disparities import KINDS, DecisionDisparities

# ------------------------------------------------------------------------------------------------
# The metric
# ------------------------------------------------------------------------------------------------

Y = [1, 1, 1, 1, 0, 0, 1, 1, 1, 0, 0, 0]
P = [1, 1, 1, 0, 1, 0, 1, 0, 0, 0, 0, 1]
WORKED = [
    {"label": y, "decision": p, "group": "AB"[i >= 6]}
    for i, (y, p) in enumerate(zip(Y, P, strict=True))
]


def estimates(rows, minimum=1, seed=0, **options):
    metric = DecisionDisparities(minimum, **options)
    found = metric.estimate(Table.from_records(rows), generator(seed, "decisions"))
    return {(e.metric, e.slice): e for e in found}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        # A: 4 of 6 selected, TPR 3/4, FPR 1/2, 4 of 6 right; B: 2 of 6, 1/3, 1/3, 3 of 6
        ("demographic parity difference", 0.333333),
        ("demographic parity ratio", 0.5),
        ("equalized odds difference", 0.416667),
        ("mean odds difference", 0.291667),  # (5/12 + 1/6) / 2: another convention, another number
        ("equalized odds ratio", 0.444444),
        ("equal opportunity difference", 0.416667),
        ("accuracy difference", 0.166667),
        ("worst group accuracy", 0.5),
    ],
)
def test_disparities_by_hand(name, value):
    assert estimates(WORKED)[name, ""].value == pytest.approx(value, abs=1e-6)


def test_fairlearn_alone_takes_a_group_without_positives_for_the_worst():
    # C has no positives. fairlearn gives it a true-positive rate of 0, and 0.75 - 0 as difference.
    rows = [*WORKED, *({"label": 0, "decision": i % 2, "group": "C"} for i in range(4))]
    truth, decision, group = (
        [row[name] for row in rows] for name in ("label", "decision", "group")
    )
    wrong = fairlearn_equal_opportunity(truth, decision, sensitive_features=group)
    assert wrong == pytest.approx(0.75)
    found = estimates(rows)["equal opportunity difference", ""]
    assert found.value == pytest.approx(0.416667, abs=1e-6)
    assert found.extra["left out"] == "C"


def random_rows(n, seed, **shares):
    """Rows whose decisions are positive with the share of their group."""
    draw = np.random.default_rng(seed)
    names = list(shares)
    return [
        {
            "label": int(draw.random() < 0.5),
            "decision": int(draw.random() < shares[names[i % len(names)]]),
            "group": names[i % len(names)],
        }
        for i in range(n)
    ]


@pytest.mark.parametrize("name", list(KINDS))
def test_rates_of_counts_give_what_metric_frame_gives(name):
    rows = random_rows(60, 3, A=0.7, B=0.4, C=0.5)
    columns = [np.array([row[key] for row in rows]) for key in ("label", "decision", "group")]
    table = rates.group_rates(*columns, min_group_size=1, min_positives=1, min_negatives=1)
    codes = np.array(["ABC".index(group) for group in columns[2]])
    counts = DecisionCounts(2 * columns[0] + columns[1], codes, 3).observed()
    every = np.ones(3, bool)
    has = dict.fromkeys(
        ("selection_rate", "true_positive_rate", "false_positive_rate", "accuracy"), every
    )
    plain = KINDS[name].of_table(table).value
    assert KINDS[name].of_rates(Rates.of(counts, has))[0] == pytest.approx(plain)


def test_resampled_counts_are_those_of_resampled_rows():
    # Group A has 30 rows, 12 of them positive: counts of resamples are Binomial(30, .4)
    cells = np.array([0] * 18 + [1] * 12 + [3] * 5)
    counts = DecisionCounts(cells, np.array([0] * 30 + [1] * 5), 2).resampled(generator(0, "r"))
    positive = counts[:, 0, :, 1].sum(axis=1)
    assert (counts[:, 0].sum(axis=(1, 2)) == 30).all()
    assert positive.mean() == pytest.approx(12, abs=0.3)
    assert positive.var() == pytest.approx(30 * 0.4 * 0.6, rel=0.15)


def test_the_permutation_null_is_exact_for_few_rows():
    # decisions 1 1 0 0, two in each group: 2 of 6 arrangements differ by 1, 4 by 0
    rows = [{"label": i % 2, "decision": int(i < 2), "group": "AABB"[i]} for i in range(4)]
    found = estimates(rows)["demographic parity difference", ""]
    assert found.null.value == pytest.approx(2 / 6)
    assert found.extra["p_value"] == pytest.approx(2 / 6)


def test_people_that_occur_often_widen_the_interval():
    once = random_rows(60, 5, A=0.6, B=0.4)
    often = [{**row, "who": str(i)} for i, row in enumerate(once) for _ in range(10)]
    as_rows, as_people = estimates(often), estimates(often, clusters="who")
    key = ("demographic parity difference", "")
    assert as_people[key].value == as_rows[key].value

    def width(e):
        return e.high - e.low

    assert width(as_people[key]) > 2 * width(as_rows[key])
    assert width(as_people[key]) == pytest.approx(width(estimates(once)[key]), rel=0.2)


def test_a_planted_difference_is_recovered_and_shuffled_groups_are_silent():
    rows = random_rows(2000, 0, A=0.7, B=0.4)
    found = estimates(rows, minimum=30)["demographic parity difference", ""]
    assert found.low < 0.3 < found.high
    assert found.verdict == "differs from null"
    silent = 0
    for seed in range(100):
        shuffled = np.random.default_rng(seed).permutation([row["group"] for row in rows])
        part = [{**row, "group": g} for row, g in zip(rows[:400], shuffled, strict=False)]
        alike = estimates(part, minimum=30, seed=seed)["demographic parity difference", ""]
        silent += alike.low <= alike.null.value <= alike.high
    assert silent >= 93


def test_intersections_and_each_column_have_estimates_with_adjusted_p_values():
    rows = [
        {
            "label": (i // 4) % 2,
            "sex": "fm"[i % 2],
            "age": ("old", "young")[i // 2 % 2],
            # only young women are turned down, half of the time
            "decision": int(not (i % 4 == 2 and (i // 8) % 2)),
        }
        for i in range(640)
    ]
    found = estimates(rows, minimum=30, groups=("sex", "age"))
    key = "demographic parity difference"
    assert found[key, ""].value == pytest.approx(0.5)
    assert found[key, "groups=sex"].value == pytest.approx(0.25)
    assert found[key, "groups=age"].value == pytest.approx(0.25)
    assert found[key, ""].extra["lowest"] == "f x young"
    assert found["selection rate", "sex x age=f x young"].value == pytest.approx(0.5)
    assert found[key, "groups=sex"].extra["n_comparisons"] == 3
    assert found[key, "groups=sex"].extra["p_adjusted"] >= found[key, "groups=sex"].extra["p_value"]


# ------------------------------------------------------------------------------------------------
# The probe, in every way of deciding
# ------------------------------------------------------------------------------------------------

N = 400


def people(**media):
    """Texts that name the group; every second person has the outcome."""
    return [
        Sample(
            str(i),
            {"text": f"person {i} of {'AB'[i % 2]}", "label": (i // 2) % 2, "group": "AB"[i % 2],
             **{name: make(i) for name, make in media.items()}},
        )
        for i in range(N)
    ]  # fmt: skip


def is_hired(i: int) -> bool:
    """7 of 10 of A and 4 of 10 of B, whatever the outcome."""
    return (i // 4) % 10 < (7, 4)[i % 2]


def number_in(content) -> int:
    return int(text_of(content).split()[1])


def picture(i: int) -> Image:
    return Image.from_array(np.full((2, 2, 3), (i % 250, i // 250, 0), np.uint8))


def clip(i: int) -> Audio:
    return Audio.from_array(np.full(8, i / 500, np.float32), 8000)


def number_of(medium) -> int:
    if isinstance(medium, Image):
        low, high, _ = np.asarray(medium.load())[0, 0]
        return int(low) + 250 * int(high)
    return round(float(medium.load()[0][0]) * 500)


def classifier(request):
    p = 0.8 if is_hired(number_in(request.content)) else 0.3
    return Classification(("hire", "reject"), (p, 1 - p))


def language_model(request):
    yes = request.continuation == " yes"
    return ContinuationScore(-1.0 if yes == is_hired(number_in(request.context)) else -3.0, 1, True)


def writer(request):
    return Generation("Yes." if is_hired(number_in(request.prompt)) else "No, sorry.", 2, "stop")


def encoder(request):
    if isinstance(request, SimilarityScale):
        return Similarity(10.0)
    medium = getattr(request, "image", None) or getattr(request, "audio", None)
    hired = is_hired(number_of(medium)) if medium else request.text == "a good worker"
    return Embedding(np.eye(2, dtype=np.float32)[int(hired)])


YES = {"positive": "yes", "negative": ("no",), "prompt": "{{ text }} Hire?"}
WORKER = {"by": "nearness", "positive": "a good worker", "negative": ("a bad worker",)}
WAYS = [
    (GroupFairness(by="classifier", positive="hire"), people(), classifier),
    (GroupFairness(by="likelihood", **YES), people(), language_model),
    (GroupFairness(by="writing", **YES), people(), writer),
    (GroupFairness(medium="image", **WORKER), people(image=picture), encoder),
    (GroupFairness(medium="audio", **WORKER), people(audio=clip), encoder),
    (GroupFairness(by="likelihood", medium="image", **YES), people(image=picture), language_model),
    (GroupFairness(by="writing", medium="audio", **YES), people(audio=clip), writer),
]


@pytest.mark.parametrize(
    ("probe", "samples", "model"), WAYS, ids=[f"{p.by}-{p.medium or 'text'}" for p, _, _ in WAYS]
)
def test_a_planted_disparity_is_recovered_however_a_model_decides(probe, samples, model):
    played = play(probe, samples, model)
    found = played.estimate("demographic parity difference")
    assert found.value == pytest.approx(0.3)
    assert found.verdict == "differs from null"
    assert (found.extra["lowest"], found.extra["highest"]) == ("B", "A")
    assert played.estimate("selection rate", "group=B").value == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("probe", "samples", "model"), WAYS, ids=[f"{p.by}-{p.medium or 'text'}" for p, _, _ in WAYS]
)
def test_the_probe_keeps_the_contract(probe, samples, model):
    check_probe(probe, samples[:40], model)


def test_a_medium_stands_before_the_prompt():
    probe, samples, model = WAYS[5]
    asked = play(probe, samples[:1], model).requests[0]
    assert isinstance(asked.context[0], Image)
    assert text_of(asked.context) == "person 0 of A Hire?"


def test_a_model_that_refuses_everything_is_not_fair():
    # HELM's DecodingTrust metric finds "no" in "cannot", reads 0 for everyone, and reports a
    # demographic parity and equalized odds difference of 0: perfectly fair.
    def answer(request):
        return Generation("I'm sorry, but I cannot help with that.", 9, "stop")

    played = play(GroupFairness(by="writing", **YES), people(), answer)
    for name in KINDS:
        assert math.isnan(played.estimate(name).value)
    assert "not fair" in played.estimate("equalized odds difference").reason
    assert played.estimate("refusal rate").value == 1.0
    assert math.isnan(played.estimate("refusal rate gap").value)


def test_a_model_that_writes_nothing_is_not_fair():
    played = play(GroupFairness(by="writing", **YES), people(), lambda r: Generation("", 0, "stop"))
    assert math.isnan(played.estimate("demographic parity difference").value)
    assert played.estimate("empty replies").value == 1.0
    assert played.estimate("rate of replies without a decision").value == 1.0


def test_refusing_one_group_shows_beside_the_rates():
    def answer(request):
        i = number_in(request.prompt)
        if i % 2 and (i // 2) % 4 == 0:
            return Generation("I can't assist with that request.", 7, "stop")
        return writer(request)

    played = play(GroupFairness(by="writing", **YES), people(), answer)
    gap = played.estimate("refusal rate gap")
    assert gap.value == pytest.approx(0.25)
    assert gap.verdict == "differs from null"
    assert played.estimate("replies that decide").value == pytest.approx(0.875)


def test_a_failed_request_is_counted_and_no_decision():
    def answer(request):
        if number_in(request.content) < 100:
            return Failure("timeout", "too late")
        return classifier(request)

    found = play(WAYS[0][0], people(), answer).estimate("demographic parity difference")
    assert (found.n, found.n_failed) == (300, 100)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("Yes", 0), ("no.", 1), ("The answer is: yes", 0), ("No, they do not.", 1),
        ("A", None), ("yes or no", None), ("Not at all", None), ("nobody", None), ("", None),
        ("I would say yes", None),
    ],
)  # fmt: skip
def test_only_a_plain_reply_settles_on_an_option(text, place):
    assert settled(text, ("yes", "no")) == place


def test_a_label_that_the_model_lacks_is_an_error_that_names_its_labels():
    with pytest.raises(DataError, match="hire, reject"):
        play(GroupFairness(by="classifier", positive="Hire"), people()[:1], classifier)


def test_an_outcome_that_is_no_number_must_be_named():
    sample = Sample("1", {"text": "person 0", "label": ">50K", "group": "A"})
    with pytest.raises(DataError, match="outcome"):
        play(GroupFairness(by="classifier", positive="hire"), [sample], classifier)
    named = GroupFairness(by="classifier", positive="hire", outcome=">50K")
    assert play(named, [sample], classifier).records[0]["label"] == 1


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"by": "likelihood", "positive": "yes"}, "needs the options"),
        ({"positive": "yes", "negative": ("yes",)}, "both"),
        ({"positive": ""}, "at least one"),
        ({"prompt": "{{ x"}, "Jinja"),
        ({"threshold": 1.5}, "between 0 and 1"),
        ({"group": ()}, "at least one field"),
        ({"by": "nearness", "negative": ("b",), "medium": "photo"}, "begin with image or audio"),
    ],
)
def test_options_that_leave_nothing_to_decide_are_refused(options, told):
    with pytest.raises(ValueError, match=told):
        GroupFairness(**options)


def test_a_classifier_is_asked_once_about_each_person():
    played = play(WAYS[0][0], people(), classifier)
    assert len(played.requests) == N
    assert all(isinstance(request, Classify) for request in played.requests)
