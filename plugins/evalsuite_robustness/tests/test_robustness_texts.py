"""Texts made harder: what each change does to a text, and what it leaves alone."""

from __future__ import annotations

import pytest

from evalsuite import DataError, Sample, UsageError
from evalsuite.factories import make_variant
from evalsuite.registry import installed
from evalsuite_robustness.texts.dialect import FEATURES
from evalsuite_robustness.texts.numbers import in_words
from evalsuite_robustness.texts.options import moved
from evalsuite_robustness.texts.typos import NEIGHBOURS
from evalsuite_robustness.texts.wording import WORDINGS

LONG = "The quick brown foxes don't like 12 lazy dogs, and they were not amused. " * 8
OF_TEXTS = (
    "typos", "upper-case", "lower-case", "mixed-case", "extra-spaces", "missing-punctuation",
    "number-format", "wording", "dialect",
)  # fmt: skip


def changed(name: str, text: str, **options) -> str:
    variant = make_variant({"variant": f"text/{name}", **options}, installed())
    (after,) = variant.samples([Sample("0", {"text": text, "label": text})], 0)
    assert after["label"] == text
    return after["text"]


@pytest.mark.parametrize("name", OF_TEXTS)
def test_order_and_company_change_nothing_and_the_seed_alone_draws_anew(name):
    variant = make_variant({"variant": f"text/{name}"}, installed())
    samples = [Sample(str(i), {"text": LONG[i:], "label": "x"}) for i in range(4)]
    together = {s.id: s["text"] for s in variant.samples(samples, 3)}
    alone = {s.id: variant.samples([s], 3)[0]["text"] for s in reversed(samples)}
    assert together == alone
    assert all(together[s.id] != s["text"] for s in samples)
    variant.check([Sample("0", {"text": "a"})])  # the first texts may hold nothing to change
    with pytest.raises(DataError, match="finds nothing to change"):
        variant.check([Sample("0", {"image": "a"})])


def test_neighbours_lie_beside_each_other():
    """Of g: r, t above at half a key's distance, f and h beside, v and b below... on a QWERTY."""
    assert set(NEIGHBOURS["g"]) == set("tyfhvb")
    assert all(a in NEIGHBOURS[b] for a in NEIGHBOURS for b in NEIGHBOURS[a])


@pytest.mark.parametrize(
    ("slip", "text", "after"),
    [("swap", "abcd", "badc"), ("drop", "ab1 c!", "b1 c!"), ("double", "a B", "aa BB")],
)
def test_each_slip_is_what_it_is_called(slip, text, after):
    assert changed("typos", text, rate=1.0, slips=[slip]) == after


def test_a_neighbour_keeps_its_case_and_other_alphabets_slip_otherwise():
    (letter,) = changed("typos", "G", rate=1.0, slips=["neighbour"])
    assert letter.lower() in NEIGHBOURS["g"]
    assert letter.isupper()
    assert changed("typos", "\N{CYRILLIC SMALL LETTER ZHE}", rate=1.0, slips=["neighbour"]) == (
        "\N{CYRILLIC SMALL LETTER ZHE}"
    )


def test_no_typos_at_a_rate_of_zero():
    assert changed("typos", LONG, rate=0.0) == LONG


def test_case_spaces_and_marks():
    assert changed("upper-case", "Don't") == "DON'T"
    assert changed("lower-case", "Don't") == "don't"
    assert changed("mixed-case", "Don't", rate=1.0) == "dON'T"
    assert changed("extra-spaces", "a b", rate=1.0) == "a  b"
    assert changed("missing-punctuation", "Don't, (please)!") == "Dont please"


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("a well-known film...it fell", "a well known film it fell"),
        ("3.5 of 1,000 at -5, 10% off: AT&T", "3.5 of 1,000 at -5 10% off AT&T"),
        ("Bad.<br /><br />Really?", "Bad<br /><br />Really"),
    ],
)
def test_without_marks_words_stay_apart_and_numbers_and_tags_what_they_are(text, after):
    assert changed("missing-punctuation", text) == after


@pytest.mark.parametrize("wording", WORDINGS)
def test_every_wording_holds_the_text_once(wording):
    assert changed("wording", "the {} text", wording=wording).count("the {} text") == 1


def test_a_template_of_ones_own():
    assert changed("template", "Why?", template="Q: {}\nA:") == "Q: Why?\nA:"
    with pytest.raises(UsageError, match="once"):
        changed("template", "Why?", template="Q:")


@pytest.mark.parametrize(
    ("form", "text", "after"),
    [
        (
            "words",
            "12 apples and 30 pears, 140 in all",
            "Twelve apples and thirty pears, 140 in all",
        ),
        ("words", "at 3.5, 10%, $5, 007, A4 and 1:30", "at 3.5, 10%, $5, 007, A4 and 1:30"),
        ("digits", "Twenty-one of ninety; no one else", "21 of 90; no one else"),
        ("grouped", "1234567 or 123", "1,234,567 or 123"),
        ("decimal", "from 3 to 4.", "from 3.0 to 4.0."),
        ("words", "the '80s, in the 30's, a 3-D film", "the '80s, in the 30's, a 3-D film"),
        # a year has one form, and so has a number that belongs to a name
        ("grouped", "made in 1949 for 5000 people", "made in 1949 for 5,000 people"),
        ("decimal", "made in 1949 by 3 people", "made in 1949 by 3.0 people"),
        ("decimal", "I saw Speed 2 for 3 and a half hours", "I saw Speed 2 for 3 and a half hours"),
    ],
)
def test_numbers_keep_their_value(form, text, after):
    assert changed("number-format", text, form=form) == after


def test_numbers_in_words():
    assert [in_words(n) for n in (0, 13, 20, 42, 99)] == [
        "zero", "thirteen", "twenty", "forty-two", "ninety-nine",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("feature", "text", "after"),
    [
        ("aint", "He isn't here and they are not.", "He ain't here and they ain't."),
        ("negative-concord", "I don't see anything.", "I don't see nothing."),
        ("zero-auxiliary", "She is singing; she is tall.", "She singing; she is tall."),
        ("was-levelling", "They were late.", "They was late."),
        ("zero-third-person", "He likes it. It doesn't fit.", "He like it. It don't fit."),
        ("them-demonstrative", "those books", "them books"),
        ("regular-reflexives", "Himself and themselves", "Hisself and theirselves"),
        ("yall", "all of you", "y'all"),
        ("completive-done", "I have already finished.", "I done finished."),
        ("zero-article", "I saw the dog.", "I saw dog."),
    ],
)
def test_a_feature_of_a_dialect(feature, text, after):
    assert changed("dialect", text, feature=feature) == after
    assert feature in FEATURES


@pytest.mark.parametrize(
    ("feature", "text", "after"),
    [
        ("aint", "Isn't it? IS NOT it?", "Ain't it? Ain't it?"),
        ("negative-concord", "I don't know ANYTHING.", "I don't know NOTHING."),
        ("negative-concord", "You won't see any of it.", "You won't see none of it."),
        ("negative-concord", "We didn't ask anyone.", "We didn't ask nobody."),
        ("yall", "All of you", "Y'all"),
    ],
)
def test_a_feature_keeps_case_and_grammar(feature, text, after):
    assert changed("dialect", text, feature=feature) == after


@pytest.mark.parametrize(
    ("feature", "text"),
    [
        ("negative-concord", "Not that anything was wrong; not just any film."),
        ("zero-auxiliary", "They are nothing new, it is boring, and we are amazing."),
        ("was-levelling", "We Were Soldiers"),
        ("them-demonstrative", "Of those was one his, and those always late."),
        ("completive-done", "They have talented actors. I have indeed."),
        ("zero-article", "See The Thing in a few days with a little luck, and many a friend."),
    ],
)
def test_where_a_rule_does_not_apply_the_text_stays(feature, text):
    assert changed("dialect", text, feature=feature) == text


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("Cats are animals.", "Cats are not animals."),
        ("Cats are not plants.", "Cats are plants."),
        ("It isn't raining.", "It is raining."),
        ("Fish can fly.", "Fish cannot fly."),
        ("They won't come.", "They will come."),
        # a "not" at the verb would leave both true, or both false
        ("Each box is blue.", "It is not true that each box is blue."),
        ("There is no blue box.", "It is not true that there is no blue box."),
        ("At least one is not red.", "It is not true that at least one is not red."),
        ("Paul is tall and Ann is old.", "It is not true that Paul is tall and Ann is old."),
        ("The man who is ill sleeps.", "It is not true that the man who is ill sleeps."),
        ("It may rain.", "It is not true that it may rain."),
        # what is no single statement stays
        ("Go!", "Go!"),
        ("Is it red?", "Is it red?"),
        ("It is red. It is round.", "It is red. It is round."),
    ],
)
def test_a_negated_statement_has_the_opposite_label(text, after):
    variant = make_variant({"variant": "text/negation", "opposites": {"yes": "no"}}, installed())
    said, told = variant.samples(
        [Sample("0", {"text": text, "label": "yes"}), Sample("1", {"text": text, "label": True})], 0
    )
    assert said["text"] == told["text"] == after
    assert (said["label"], told["label"]) == (("yes", True) if text == after else ("no", False))
    (unknown,) = variant.samples([Sample("0", {"text": text, "label": "perhaps"})], 0)
    assert unknown["text"] == text


def test_a_contrast_pair_is_exchanged_whole_and_who_has_no_partner_stays():
    rows = [("a", "good", 1), ("b", "alone", 2), ("c", "bad", 1)]
    samples = [Sample(i, {"text": t, "batch_id": b}) for i, t, b in rows]
    variant = make_variant({"variant": "text/contrast-pair", "pair": "batch_id"}, installed())
    after = {s.id: s["text"] for s in variant.samples(samples, 0)}
    assert after == {"a": "bad", "b": "alone", "c": "good"}
    with pytest.raises(DataError, match="share"):
        variant.check([Sample("0", {"text": "x"})])


@pytest.mark.parametrize("answer", [2, "C", "c", "2", "red"])
def test_the_right_option_moves_with_the_others(answer):
    """With one place moved, red, green, blue (or red third) stand one place further left."""
    options = ["green", "blue", "red"]
    sample = Sample("0", {"choices": options, "answer": answer})
    (after,) = make_variant({"variant": "text/option-order"}, installed()).samples([sample], 0)
    assert after["choices"] == ["blue", "red", "green"]
    assert after["answer"] == {2: 1, "C": "B", "c": "b", "2": "1", "red": "red"}[answer]


def test_as_many_places_as_options_change_nothing():
    assert moved(1, ["a", "b", "c"], 0) == 1
    sample = Sample("0", {"choices": ["x", "y"], "answer": "B"})
    variant = make_variant({"variant": "text/option-order", "places": 2}, installed())
    assert variant.samples([sample], 0)[0].fields == sample.fields
