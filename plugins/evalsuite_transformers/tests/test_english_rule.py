"""The English rule: Whisper's normaliser with spellings of our own, or with a checkpoint's."""

from __future__ import annotations

import itertools
import json
import random

import pytest
import transformers
from hypothesis import given
from hypothesis import strategies as st
from transformers.models.whisper.english_normalizer import EnglishTextNormalizer

from evalsuite import DataError, UsageError
from evalsuite_transformers.normalization import rule_named, rules_beside
from evalsuite_transformers.spelling import american_spellings

ENGLISH = rule_named("english")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello, WORLD!", "hello world"),
        ("He said (quietly) yes [laughs]", "he said yes"),  # what stands in brackets is lost
        ("Uh, I mean, um, hmm, yes", "i mean yes"),
        ("I won't, can't and shouldn't've", "i will not can not and should not have"),
        ("they're gonna; let's", "they are going to let us"),
        ("Mr. Smith and Dr. Jones", "mister smith and doctor jones"),
        ("the colour of the organisation's theatre", "the color of the organization is theater"),
        ("travelled to the centre", "traveled to the center"),
        ("twenty-one", "21"),
        ("two hundred and first", "201st"),
        ("the nineteen eighties", "the 1980s"),
        ("double oh seven", "007"),
        ("one oh one", "101"),
        ("twenty dollars and five cents", "$20.05"),
        ("$20 million", "$20000000"),
        ("3,000 and 2.5", "3000 and 2.5"),
        ("fifty per cent", "50%"),
        ("fifty percent", "50%"),
        ("three and a half", "3.5"),
        ("one", "one"),
        ("minus ten", "-10"),
        ("café naïve Æon", "cafe naive aeon"),
        ("", ""),
        ("yes.", "yes"),
        ("yes...", "yes"),
        ("...", ""),
    ],
)
def test_english_rule(text, expected):
    assert ENGLISH(text) == expected


PIECES = (
    "twenty one", "2.5", "$3", "Mr. Grey's", "colour", "(aside)", "uh", "won't", "double oh seven",
    "the nineteen eighties", "five hundredth", "per cent", "percent", "half", "and a half", "point five",
    "organised", "dollars", "and", "cents", "Ltd.", "naïve", "—", "I'ma", "3,000", "sixes", "o'clock",
)  # fmt: skip


def test_the_rule_is_the_normaliser_of_transformers():
    library = EnglishTextNormalizer(american_spellings())
    drawn = random.Random(0)
    texts = [" ".join(pair) for pair in itertools.product(PIECES, PIECES)]
    texts += [" ".join(drawn.choices(PIECES, k=7)) for _ in range(500)]
    assert [t for t in texts if ENGLISH(t) != " ".join(library(t).split())] == []
    assert len(texts) == 27**2 + 500


@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=4)), max_size=8).map(" ".join))
def test_no_text_is_refused(text):
    assert ENGLISH(text) == " ".join(ENGLISH(text).split())


def test_the_version_names_the_library():
    assert ENGLISH.label == f"english v1, transformers {transformers.__version__}"


def test_a_spelling_is_replaced_once():
    spellings = american_spellings()
    assert not [british for british, american in spellings.items() if american in spellings]
    assert all(
        word == word.lower() and word.isalpha() for pair in spellings.items() for word in pair
    )


@pytest.mark.parametrize("word", ["four", "hour", "pour", "tour", "wise", "rise", "promise", "advise", "exercise", "fire", "controlled", "analyses", "practice", "advertise", "surprise", "precise", "there"])  # fmt: skip
def test_words_that_only_look_british_stay(word):
    assert word not in american_spellings()


def test_only_a_lone_dot_is_told_apart_from_the_normaliser_of_transformers(tmp_path):
    path = tmp_path / "normalizer.json"
    path.write_text(json.dumps(american_spellings()))
    exact = rule_named("english-whisper", str(path))
    assert (exact("Wait..."), ENGLISH("Wait...")) == ("wait .", "wait")


def test_a_checkpoints_spellings_are_used_and_named(tmp_path):
    path = tmp_path / "normalizer.json"
    path.write_text(json.dumps({"colour": "hue"}))
    rule = rule_named("english-whisper", str(path))
    assert rule("Colour theatre") == "hue theatre"
    assert rule.label.startswith("english-whisper ")
    path.with_name("other.json").write_text(json.dumps({"colour": "shade"}))
    assert rule_named("english-whisper", str(path.with_name("other.json"))).label != rule.label


def test_a_rule_without_its_file_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"normalizer\.json"):
        rule_named("english-whisper")
    with pytest.raises(UsageError, match="go together"):
        rule_named("basic", "normalizer.json")
    with pytest.raises(DataError, match="cannot be read"):
        rule_named("english-whisper", str(tmp_path / "absent.json"))
    for text, told in (("{", "not JSON"), ("[1]", "no mapping"), ('{"a": 1}', "no mapping")):
        path = tmp_path / f"{told}.json"
        path.write_text(text)
        with pytest.raises(DataError, match=told):
            rule_named("english-whisper", str(path))


@pytest.mark.parametrize(
    ("name", "language", "expected"),
    [
        ("basic", None, ["none", "basic"]),
        ("basic", "en-GB", ["none", "basic", "english"]),
        ("basic", "de", ["none", "basic"]),
        ("english", None, ["none", "basic", "english"]),
        ("basic", "zh", ["none", "basic", "chinese"]),
        ("none", "english", ["none", "basic", "english"]),
    ],
)
def test_rules_are_compared_where_they_are_made_for_the_language(name, language, expected):
    assert [rule.name for rule in rules_beside(rule_named(name), language)] == expected
