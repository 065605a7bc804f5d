"""One probe explains every answer of every model: maps, curves, and what is said of them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from word_reader import reading

from evalsuite import (
    AnswerSpan,
    Attribute,
    Audio,
    Classification,
    Classify,
    ClassifyWord,
    ContinuationScore,
    EmbedAudio,
    Embedding,
    EmbedText,
    Image,
    LabelTokens,
    LogLikelihood,
    MaskedTokenScores,
    Sample,
    ScoreSpan,
    Similarity,
    SimilarityScale,
    Span,
    TokenLabels,
    TokenScoreTable,
    Transcribe,
    Transcript,
    UsageError,
)
from evalsuite.testing import check_probe, play
from evalsuite_explain.measures.bounds import steps_of
from evalsuite_explain.measures.faithfulness import curve_area, curve_counts, ranking, top_counts
from evalsuite_explain.probes.attribution import Attribution as AttributionProbe
from evalsuite_explain.probes.chosen import SUBJECTS
from evalsuite_explain.probes.subjects import before_last_word

OCCLUDED = {"explainers": ("occlusion",)}
TEXTS = [f"film {i} was really good tonight" for i in range(6)]
REVIEWS = [Sample(str(i), {"text": text}) for i, text in enumerate(TEXTS)]


# ------------------------------------------------------------------------------------------------
# Curves
# ------------------------------------------------------------------------------------------------


def test_curves_begin_with_all_and_end_with_nothing_and_the_other_way_round():
    played = play(AttributionProbe(), REVIEWS, reading("good"))
    for record in played.records:
        falling, rising = json.loads(record["curve"]), json.loads(record["insertion_curve"])
        # six words: the one that decides is taken away first, and put back first
        assert [row[0] for row in falling] == pytest.approx([i / 6 for i in range(7)], abs=1e-4)
        assert [row[1] for row in falling] == [0.9, *[0.5] * 6]
        assert [row[1] for row in rising] == [0.5, *[0.9] * 6]
        assert (falling[0][2], falling[-1][2], rising[0][2], rising[-1][2]) == (0.9, 0.5, 0.5, 0.9)


def test_areas_are_those_under_the_drawn_curves():
    played = play(AttributionProbe(), REVIEWS, reading("good"))
    for record in played.records:
        rows = np.array(json.loads(record["curve"]))
        # (.9 + .5) / 2 over the first sixth, then .5
        assert record["deletion_area"] == pytest.approx(0.7 / 6 + 0.5 * 5 / 6)
        assert record["deletion_area"] == pytest.approx(
            np.trapezoid(rows[:, 1], rows[:, 0]), abs=1e-4
        )
        drawn = np.trapezoid(rows[:, 2] - rows[:, 1], rows[:, 0])
        assert record["deletion_gain"] == pytest.approx(drawn, abs=1e-4)


def test_long_inputs_have_a_few_points_and_all_fractions():
    assert curve_counts(6, 16) == [0, 1, 2, 3, 4, 5, 6]
    counts = curve_counts(300, 4)
    # quarters, and 1, 5, 10, 20 and 50 per cent
    assert counts == [0, 3, 15, 30, 60, 75, 150, 225, 300]
    assert set(top_counts(300)) <= set(counts)


def test_few_points_of_a_straight_curve_have_the_area_of_all():
    assert curve_area([1.0, 0.9, 0.5, 0.0], [0.0, 0.1, 0.5, 1.0]) == pytest.approx(0.5)


def test_what_is_measured_is_what_a_plain_loop_measures():
    # each word is worth something else; scores are asked of no one
    worth = {
        word: 0.02 * (i + 1)
        for i, word in enumerate(["film", "0", "was", "really", "good", "tonight"])
    }

    def answer(request):
        share = 0.3 + sum(worth.get(w, 0) for w in request.content[0].text.split())
        return Classification(("bad", "good"), (1 - share, share))

    sample = REVIEWS[0]
    (record,) = play(AttributionProbe(**OCCLUDED), [sample], answer).records
    words = sample["text"].split()
    order = ranking([score for _, score in json.loads(record["word_scores"])])
    left = [" ".join(w for w, kept in zip(words, row) if kept) for row in steps_of(order)]
    back = [" ".join(w for w, kept in zip(words, row) if kept) for row in ~steps_of(order)]

    def probability(text):
        found = answer(Classify(text))
        return found.probability("good" if record["predicted"] == "good" else "bad")

    falling, rising = [[probability(text) for text in texts] for texts in (left, back)]
    tops = [1, 1, 1, 2, 3]  # 1, 5, 10, 20 and 50 per cent of six words, rounded up
    assert record["deletion_area"] == pytest.approx(curve_area(falling))
    assert record["insertion_area"] == pytest.approx(curve_area(rising))
    assert record["comprehensiveness"] == pytest.approx(
        falling[0] - np.mean([falling[k] for k in tops])
    )
    assert record["sufficiency"] == pytest.approx(falling[0] - np.mean([rising[k] for k in tops]))


# ------------------------------------------------------------------------------------------------
# Several explainers
# ------------------------------------------------------------------------------------------------


def test_every_explainer_has_a_map_and_curves_of_its_own():
    probe = AttributionProbe(explainers=("integrated_gradients", "lime", "random"))
    (record, *_) = play(probe, REVIEWS, reading("good")).records
    for column in ("word_scores", "curve", "insertion_curve"):
        assert json.loads(record[column])
        assert json.loads(record[f"{column} of lime"])
    assert record["deletion_area of lime"] == pytest.approx(record["deletion_area"])
    assert record["deletion_area of occlusion"] == pytest.approx(record["deletion_area"])
    assert record["deletion_area of random"] > record["deletion_area"]


def test_occlusion_is_not_asked_twice():
    names = [metric.name for metric in AttributionProbe(**OCCLUDED).metrics]
    assert "deletion area of occlusion" not in names
    assert "deletion area of a random explainer" in names
    assert len(names) == len(set(names))


def test_a_random_explainer_gains_nothing_and_a_true_one_does():
    rows = REVIEWS * 3
    for name, verdict in (("random", "compatible with null"), ("occlusion", "differs from null")):
        played = play(AttributionProbe(explainers=(name,)), rows, reading("good"))
        assert played.estimate("deletion gain over random").verdict == verdict


def test_a_model_that_reads_nothing_has_nothing_to_explain():
    played = play(AttributionProbe(), REVIEWS, reading(None))
    for name in ("deletion gain over random", "insertion gain over random"):
        assert played.estimate(name).value == 0.0
    assert np.isnan(played.estimate("infidelity").value)


# ------------------------------------------------------------------------------------------------
# Every medium and target
# ------------------------------------------------------------------------------------------------


def brightness(part):
    return float(np.asarray(part.load())[-8:, -8:].mean()) / 255


def power(part):
    waveform, _ = part.load()
    return float(np.sqrt(np.mean(waveform[-len(waveform) // 4 :] ** 2)))


def level(content):
    """What a model of pictures or clips goes by: a corner, or the last quarter."""
    part = content if isinstance(content, Image | Audio) else content[0]
    return brightness(part) if isinstance(part, Image) else power(part)


def at_a_place(request):
    """Answers about a place of a text by whether "good" stands anywhere in it."""
    if isinstance(request, LabelTokens):
        labels = ["THING" if word == "film" else "O" for word in request.words]
        return TokenLabels(tuple(labels), (0.9,) * len(labels))
    if isinstance(request, ClassifyWord):
        share = 0.1 + 0.8 * ("good" in request.words)
        return Classification(("O", "THING"), (1 - share, share))
    if isinstance(request, MaskedTokenScores):
        return TokenScoreTable((-2.0 + ("good" in request.text) - ("no" in request.text.split()),))
    if isinstance(request, AnswerSpan):
        begin = request.context.index("film")
        return Span("film", begin, begin + 4, 3.0, 0.0)
    found = request.context[request.start : request.end]
    return Span(found, request.start, request.end, 2.0 + ("good" in request.context), 0.0)


def model_of_everything(request):
    """Answers any request by whether "good" is there, or by how strong a corner or an end is."""
    if isinstance(request, SimilarityScale):
        return Similarity(4.0)
    if isinstance(request, EmbedText):
        return Embedding(np.array([1, 0] if "bright" in request.text else [0, 1], np.float32))
    if isinstance(request, MaskedTokenScores | LabelTokens | ClassifyWord | AnswerSpan | ScoreSpan):
        return at_a_place(request)
    if isinstance(request, Transcribe):
        return Transcript("one two" if power(request.audio) > 0.05 else "one")
    if isinstance(request, Classify | LogLikelihood):
        content = request.content if isinstance(request, Classify) else request.context
        is_text = not isinstance(content[0], Image | Audio)
        share = 0.1 + 0.8 * (float("good" in content[0].text) if is_text else level(content))
        if isinstance(request, Classify):
            return Classification(("bad", "good"), (1 - share, share))
        sign = 1.0 if "yes" in request.continuation or "tonight" in request.continuation else -1.0
        return ContinuationScore(-2.0 + sign * share, 1, False)
    part = request.audio if isinstance(request, EmbedAudio) else request.image
    vector = np.array([level(part), 0.2], np.float32)
    return Embedding(vector / np.linalg.norm(vector))


def everything(number):
    pixels = np.full((32, 32, 3), 100 + number, np.uint8)
    pixels[-8:, -8:] = 255
    time = np.arange(4000) / 8000
    wave = (0.2 * np.sin(2 * np.pi * 440 * time) * (time > 0.375)).astype(np.float32)
    wave[number] += 0.01
    return Sample(
        str(number),
        {
            "text": f"the film {number} was really good tonight",
            "image": Image.from_array(pixels),
            "audio": Audio.from_array(wave, 8000),
            "label": "bright",
            "question": f"is number {number} good ?",
            "words": f"the film {number} was really good tonight".split(),
            "context": f"the film {number} was really good tonight",
            "choices": ["yes", "no"],
            "answer": "yes",
        },
    )


ROWS = [everything(number) for number in range(3)]
SMALL = {"text": {}, "image": {"grid": 4}, "audio": {"moments": 4, "bands": 1}}


def options(medium, target):
    own = dict(SMALL[medium])
    if target == "class":
        own["classes"] = ["bright", "dark"]
    if target == "match":
        own.pop("classes", None)
    if target == "filling":
        own["gap"] = "really"
    return {"medium": medium, "target": target, "subject": own, **OCCLUDED}


@pytest.mark.parametrize(("medium", "target"), SUBJECTS)
def test_every_target_of_every_medium_is_explained(medium, target):
    rows = (
        [Sample(s.id, {**s.fields, "text": "bright"}) for s in ROWS] if target == "match" else ROWS
    )
    played = play(AttributionProbe(**options(medium, target)), rows, model_of_everything)
    assert not played.failures
    for record in played.records:
        # the corner, the end, the word "good" is all there is: nothing can be ranked better
        assert record["normalised_area"] == pytest.approx(1.0)
        assert record["deletion_gain"] > 0
        drawn = "word_scores" if medium == "text" else "map"
        assert {drawn, "curve", "insertion_curve"} <= record.keys()


@pytest.mark.parametrize(
    ("medium", "target"),
    [
        ("text", "answer"), ("text", "filling"), ("text", "word-label"), ("text", "span"),
        ("image", "label"), ("audio", "class"),
    ],
)  # fmt: skip
def test_the_contracts_are_kept(medium, target):
    check_probe(AttributionProbe(**options(medium, target)), ROWS, model_of_everything)


def test_an_answer_without_choices_is_the_one_that_is_given():
    rows = [Sample(s.id, {**s.fields, "choices": None, "answer": "no"}) for s in ROWS]
    (record, *_) = play(
        AttributionProbe(**options("text", "answer")), rows, model_of_everything
    ).records
    assert record["predicted"] is None
    assert record["output"] == pytest.approx(-2.0 - 0.9)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("the cat wore a hat", ("the cat wore a", " hat")),
        ("the cat wore a hat . ", ("the cat wore a", " hat")),
        ("the cat wore a  hat!", ("the cat wore a", "  hat!")),
        ("hat", ("", "hat")),
        ("...", ("...", "")),
    ],
)
def test_a_last_word_is_one_that_is_spoken(text, told):
    assert before_last_word(text) == told


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"medium": "smell"}, "medium must be one of text, image, audio"),
        ({"medium": "image", "target": "transcript"}, "answer, class, label, match"),
        ({"medium": "image", "target": "class", "subject": {"gird": 3}}, "Did you mean 'grid'"),
        ({"explainers": ()}, "one explainer or more"),
        ({"explainers": ("lime",), "explainer_settings": {"random": {}}}, "not among explainers"),
        ({"explainers": ("magic",)}, "explainer must be one of"),
        ({"steps": 1}, "2 or more"),
    ],
)
def test_what_cannot_be_asked_is_refused(wrong, told):
    with pytest.raises(UsageError, match=told):
        AttributionProbe(**wrong)


def test_models_are_compared_by_the_area_that_is_normalised_where_it_is_asked_for():
    for longest, name in ((24, "normalised area over random"), (0, "deletion gain over random")):
        metrics = AttributionProbe(longest=longest).metrics
        assert [m.name for m in metrics if m.primary] == [name]
        assert any(m.name.startswith("normalised") for m in metrics) == (longest > 0)


def test_needs_follow_from_the_target_and_the_explainers():
    assert AttributionProbe(**options("audio", "transcript")).needs == (Transcribe,)
    assert AttributionProbe().needs == (Classify, Attribute)
    assert AttributionProbe(medium="image", target="label").media == ("image",)
    assert AttributionProbe(medium="audio", target="match").fields == ("audio", "text")
    unnamed, named = AttributionProbe(medium="image", target="class"), options("image", "class")
    assert unnamed.fields == ("image", "label")
    assert AttributionProbe(**named).fields == ("image",)
