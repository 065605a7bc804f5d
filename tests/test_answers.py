"""Written answers: the normal form, scores against people's answers, and which option is meant."""

from __future__ import annotations

import math
from itertools import combinations

import pytest

from evalsuite.answers import (
    anls,
    chosen_option,
    exact_match,
    majority_match,
    normal_answer,
    relaxed_accuracy,
    vqa_accuracy,
    yes_or_no,
)

OPTIONS = ["red", "blue", "light green"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The  Two dogs.", "2 dogs"),
        ("none", "0"),
        ("Dont know", "don't know"),
        ("they're, youre", "they're you're"),
        ("its well, his ID", "its well his id"),
        ("shouldntve", "shouldn't've"),
        ("hed've", "he'd've"),
        ("red/white", "red white"),  # the stroke parts words ...
        ("red / white", "red white"),  # ... and vanishes beside a space
        ("red- white", "red white"),
        ("t-shirt", "t shirt"),
        ("1,000", "1000"),
        ("3.5 ft.", "3.5 ft"),
        ("4 p.m.", "4 pm"),
        ("yes!\n", "yes"),
        ("an", ""),
    ],
)
def test_the_normal_form_of_an_answer(text, expected):
    assert normal_answer(text) == expected


@pytest.mark.parametrize(
    ("matches", "expected"),
    [(0, 0.0), (1, 0.3), (2, 0.6), (3, 0.9), (4, 1.0), (10, 1.0)],
)
def test_vqa_accuracy_by_hand(matches, expected):
    # 3 of 10: 3 subsets have 2 matches (2/3), 7 have 3 (1): (3 * 2/3 + 7) / 10 = .9
    assert vqa_accuracy("Yes.", ["yes"] * matches + ["no"] * (10 - matches)) == pytest.approx(
        expected
    )


@pytest.mark.parametrize("n", [2, 3, 5, 10])
def test_vqa_accuracy_equals_the_mean_over_subsets(n):
    for matches in range(n + 1):
        references = ["a dog"] * matches + ["cat"] * (n - matches)
        subsets = list(combinations(references, n - 1))
        expected = sum(min(s.count("a dog") / 3, 1) for s in subsets) / n
        assert vqa_accuracy("dog", references) == pytest.approx(expected)


def test_vqa_accuracy_of_one_reference_is_undefined_and_a_blank_answer_wrong():
    assert math.isnan(vqa_accuracy("yes", ["yes"]))
    assert vqa_accuracy("the", ["the"] * 10) == 0.0


@pytest.mark.parametrize(
    ("answer", "references", "expected"),
    [
        ("Hello", ["hello"], 1.0),
        ("helo", ["hello"], 0.8),  # one edit of five letters
        ("abcd", ["abxy"], 0.0),  # two of four: d = .5 is too far
        ("abcde", ["abcxy"], 0.6),  # two of five
        ("", ["hello"], 0.0),
        ("x", ["far away", "x"], 1.0),
        ("kitten", ["sitting"], 1 - 3 / 7),
    ],
)
def test_anls_by_hand(answer, references, expected):
    assert anls(answer, references) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("answer", "reference", "expected"),
    [
        ("95", "100", 1.0),
        ("94.9", "100", 0.0),
        ("105", "100", 1.0),
        ("1,040", "1000", 1.0),
        ("14%", "0.14", 1.0),
        ("0", "0", 1.0),
        ("0.01", "0", 0.0),
        ("-95", "-100", 1.0),
        ("Blue.", "blue", 1.0),
        ("blue", "red", 0.0),
        ("nan", "100", 0.0),
        ("0.63", "0.6", 1.0),
    ],
)
def test_relaxed_accuracy_by_hand(answer, reference, expected):
    assert relaxed_accuracy(answer, [reference]) == expected


def test_an_exact_match_ignores_case_and_the_last_full_stop():
    assert exact_match(" A Dog. ", ["a  dog"]) == 1.0
    assert exact_match("dog", ["a dog"]) == 0.0
    assert exact_match(".", ["."]) == 0.0


@pytest.mark.parametrize(
    ("answer", "references", "expected"),
    [
        ("Yes.", ["yes", "yes", "no"], 1.0),
        ("no", ["yes", "yes", "no"], 0.0),
        ("two", ["2", "the two", "3"], 1.0),
        ("no", ["yes", "no", "maybe"], 1.0),  # each was given once
        ("", ["yes", "no", ""], 0.0),
        ("", ["", ""], 0.0),
    ],
)
def test_the_majority_of_answers_is_matched(answer, references, expected):
    assert majority_match(answer, references) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("B", 1),
        (" (B) ", 1),
        ("B.", 1),
        ("b", None),  # no capital
        ("B. blue", 1),
        ("B) Blue.", 1),
        ("B. red", None),  # letter and words disagree
        ("The answer is C", 2),
        ("The correct answer is: (C) light green.", 2),
        ("Answer: light  Green", 2),
        ("**B**", 1),
        ("blue", 1),
        ("Blue!", 1),
        ("A or B", None),
        ("A blue thing", None),
        ("It is blue", None),
        ("B because it is blue", None),
        ("D", None),  # no such option
        ("", None),
    ],
)
def test_a_written_choice_is_parsed_strictly(text, expected):
    assert chosen_option(text, OPTIONS) == expected


def test_what_can_be_read_in_two_ways_is_not_parsed():
    assert chosen_option("A", ["B", "A"]) is None
    assert chosen_option("red", ["red", "Red"]) is None
    assert chosen_option("A", ["A", "B"]) == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Yes.", True), ("yes, a dog", True), (" **No**", False), ("There is no dog", None),
     ("not sure", None), ("", None), ("nobody", None)],
)  # fmt: skip
def test_yes_and_no_are_the_first_word(text, expected):
    assert yes_or_no(text) is expected
