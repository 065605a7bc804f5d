"""Captions and images matched: chance without knowledge, one with it, and what needs no image."""

from __future__ import annotations

from itertools import pairwise, permutations, product

import numpy as np
import pytest

from evalsuite import (
    ContinuationScore,
    DataError,
    Embedding,
    EmbedImage,
    EmbedText,
    Image,
    LogLikelihood,
    Sample,
    Table,
    UsageError,
)
from evalsuite.content import text_of
from evalsuite.options import build
from evalsuite.statistics import generator
from evalsuite.testing import check_probe, play
from evalsuite_vision.metrics.macro import MacroMean
from evalsuite_vision.tasks.compositionality import CaptionChoice
from evalsuite_vision.tasks.matching import cosine, credit
from evalsuite_vision.tasks.winoground import Winoground, group_score, text_score

BYS = ("embedding", "likelihood", "yes-no")


def picture(number: int) -> Image:
    return Image.from_array(np.full((2, 2, 3), number, np.uint8))


def number_of(image: Image) -> int:
    return image.load().getpixel((0, 0))[0]


CHOICES = [
    Sample(
        str(i),
        {
            "image": picture(i),
            "caption": f"the cat {i} is on the mat",
            "false_captions": [f"the mat is on the cat {i}", "a dog"][: 1 + i % 2],
            "kind": "swap" if i % 4 else "add",
        },
    )
    for i in range(12)
]
PAIRS = [
    Sample(
        str(i),
        {
            "image_0": picture(2 * i),
            "image_1": picture(2 * i + 1),
            "caption_0": f"caption {2 * i}",
            "caption_1": f"caption {2 * i + 1}",
        },
    )
    for i in range(10)
]


def constant(request):
    if isinstance(request, LogLikelihood):
        return ContinuationScore(-3.7, 2, False)
    return Embedding(np.linspace(0.1, 0.4, 7, dtype=np.float32))


def fits(image: Image, words: str) -> bool:
    return f"cat {number_of(image)} is on" in words or f"caption {number_of(image)}" in words.split(
        '"'
    )


def knowing(request):
    """Answers of a model that knows which caption fits."""
    if isinstance(request, EmbedImage):
        return Embedding(np.eye(64, dtype=np.float32)[number_of(request.image)])
    if isinstance(request, EmbedText):
        words = request.text.split()
        is_true = words[0] == "caption" or words[:2] == ["the", "cat"]
        place = int(next(w for w in words if w.isdecimal())) if is_true else 60
        return Embedding(np.eye(64, dtype=np.float32)[place])
    images = [part for part in request.context if isinstance(part, Image)]
    if not images:
        return ContinuationScore(-1.0, 1, False)
    if request.continuation in (" Yes", " No"):
        is_yes = fits(images[0], text_of(request.context))
        return ContinuationScore(
            -0.1 if is_yes == (request.continuation == " Yes") else -2, 1, False
        )
    return ContinuationScore(
        -1.0 if fits(images[0], request.continuation.strip()) else -9, 1, False
    )


@pytest.mark.parametrize("by", BYS)
def test_the_contracts_are_kept(by):
    check_probe(CaptionChoice(by=by), CHOICES, knowing)
    check_probe(CaptionChoice(by=by, blind=True), CHOICES, knowing)
    check_probe(Winoground(by=by), PAIRS, constant)


def test_the_contract_without_images_is_kept():
    check_probe(CaptionChoice(by="text"), CHOICES, constant)


@pytest.mark.parametrize("by", [*BYS, "text"])
def test_a_constant_model_chooses_at_chance(by):
    # six samples with two captions and six with three: (1/2 + 1/3) / 2 = 5/12;
    # add: 0, 4, 8 with two captions each, 1/2; swap: three with two and six with three, 7/18
    played = play(CaptionChoice(by=by), CHOICES, constant)
    accuracy, macro = played.estimate("accuracy"), played.estimate("macro accuracy")
    assert accuracy.value == accuracy.null.value == pytest.approx(5 / 12)
    assert macro.value == macro.null.value == pytest.approx((1 / 2 + 7 / 18) / 2)
    assert played.estimate("accuracy", "kind=add").value == 0.5


@pytest.mark.parametrize("by", BYS)
def test_a_model_that_knows_chooses_right(by):
    played = play(CaptionChoice(by=by), CHOICES, knowing)
    assert played.estimate("accuracy").value == 1.0
    assert played.estimate("macro accuracy").value == 1.0


def test_a_tie_shows_no_preference_for_the_true_caption():
    played = play(CaptionChoice(), CHOICES, constant)
    assert played.records[1]["predicted"] == "a dog"  # the first by the alphabet


def test_needs_depend_on_the_way_of_scoring():
    assert CaptionChoice().needs == (EmbedImage, EmbedText)
    assert CaptionChoice(by="yes-no").needs == (LogLikelihood,)
    assert CaptionChoice(by="likelihood", blind=True).needs == (LogLikelihood,)
    assert CaptionChoice(blind=True).needs == (EmbedImage, EmbedText, LogLikelihood)
    assert Winoground(by="likelihood").needs == (LogLikelihood,)


def test_the_blind_score_shows_what_the_captions_give_away():
    # total log-likelihood without the image: -1 per word. The true caption has seven words; the
    # false ones eight ("the mat is on the cat 3" has seven too, so they tie) and two
    def answer(request):
        if any(isinstance(part, Image) for part in request.context):
            return knowing(request)
        return ContinuationScore(-len(request.continuation.split()), 1, False)

    played = play(CaptionChoice(by="likelihood", blind=True), CHOICES, answer)
    assert [record["blind_correct"] for record in played.records] == [0.5, 0.0] * 6
    assert played.estimate("blind accuracy").value == 0.25
    assert played.estimate("gain over blind").value == 0.75
    assert played.estimate("gain over blind").verdict == "differs from null"
    # relative: -1 + 7 against -9 + 7 and -9 + 2
    assert played.estimate("accuracy relative to blind").value == 1.0


def test_a_blind_question_holds_no_image():
    played = play(CaptionChoice(blind=True), CHOICES[:1], constant)
    blind = [r for r in played.requests if isinstance(r, LogLikelihood)]
    assert len(blind) == 2
    assert not any(isinstance(part, Image) for request in blind for part in request.context)


def test_likelihood_per_token_is_another_choice():
    # totals -2 and -3, over one token and three: the shorter wins by total, the longer per token
    def answer(request):
        is_true = "cat 0 is" in request.continuation
        return ContinuationScore(-3, 3, False) if is_true else ContinuationScore(-2, 1, False)

    (record,) = play(CaptionChoice(by="likelihood"), CHOICES[:1], answer).records
    assert (record["correct"], record["correct_per_token"]) == (0.0, 1.0)


def test_the_question_names_the_caption_and_the_answers():
    probe = CaptionChoice(
        by="yes-no", question='Is "{caption}" shown, {yes} or {no}?', answers=("yes", "no")
    )
    sample = Sample("0", {"image": picture(0), "caption": "{yes} sign", "false_captions": "b"})
    asked = play(probe, [sample], constant).requests
    assert text_of(asked[0].context) == 'Is "{yes} sign" shown, yes or no?'
    assert [request.continuation for request in asked[:2]] == [" yes", " no"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "text", "blind": True}, "blind score already"),
        ({"question": "Is it shown?"}, "must hold {caption}"),
        ({"least_per_kind": 0}, "at least 1"),
        ({"by": "vectors"}, "embedding"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(UsageError, match=message):
        build(CaptionChoice, options, "The probe")


@pytest.mark.parametrize(
    ("field", "value"), [("false_captions", []), ("caption", " "), ("false_captions", ["a", ""])]
)
def test_a_sample_without_captions_is_refused(field, value):
    sample = Sample("0", {**CHOICES[0].fields, field: value})
    with pytest.raises(DataError, match=field):
        play(CaptionChoice(), [sample], constant)


def test_equal_vectors_tie_whatever_their_place():
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(2, 333)).astype(np.float32)
    backing = np.empty(400, np.float32)
    backing[3:336] = other
    assert cosine(one, other) == cosine(one, backing[3:336])


def test_credit_is_shared_among_ties():
    assert [credit(1, [0, 0.5]), credit(1, [1, 0]), credit(1, [1, 1]), credit(1, [2])] == [
        1,
        1 / 2,
        1 / 3,
        0,
    ]


# ------------------------------------------------------------------------------------------------
# Macro mean
# ------------------------------------------------------------------------------------------------


def macro(rows, **options):
    table = Table.from_records([{"v": v, "k": k, "chance": 0.5} for k, v in rows])
    (estimate,) = MacroMean("v", "k", chance="chance", **options).estimate(table, generator(0))
    return estimate


ROWS = [("a", 1.0)] * 90 + [("b", 0.0)] * 9 + [("b", 1.0), ("c", 1.0)]


def test_a_macro_mean_counts_kinds_alike():
    # a: 1, b: 1/10, c: 1
    estimate = macro(ROWS)
    assert estimate.value == pytest.approx((1 + 0.1 + 1) / 3)
    assert estimate.low < estimate.value <= estimate.high
    assert estimate.null.value == 0.5


def test_small_kinds_may_be_left_out_and_are_counted():
    estimate = macro(ROWS, least=2)
    assert estimate.value == pytest.approx((1 + 0.1) / 2)
    assert (estimate.n, estimate.extra["n_kinds_too_small"]) == (100, 1)


def test_a_macro_mean_of_nothing_says_why():
    assert "no k has 200 samples" in macro(ROWS, least=200).reason


# ------------------------------------------------------------------------------------------------
# Winoground
# ------------------------------------------------------------------------------------------------


def over_all_orders(scores, holds) -> float:
    """The share of orders of the four pairs, allowed by their scores, in which something holds."""
    pairs = list(product((0, 1), (0, 1)))
    found = []
    for order in permutations(pairs):
        if any(scores[a[0]][a[1]] < scores[b[0]][b[1]] for a, b in pairwise(order)):
            continue
        found.append(holds({pair: -place for place, pair in enumerate(order)}))
    return sum(found) / len(found)


def text_holds(s):
    return s[0, 0] > s[1, 0] and s[1, 1] > s[0, 1]


def image_holds(s):
    return s[0, 0] > s[0, 1] and s[1, 1] > s[1, 0]


@pytest.mark.parametrize("flat", list(product((0, 1, 2), repeat=4)))
def test_scores_are_the_mean_over_all_ways_to_break_ties(flat):
    scores = [flat[:2], flat[2:]]
    assert text_score(scores) == pytest.approx(over_all_orders(scores, text_holds))
    turned = [list(column) for column in zip(*scores)]
    assert text_score(turned) == pytest.approx(over_all_orders(scores, image_holds))
    both = over_all_orders(scores, lambda s: text_holds(s) and image_holds(s))
    assert group_score(scores) == pytest.approx(both)


@pytest.mark.parametrize("by", BYS)
def test_a_constant_model_gets_a_quarter_a_quarter_and_a_sixth(by):
    # text: two comparisons, each guessed, 1/2 1/2; image alike. Group: of the 4! orders of four
    # tied pairs, 2! 2! have both right ones before both wrong ones, 4/24
    played = play(Winoground(by=by), PAIRS, constant)
    for score, chance in (("text", 1 / 4), ("image", 1 / 4), ("group", 1 / 6)):
        estimate = played.estimate(f"{score} score")
        assert estimate.value == pytest.approx(chance, abs=1e-15)
        assert estimate.null.value == chance
        assert played.estimate(f"{score} score, strict").value == 0.0


@pytest.mark.parametrize("by", BYS)
def test_a_model_that_knows_matches_all(by):
    played = play(Winoground(by=by), PAIRS, knowing)
    for score in ("text", "image", "group"):
        assert played.estimate(f"{score} score").value == 1.0
        assert played.estimate(f"{score} score, strict").value == 1.0


def test_one_way_may_be_right_without_the_other():
    # image 0 prefers its caption (.6 > .5) and image 1 its own (.9 > .8), but caption 0 prefers
    # image 1 (.8 > .6): text 1, image 0, group 0
    scores = [[0.6, 0.8], [0.5, 0.9]]
    assert (text_score(scores), text_score(list(zip(*scores))), group_score(scores)) == (1, 0, 0)


def test_an_empty_caption_of_a_pair_is_refused():
    sample = Sample("0", {**PAIRS[0].fields, "caption_1": ""})
    with pytest.raises(DataError, match="caption_1"):
        play(Winoground(), [sample], constant)


def test_a_macro_mean_follows_from_sums():
    records = [{"v": v, "k": k} for v, k in ((1, "a"), (0, "a"), (1, "b"), (None, "b"), (0, "c"))]
    table, metric = Table.from_records(records), MacroMean("v", "k")
    (summed,) = metric.summed(table)
    assert summed.value == metric.estimate(table, generator(0))[0].value == 0.5
