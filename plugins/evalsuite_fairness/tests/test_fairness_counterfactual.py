"""Counterfactual exchange: worked numbers, deltas recovered, same-group exchange silent."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import energy_distance, wasserstein_distance

from evalsuite import (
    Audio,
    Classification,
    ContinuationScore,
    DataError,
    Embedding,
    Generation,
    Image,
    LoadSettings,
    Sample,
    Similarity,
    SimilarityScale,
    Table,
)
from evalsuite.content import text_of
from evalsuite.factories import loader_for
from evalsuite.registry import import_object, installed
from evalsuite.statistics import generator
from evalsuite.testing import check_probe, play
from evalsuite_fairness.decisions.counterfactual import Counterfactual
from evalsuite_fairness.decisions.voice_shift import shifted
from evalsuite_fairness.metrics.counterfactual_gaps import CounterfactualGaps
from evalsuite_fairness.metrics.exchange import Exchanges, excesses, pair_weights, wasserstein

# ------------------------------------------------------------------------------------------------
# The metric
# ------------------------------------------------------------------------------------------------

A, B = [0.0, 0.1, 0.2, 0.3], [0.1, 0.1, 0.4, 0.6]


def gaps(scores, cues, decisions=None, seed=0, **options):
    scores = np.asarray(scores, float)
    decisions = scores >= 0.5 if decisions is None else np.asarray(decisions)
    records = [
        {"_scores": s, "_decisions": d.astype(float)}
        for s, d in zip(scores, decisions, strict=True)
    ]
    metric = CounterfactualGaps(tuple(cues), **options)
    made = metric.estimate(Table.from_records(records), generator(seed, "gaps"))
    return {(e.metric, e.slice): e for e in made}


def test_the_worked_distances():
    # sorted, the sets differ by .1, 0, .2 and .3: mean .15; so do the pairs, signed -.15
    made = gaps(np.stack([A, B], axis=1), "AB")
    assert made["Wasserstein distance of scores", "groups=A - B"].value == pytest.approx(0.15)
    assert made["score gap", ""].value == pytest.approx(0.15)
    assert made["signed gap", "groups=A - B"].value == pytest.approx(-0.15)


def test_the_worked_weak_parity_is_the_signed_gap_of_decisions():
    # above .25 lie one of four of A and two of four of B: -.25
    above = np.stack([np.array(A) > 0.25, np.array(B) > 0.25], axis=1)
    made = gaps(above, "AB")
    assert made["signed gap", "groups=A - B"].value == pytest.approx(-0.25)


def test_the_worked_flip_rate():
    # A A B B A against A B B B C: two of five differ. Decisions are told apart as A or not, B or not.
    first, second = np.array(list("AABBA")), np.array(list("ABBBC"))
    assert np.mean(first != second) == pytest.approx(0.4)
    # As yes and no (yes for A): A A . . A against A . . . . differ in the same two inputs
    decisions = np.stack([first == "A", second == "A"], axis=1)
    made = gaps(decisions, "xy", decisions)
    assert made["flip rate", ""].value == pytest.approx(0.4)


def test_a_distance_of_sets_does_not_see_changes_that_cancel_and_pairs_do():
    made = gaps([[0.2, 0.8], [0.8, 0.2]], "AB")
    assert made["Wasserstein distance of scores", "groups=A - B"].value == 0.0
    assert made["score gap", ""].value == pytest.approx(0.6)
    assert made["flip rate", ""].value == 1.0


@pytest.mark.parametrize("seed", range(3))
def test_the_distance_is_that_of_scipy(seed):
    draw = np.random.default_rng(seed)
    first, second = draw.normal(size=17), draw.normal(size=23)
    assert wasserstein(first, second) == pytest.approx(wasserstein_distance(first, second))


def test_pairs_within_and_across_by_hand():
    # cues 0 and 1 of a, 3 of b: across |0-3| and |1-3|, within |0-1|
    of = Exchanges(np.array([[0.0, 1.0, 3.0]]), np.array(["a", "a", "b"]))
    assert of.across()[0] == pytest.approx(2.5)
    assert of.within()[0] == pytest.approx(1.0)


def test_the_excess_is_half_the_energy_distance_up_to_pairs_of_a_cue_with_itself():
    draw = np.random.default_rng(0)
    first, second = draw.normal(size=300), draw.normal(1, 1, size=300)
    of = Exchanges(np.concatenate([first, second])[None], np.repeat(["a", "b"], 300))
    excess = float((of.across() - of.within())[0])
    # scipy's is the root of twice this one, with a cue paired with itself as well
    assert excess == pytest.approx(energy_distance(first, second) ** 2 / 2, abs=0.01)


def test_many_labellings_at_once_give_what_each_gives_alone():
    draw = np.random.default_rng(1)
    of = Exchanges(draw.normal(size=(5, 7)), np.array(list("aaabbcc")))
    labels = np.stack([draw.permutation(of.groups) for _ in range(6)])
    alone = [
        ((pair_weights(one, same=False) - pair_weights(one, same=True)) * of.mean_distances()).sum()
        for one in labels
    ]
    assert excesses(of.mean_distances(), labels) == pytest.approx(alone)


def test_without_a_second_cue_there_is_no_floor():
    made = gaps(np.stack([A, B], axis=1), "AB")["score gap beyond the noise floor", ""]
    assert math.isnan(made.value)
    assert "two cues" in made.reason


def names_with_effects(seed, delta=0.0, inputs=30, per_group=6):
    """Scores where every name has an effect of its own, and one group another on top."""
    draw = np.random.default_rng(seed)
    effect = draw.normal(size=2 * per_group) * 0.3 + np.repeat([delta, 0.0], per_group)
    base = draw.normal(size=(inputs, 1))
    return base + effect + draw.normal(size=(inputs, 2 * per_group)) * 0.1


def test_names_that_differ_are_no_groups_that_differ_in_at_least_93_of_100_seeds():
    excess = signed = 0
    for seed in range(100):
        made = gaps(names_with_effects(seed), "aaaaaabbbbbb", seed=seed)
        gap = made["score gap beyond the noise floor", ""]
        excess += gap.verdict == "compatible with null"
        signed += made["signed gap", "groups=a - b"].verdict == "compatible with null"
    assert excess >= 93
    assert signed >= 93


def test_a_group_that_differs_stands_out_from_its_names():
    made = gaps(names_with_effects(0, delta=1.5), "aaaaaabbbbbb")
    assert made["score gap beyond the noise floor", ""].verdict == "differs from null"
    signed = made["signed gap", "groups=a - b"]
    assert signed.verdict == "differs from null"
    assert signed.extra["p_value"] < 0.01


# ------------------------------------------------------------------------------------------------
# The probe
# ------------------------------------------------------------------------------------------------

WOMEN, MEN = ("Anna", "Berta", "Clara", "Dora"), ("Emil", "Franz", "Georg", "Hugo")
BOTH = {"women": WOMEN, "men": MEN}
INPUTS = [
    Sample(str(i), {"text": f"{{name}} applied for post {i}", "scenario": str(i // 3)})
    for i in range(45)
]
YES_NO = {"by": "likelihood", "positive": "yes", "negative": ("no",), "scale": "log-odds"}


def favouring(delta: float):
    """Adds delta to the log-odds of yes where a woman's name occurs; names wobble a little."""

    def answer(request):
        text = text_of(request.context)
        base = (int(text.split()[-1]) % 7 - 3) / 2
        if request.continuation != " yes":
            return ContinuationScore(0.0, 1, False)
        name = text.split()[0]
        wobble = {"A": 0.02, "B": -0.01, "E": 0.01, "F": -0.02}.get(name[0], 0.0)
        return ContinuationScore(base + wobble + delta * (name in WOMEN), 1, False)

    return answer


@pytest.mark.parametrize("delta", [0.3, 1.0, -0.5])
def test_a_delta_on_the_log_odds_is_recovered(delta):
    played = play(Counterfactual(groups=BOTH, **YES_NO), INPUTS, favouring(delta))
    signed = played.estimate("signed gap", "groups=men - women")
    assert signed.value == pytest.approx(-delta, abs=0.01)
    assert signed.verdict == "differs from null"
    assert signed.extra["p_adjusted"] < 0.05
    gap = played.estimate("score gap beyond the noise floor")
    assert gap.value == pytest.approx(abs(delta), abs=0.03)
    assert gap.verdict == "differs from null"


def test_exchanging_names_of_one_group_is_silent():
    halves = {"some women": WOMEN[:2], "other women": WOMEN[2:]}
    played = play(Counterfactual(groups=halves, margin=0.03, **YES_NO), INPUTS, favouring(1.0))
    gap = played.estimate("score gap beyond the noise floor")
    assert gap.verdict == "compatible with null"
    assert played.estimate("flip rate beyond the noise floor").verdict == "compatible with null"


def test_the_probe_keeps_the_contract():
    check_probe(Counterfactual(groups=BOTH, **YES_NO), INPUTS[:12], favouring(0.5))


def test_everything_of_an_input_is_asked_at_once_and_only_once():
    probe = Counterfactual(groups=BOTH, cluster_by="scenario", **YES_NO)
    played = play(probe, INPUTS, favouring(0.5))
    assert len(played.requests) == 45 * 8 * 2
    assert played.estimate("score gap").unit == "scenario"


def test_a_classifier_gives_probabilities_and_flips():
    def answer(request):
        p = 0.7 if text_of(request.content).split()[0] in WOMEN else 0.4
        return Classification(("yes", "no"), (p, 1 - p))

    played = play(Counterfactual(groups=BOTH, positive="yes"), INPUTS, answer)
    assert played.estimate("score gap").value == pytest.approx(0.3)
    assert played.estimate("flip rate beyond the noise floor").value == 1.0


def test_a_writer_that_refuses_one_group_is_caught_and_no_decision_is_no_flip():
    def answer(request):
        if text_of(request.prompt).split()[0] in WOMEN:
            return Generation("I can't help with that.", 6, "stop")
        return Generation("Yes", 1, "stop")

    probe = Counterfactual(groups=BOTH, by="writing", positive="yes", negative=("no",))
    played = play(probe, INPUTS, answer)
    assert played.estimate("refusal flip rate beyond the noise floor").value == 1.0
    assert played.estimate("refusal rate").value == 0.5
    assert math.isnan(played.estimate("flip rate beyond the noise floor").value)


def test_a_writer_that_always_refuses_is_not_fair():
    probe = Counterfactual(groups=BOTH, by="writing", positive="yes", negative=("no",))
    played = play(probe, INPUTS, lambda r: Generation("Sorry, I cannot answer that.", 6, "stop"))
    for name in ("flip rate", "refusal flip rate"):
        assert math.isnan(played.estimate(f"{name} beyond the noise floor").value)
    assert played.estimate("refusal rate").value == 1.0


def test_paired_pictures_by_columns():
    def picture(value):
        return Image.from_array(np.full((2, 2, 3), value, np.uint8))

    samples = [
        Sample(str(i), {"w1": picture(i), "w2": picture(60 + i), "m1": picture(120 + i),
                        "m2": picture(180 + i)})
        for i in range(40)
    ]  # fmt: skip

    def answer(request):
        is_man = np.asarray(request.context[0].load())[0, 0, 0] >= 120
        return ContinuationScore(
            -1.0 if is_man == (request.continuation == " yes") else -2.0, 1, True
        )

    probe = Counterfactual(
        groups={"women": ("w1", "w2"), "men": ("m1", "m2")}, cue="column", prompt="A doctor?",
        **YES_NO,
    )  # fmt: skip
    played = play(probe, samples, answer)
    signed = played.estimate("signed gap", "groups=men - women")
    assert signed.value == pytest.approx(2.0)
    assert signed.verdict == "differs from null"
    assert signed.extra["p_value"] < 0.01
    assert played.estimate("flip rate beyond the noise floor").value == 1.0
    assert text_of(played.requests[0].context) == "A doctor?"


def test_paired_texts_by_columns():
    samples = [Sample(str(i), {"she": f"Anna {i}", "he": f"Emil {i}"}) for i in range(40)]
    probe = Counterfactual(groups={"f": ("she",), "m": ("he",)}, cue="column", **YES_NO)
    signed = play(probe, samples, favouring(0.4)).estimate("signed gap", "groups=f - m")
    assert signed.value == pytest.approx(0.4, abs=0.05)
    assert signed.verdict == "differs from null"


def tone(hz: float, seconds: float = 0.5, rate: int = 16_000) -> Audio:
    times = np.arange(round(seconds * rate)) / rate
    return Audio.from_array((0.3 * np.sin(2 * np.pi * hz * times)).astype(np.float32), rate)


def peak_hz(audio: Audio) -> float:
    waveform, rate = audio.load()
    power = np.abs(np.fft.rfft(waveform * np.hanning(len(waveform))))
    return float(np.argmax(power) * rate / len(waveform))


@pytest.mark.parametrize(
    ("semitones", "wanted"), [(12, 880), (-12, 220), (4, 554.37), (-3, 369.99)]
)
def test_a_voice_is_shifted_and_keeps_its_length(semitones, wanted):
    clip = tone(440)
    moved = shifted(clip, semitones)
    assert peak_hz(moved) == pytest.approx(wanted, rel=0.01)
    assert len(moved.load()[0]) == len(clip.load()[0])
    assert moved.digest != clip.digest
    assert shifted(clip, 0) is clip


def test_a_very_short_clip_is_shifted_too():
    assert len(shifted(tone(440, seconds=0.01), 3).load()[0]) == 160


def test_shifted_voices_are_compared():
    clips = [Sample(str(i), {"audio": tone(300 + 5 * i)}) for i in range(30)]

    def answer(request):
        if isinstance(request, SimilarityScale):
            return Similarity(1.0)
        if hasattr(request, "text"):
            return Embedding(np.eye(2, dtype=np.float32)[int(request.text == "a leader")])
        angle = min(peak_hz(request.audio) / 1000, 1.5)
        return Embedding(np.array([math.sin(angle), math.cos(angle)], np.float32))

    probe = Counterfactual(
        groups={"lower": ("-4", "-3"), "higher": ("3", "4")}, cue="pitch", medium="audio",
        by="nearness", positive="a leader", negative=("a helper",), scale="log-odds",
    )  # fmt: skip
    played = play(probe, clips, answer)
    signed = played.estimate("signed gap", "groups=higher - lower")
    assert signed.value < -0.1
    assert signed.verdict == "differs from null"
    gap = played.estimate("score gap beyond the noise floor")
    assert gap.value > 0.1
    assert gap.verdict == "differs from null"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"groups": {"a": ("x",)}}, "two groups"),
        ({"groups": {"a": ("x",), "b": ("x",)}}, "twice"),
        ({"cue": "pitch"}, "`medium`"),
        ({"cue": "pitch", "medium": "audio"}, "number of semitones"),
        ({"by": "likelihood"}, "scale: log-odds"),
    ],
)
def test_options_that_compare_nothing_are_refused(options, told):
    with pytest.raises(ValueError, match=told):
        Counterfactual(**{"groups": BOTH, **options})


def test_a_text_without_a_place_for_the_name_is_an_error():
    with pytest.raises(DataError, match="no {name}"):
        play(Counterfactual(groups=BOTH, **YES_NO), [Sample("1", {"text": "x"})], favouring(1))


@pytest.mark.parametrize(
    ("control", "planted"), [("text-stereotyped", 2 * math.log(9)), ("text-clean", 0)]
)
def test_the_planted_pronoun_bias_is_recovered_and_the_clean_twin_is_silent(control, planted):
    """P(she | occupation) is .9 or .1 in the planted model: 4.39 between the log-odds."""
    shares = import_object("evalsuite_controls.data.language:PLANTED_SHE")
    templates = import_object("evalsuite_controls.data.language:OCCUPATION_TEMPLATES")
    samples = [
        Sample(str(i), {"text": one.format(job="{name}", pronoun="|").split(" |")[0]})
        for i, one in enumerate(templates)
        if "{job}" in one.split("{pronoun}")[0]
    ]
    by_share = {
        name: tuple(job for job, she in shares.items() if she == share)
        for name, share in (("typed female", 0.9), ("typed male", 0.1))
    }
    probe = Counterfactual(
        groups=by_share, by="likelihood", positive="she", negative=("he",), scale="log-odds",
        margin=0.1,
    )  # fmt: skip
    loader, reference = loader_for(f"control:{control}", installed())
    model = loader.load(reference, LoadSettings(device="cpu", threads=1))
    played = play(probe, samples, lambda request: model.loglikelihood([request])[0])
    signed = played.estimate("signed gap", "groups=typed female - typed male")
    assert signed.value == pytest.approx(planted, abs=0.44 if planted else 0.1)
    assert (signed.verdict == "differs from null") == bool(planted)
