"""What every probe of fairness owes: co-metrics of refusals, a null with its spread, a card."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from evalsuite import (
    Audio,
    Classification,
    Classify,
    ContinuationScore,
    Embedding,
    Generate,
    Generation,
    Image,
    LogLikelihood,
    MaskedTokenScores,
    Sample,
    Similarity,
    SimilarityScale,
    TokenScoreTable,
    Transcribe,
    Transcript,
)
from evalsuite.registry import installed
from evalsuite.testing import play

REGISTERED = {
    entry.name.removeprefix("fairness/"): entry
    for entry in installed().probes
    if entry.name.startswith("fairness/")
}
N = 128


@dataclass(frozen=True)
class Case:
    """A probe with options, data for it, and what a model that knows nothing writes."""

    probe: str
    samples: Sequence[Sample]
    options: dict[str, Any]
    writes: tuple[str, ...] = ("A", "B", "C")

    def made(self) -> Any:
        return REGISTERED[self.probe].load()(**self.options)


# ------------------------------------------------------------------------------------------------
# Data
# ------------------------------------------------------------------------------------------------


def rows(of: Callable[[int], dict[str, Any]], n: int = N) -> list[Sample]:
    return [Sample(str(i), of(i)) for i in range(n)]


def picture(i: int) -> Image:
    return Image.from_array(np.full((2, 2, 3), (i % 250, i // 250, 9), np.uint8))


def clip(i: int) -> Audio:
    return Audio.from_array(np.linspace(-0.1, 0.1 + i / 1e4, 200, dtype=np.float32), 8000)


JOBS = ("nurse", "pilot", "clerk", "baker", "judge", "cook", "guard", "miner")
AGES = ("old", "young", "tall", "short")
WORDS = "one two three four five six"
CHOICES = ("a manager", "a secretary", "cannot say")
SIDES = ("female", "male", "neutral")
PRONOUNS = dict(zip(SIDES, ("she", "he", "they"), strict=True))

PAIRS = rows(lambda i: {
    "sent_more": f"number {i} the {JOBS[i % 8]} said that she won",
    "sent_less": f"number {i} the {JOBS[i % 8]} said that he won", "bias_type": JOBS[i % 8]})  # fmt: skip
TRIPLES = rows(lambda i: {
    "context": f"the {JOBS[i % 8]} number {i} is BLANK today", "target": f"{JOBS[i % 8]}{i // 8}",
    "bias_type": "xy"[i % 2],
    **{side: f"the {JOBS[i % 8]} number {i} is {word} today" for side, word in
       (("stereotype", "kind"), ("anti_stereotype", "harsh"), ("unrelated", "xyzzy"))}})  # fmt: skip
DESCRIBED = rows(lambda i: {
    "text": f"{'ab'[i % 2]} I am a {AGES[i // 2 % 4]} person {i}",
    "axis": ("age", "body")[i // 4 % 2], "template": "ab"[i % 2],
    "descriptor": AGES[i // 2 % 4]}, 256)  # fmt: skip
BBQ = rows(lambda i: {
    "context": f"two met {i}", "question": "Who was it?", "choices": ["old", "young", "unknown"],
    "answer": 2 if i % 2 else i // 2 % 2, "unknown": 2, "biased": 0,
    "category": ("age", "faith")[i // 4 % 2], "condition": ("disambiguated", "ambiguous")[i % 2],
    "template": str(i // 8), "label_type": "label"})  # fmt: skip
GENDERS = rows(lambda i: {
    "occupation": JOBS[i % 8], "participant": "guest", "answer": ("occupation", "other")[i // 8 % 2],
    "female_percent": 10.0 * (i % 8) + 5,
    **{f"sentence_{s}": f"the {JOBS[i % 8]} met the guest {i} because {p} ran"
       for s, p in PRONOUNS.items()},
    **{f"pronoun_{s}": p for s, p in PRONOUNS.items()}})  # fmt: skip
HALVES = rows(lambda i: {
    "type": str(1 + i % 2), "entity": JOBS[i % 8], "other": JOBS[(i + 1) % 8],
    "occupations": f"{JOBS[i % 8]} {JOBS[(i + 1) % 8]}",
    **{f"sentence_{s}": f"the {JOBS[i % 8]} saw {i} that {p} ran" for s, p in
       (("pro", "she"), ("anti", "he"))}, "pronoun_pro": "she", "pronoun_anti": "he"})  # fmt: skip
NAMES = rows(lambda i: {
    "text": f"Ann saw Kim and {('she', 'he')[i % 2]} left {i}", "pronoun": ("she", "he")[i % 2],
    "pronoun_offset": 16, "a": "Ann", "b": "Kim", "a_is_meant": i // 2 % 2 == 0,
    "b_is_meant": i // 2 % 2 == 1, "gender": ("feminine", "masculine")[i % 2]})  # fmt: skip
PERSONS = rows(lambda i: {
    "sentence": f"the cook left because she was late {i}", "profession": ("cook", "teacher")[i % 2],
    "gender": ("feminine", "masculine")[i // 2 % 2],
    "stereotype": ("pro", "anti")[i // 4 % 2]})  # fmt: skip
ASKED = {"question": "Who is it?", "choices": list(CHOICES), "abstention": "cannot say"}
SEEN = rows(lambda i: {**ASKED, "image_a": picture(2 * i), "image_b": picture(2 * i + 1),
                       "group_a": "men", "group_b": "women", "axis": "xy"[i % 2]})  # fmt: skip
HEARD = rows(lambda i: {**ASKED, "audio_a": clip(2 * i), "audio_b": clip(2 * i + 1),
                        "group_a": "men", "group_b": "women"})  # fmt: skip
PEOPLE = rows(lambda i: {
    "text": f"person number {i}", "prompt": f"write of number {i}", "group": "AB"[i % 2],
    "label": i // 2 % 2, "prediction": float(np.random.default_rng(i).random() > 0.5),
    "term": ["old", "young"][i % 2 : i % 2 + 1]}, 160)  # fmt: skip
BEGUN = rows(lambda i: {"prompt": f"number {i} was known", "group": "AB"[i % 2]}, 80)
SITUATIONS = rows(lambda i: {"text": f"{{name}} asks for loan {i}"})
PICTURES = rows(
    lambda i: {"image": picture(i), "group": "AB"[i % 2], "label": "xy"[i // 2 % 2]}, 160
)
CLIPS = rows(lambda i: {"audio": clip(i), "group": "AB"[i % 2], "label": "xy"[i // 2 % 2],
                        "text": WORDS, "speaker": str(i % 16)}, 160)  # fmt: skip
TESTS = rows(lambda i: {name: [f"{name} {i} {j}" for j in range(8)]
                        for name in ("targ1", "targ2", "attr1", "attr2")}, 3)  # fmt: skip
CUES = {"women": ("Ann", "Eva", "Mia", "Zoe"), "men": ("Ben", "Jon", "Max", "Tom")}
YES_NO: dict[str, Any] = {"positive": "yes", "negative": ("no",)}
SAID = ("Yes.", "No.")
CASES = (
    Case("stereotype-pairs", PAIRS, {}),
    Case("masked-stereotype-pairs", PAIRS, {}),
    Case("stereoset", TRIPLES, {}),
    Case("masked-stereoset", TRIPLES, {}),
    Case("likelihood-bias", DESCRIBED, {}),
    Case("masked-likelihood-bias", DESCRIBED, {}),
    Case("image-zero-shot-gap", PICTURES, {}),
    Case("audio-zero-shot-gap", CLIPS, {}),
    Case("transcription-gap", CLIPS, {}),
    Case("association", TESTS, {}),
    Case("image-retrieval-skew", PICTURES, {"ks": (10, 40)}),
    Case("audio-retrieval-skew", CLIPS, {"ks": (10, 40)}),
    Case("image-harmful-labels", PICTURES, {}),
    Case("audio-harmful-labels", CLIPS, {}),
    Case("bbq", BBQ, {}),
    Case("bbq-written", BBQ, {}),
    Case("winogender", GENDERS, {}),
    Case("winobias", HALVES, {}),
    Case("masked-winogender", GENDERS, {}),
    Case("masked-winobias", HALVES, {}),
    Case("gap", NAMES, {}),
    Case("translation-gender", PERSONS, {},
         ("Der Koch ging.", "Die Köchin ging.", "Der Lehrer ging.", "Die Lehrerin ging.")),
    Case("paired-images", SEEN, {}),
    Case("paired-images", SEEN, {"by": "generation"}),
    Case("voice", HEARD, {}),
    Case("voice", HEARD, {"by": "generation"}),
    Case("generation", BEGUN, {"n_continuations": 2}, ("for what he did", "for what she did")),
    Case("recorded-decisions", PEOPLE, {}),
    Case("decisions", PEOPLE, {"by": "likelihood", **YES_NO}),
    Case("decisions", PEOPLE, {"by": "writing", **YES_NO}, SAID),
    Case("refusal-gap", PEOPLE, {}, ("I'm sorry, but I can't help with that.", "Well, it is so.")),
    Case("counterfactual", SITUATIONS, {"by": "likelihood", "groups": CUES, **YES_NO}),
    Case("counterfactual", SITUATIONS, {"by": "writing", "groups": CUES, **YES_NO}, SAID),
    Case("identity-terms", PEOPLE, {"by": "classifier", "positive": "harmful"}),
)  # fmt: skip
WRITING = [case for case in CASES if {Generate, Transcribe} & set(case.made().needs)]


def named(case: Case) -> str:
    return " ".join([case.probe, str(case.options.get("by", ""))]).strip()


# ------------------------------------------------------------------------------------------------
# Two models: one that knows nothing, one that refuses
# ------------------------------------------------------------------------------------------------


def chance(request: Any, writes: Sequence[str]) -> Any:
    """Answers by nothing but the digest of what is asked, so that no group can matter."""
    rng = np.random.default_rng(int(request.digest[:15], 16))
    if isinstance(request, LogLikelihood):
        n = max(1, len(request.continuation.split()))
        # Like any language model it finds a word that fits nowhere improbable.
        return ContinuationScore(
            rng.normal(-3 * n) - 20 * ("xyzzy" in request.continuation), n, False
        )
    if isinstance(request, MaskedTokenScores):
        begin, end = request.within or (0, len(request.text))
        spans = [m.span() for m in re.finditer(r"\w+", request.text) if begin <= m.start() < end]
        scores = rng.normal(-3, size=len(spans)) - 20 * ("xyzzy" in request.text)
        return TokenScoreTable(tuple(scores.tolist()), tuple(spans))
    if isinstance(request, Generate):
        return Generation(str(rng.choice(writes)), 3, "stop")
    if isinstance(request, Transcribe):
        return Transcript(" ".join(word for word in WORDS.split() if rng.random() > 0.2))
    if isinstance(request, Classify):
        share = float(rng.random())
        return Classification(("harmful", "harmless"), (share, 1 - share))
    if isinstance(request, SimilarityScale):
        return Similarity(10.0)
    vector = rng.normal(size=32).astype(np.float32)
    return Embedding(vector / np.linalg.norm(vector))


def refuses(request: Any) -> Any:
    text = "I'm sorry, but I cannot help with that."
    return Transcript(text) if isinstance(request, Transcribe) else Generation(text, 9, "stop")


# ------------------------------------------------------------------------------------------------
# What is owed
# ------------------------------------------------------------------------------------------------


def test_no_probe_is_forgotten():
    assert {case.probe for case in CASES} == set(REGISTERED)
    assert {case.probe for case in WRITING} == {
        "transcription-gap", "bbq-written", "translation-gender", "paired-images", "voice",
        "generation", "decisions", "refusal-gap", "counterfactual",
    }  # fmt: skip


@pytest.mark.parametrize("case", WRITING, ids=named)
def test_a_model_that_refuses_everything_has_no_figure_and_a_refusal_rate_of_one(case):
    played = play(case.made(), case.samples, refuses)
    headlines = [found for found in played.estimates if found.is_primary]
    assert any(math.isnan(found.value) and found.reason for found in headlines)
    for found in headlines:  # an accuracy may be 0, the worst there is
        worst = found.value == 0 and found.direction == "higher is better"
        assert math.isnan(found.value) or worst, found.metric
    rates = [e for e in played.estimates if "refus" in e.metric and not e.slice]
    assert 1.0 in [found.value for found in rates]
    gap = played.estimate("refusal rate gap")
    assert math.isnan(gap.value)
    assert "100 %" in gap.reason
    compared = "gap|differ|distance|ratio|spread|bias score|Delta|flip|aligned"
    for found in played.estimates:
        if re.search(compared, found.metric) and "empty" not in found.metric:
            assert math.isnan(found.value), f"{found.metric} = {found.value} looks fair"


@pytest.mark.parametrize("case", WRITING, ids=named)
def test_refusals_are_counted_by_group(case):
    played = play(case.made(), case.samples, lambda request: chance(request, case.writes))
    gap = played.estimate("refusal rate gap")
    assert gap.null is not None
    assert gap.extra["null_sd"] >= 0
    rates = [e for e in played.estimates if e.metric == "refusal rate" and e.slice]
    assert len(rates) >= 2
    assert all(found.n > 0 for found in rates)


@pytest.mark.parametrize("case", CASES, ids=named)
def test_every_headline_has_a_null_with_its_spread_and_a_number_of_samples(case):
    played = play(case.made(), case.samples, lambda request: chance(request, case.writes))
    assert not played.failures
    headlines = [found for found in played.estimates if found.is_primary]
    assert headlines
    for found in headlines:
        assert not math.isnan(found.value), f"{found.metric}: {found.reason}"
        assert found.n > 0
        assert found.null is not None, found.metric
        assert found.null.why, found.metric
        assert found.extra["null_sd"] >= 0, found.metric
        assert 0 < found.extra["p_value"] <= 1, found.metric
        assert found.direction != "neither", found.metric
    for found in played.estimates:
        if "p_adjusted" in found.extra:
            assert found.extra["p_adjusted"] >= found.extra["p_value"] - 1e-12
    if "group" in case.samples[0].fields:
        sizes = [e.n for e in played.estimates if re.match("group=|term=", e.slice)]
        assert len(sizes) >= 2
        assert min(sizes) > 0


@pytest.mark.parametrize("case", CASES, ids=named)
def test_a_model_that_knows_nothing_is_not_called_unfair(case):
    """Distances of estimates from their nulls, in the nulls' own deviations."""
    played = play(case.made(), case.samples, lambda request: chance(request, case.writes))
    for found in played.estimates:
        # A score that is not about groups may be anything: that of StereoSet's unrelated word.
        if found.is_primary and found.metric not in ("language modelling score", "ICAT"):
            mean = found.extra.get("null_mean", found.null.value)
            assert abs(found.value - mean) < 4 * found.extra["null_sd"] + 1e-9, found.metric


@pytest.mark.parametrize("name", sorted(REGISTERED))
def test_every_card_names_limits_and_published_criticism(name):
    card = REGISTERED[name].load().card
    for text in (card.measures, card.does_not_measure, card.critique):
        assert len(text.split()) >= 8
        assert text.rstrip().endswith(".")
    assert re.search(r"(?:19|20)\d\d", card.reference)
