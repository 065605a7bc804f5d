"""Rules that transcripts are compared under: what they change, and that they settle."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evalsuite.transcripts import BASIC, CHINESE, NONE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\uff21\uff22 \ufb01ne", "ab fine"),  # full width and ligature: NFKC
        ("STRASSE Stra\u00dfe", "strasse strasse"),  # case folding
        ("rock 'n' roll, o'clock", "rock n roll o'clock"),
        ("well-known\n\tfact", "well known fact"),
        ("co\u00adoperate", "cooperate"),  # a soft hyphen splits no word
        ("\ufeffHello", "hello"),
        ("e\u0301te\u0301", "\u00e9t\u00e9"),
        ("\u0915\u093f'\u0915", "\u0915\u093f'\u0915"),  # an apostrophe after a vowel sign
        ("e\u00ad\u0301", "\u00e9"),  # the accent reaches its letter over a soft hyphen
        ("snake_case", "snake case"),
        ("!?", ""),
    ],
)
def test_basic_rule(text, expected):
    assert BASIC(text) == expected


def test_the_rule_none_changes_white_space_only():
    assert NONE(" Don't\u00a0 STOP! ") == "Don't STOP!"


@pytest.mark.parametrize("rule", [NONE, BASIC, CHINESE], ids=lambda rule: rule.name)
@given(text=st.text())
@example(text="0'㊀")
def test_rules_settle_after_one_use(rule, text):
    assert rule(rule(text)) == rule(text)


@pytest.mark.parametrize("rule", [NONE, BASIC, CHINESE], ids=lambda rule: rule.name)
@given(texts=st.lists(st.text(st.characters(categories=["L", "N"])), max_size=4))
def test_words_part_at_single_spaces_only(rule, texts):
    found = rule(" \n ".join(texts))
    assert found == " ".join(found.split())


@given(st.text())
def test_punctuation_never_counts_under_basic(text):
    assert not [c for c in BASIC(text) if unicodedata.category(c)[0] in "SPC" and c != "'"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("今天天气很好。", "今 天 天 气 很 好"),
        ("今天 天气", "今 天 天 气"),  # spaces mean nothing
        ("ＧＰＴ模型，２０２３年", "gpt 模 型 2023 年"),  # full width
        ("我用iPhone 15 Pro", "我 用 iphone 15 pro"),  # Latin words and numbers stay whole
        ("增长3.5%，共1,000人", "增 长 3.5 共 1000 人"),
        ("愛 爱", "愛 爱"),  # traditional and simplified are not converted
        ("人々は〇", "人 々 は 〇"),
        ("葛\U000e0100城", "葛 城"),  # a variation selector changes no character
        ("！？", ""),
    ],
)
def test_chinese_rule(text, expected):
    assert CHINESE(text) == expected


def test_rules_are_named_with_their_version():
    assert [rule.label for rule in (NONE, BASIC, CHINESE)] == ["none v1", "basic v1", "chinese v1"]
