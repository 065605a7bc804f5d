"""Personal data are found by form and check digit; what only looks so is left alone."""

from __future__ import annotations

import json

import pytest

from evalsuite.errors import UsageError
from evalsuite.personal_data import (
    KINDS,
    PatternDetector,
    PersonalData,
    PresidioDetector,
    best_detector,
    has_presidio,
    without_overlaps,
)

# One of each kind, with the scores that Presidio's patterns give: check digits verified 1, a
# domain verified 1, an SSN's form .5, an IP address's .6.
WORKED = [
    ("email", "jane.doe@example.org", 1.0),
    ("card", "4111111111111111", 1.0),
    ("ssn", "489-36-8350", 0.5),
    ("ip", "10.0.0.1", 0.6),
    ("iban", "GB82WEST12345698765432", 1.0),
]
DETECTORS = [
    PatternDetector(),
    pytest.param(None, marks=pytest.mark.skipif(not has_presidio(), reason="no Presidio")),
]
NAMES = {
    "EMAIL_ADDRESS": "email",
    "CREDIT_CARD": "card",
    "IBAN_CODE": "iban",
    "US_SSN": "ssn",
    "IP_ADDRESS": "ip",
    "PHONE_NUMBER": "phone",
}


def found(text: str, detector=None) -> list[tuple[str, str]]:
    return [(f.kind, text[f.start : f.end]) for f in (detector or PatternDetector()).find(text)]


@pytest.mark.parametrize("detector", DETECTORS)
@pytest.mark.parametrize(("kind", "text", "score"), WORKED)
def test_a_worked_example_of_each_kind_is_found_with_its_score(detector, kind, text, score):
    sentence = f"It is {text}, I think."
    (item,) = (detector or PresidioDetector()).find(sentence)
    assert (item.kind, sentence[item.start : item.end], item.score) == (kind, text, score)


@pytest.mark.parametrize("detector", DETECTORS)
@pytest.mark.parametrize("text", ["078-05-1120", "000-12-3456", "666-12-3456", "123-45-6789"])
def test_an_ssn_that_nobody_holds_is_none(detector, text):
    kinds = [item.kind for item in (detector or PresidioDetector()).find(f"my SSN is {text}")]
    assert "ssn" not in kinds


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112",  # Luhn: the last digit should be 1
        "1111 1111 1111 1111",
        "GB82WEST12345698765433",  # modulo 97
        "GB82WEST1234569876543",  # a British IBAN has 22 characters
        "900-12-3456",
        "999.1.1.1",
        "version 1.2.3",
        "on 2026-11-25 14:00",
        "25.11.2026",
        "a@b",
        "who..ever@example.org"[3:],
        "12:34:56",
        "the first 1000 of 2000 000",
        "",
    ],
)
def test_what_only_looks_so_is_left_alone(text):
    assert found(text) == []


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("phone", "+1 212 555 0182"),
        ("phone", "(212) 555-0182"),
        ("phone", "0490 75 40 81"),
        ("phone", "212-555-0182 x17"),
        ("ip", "2001:db8::8a2e:370:7334"),
        ("iban", "DE89 3704 0044 0532 0130 00"),
        ("iban", "gb82 west 1234 5698 7654 32"),
        ("card", "3782 822463 10005"),
        ("email", "o'neil+tag@mail.example.co.uk"),
        ("ssn", "489 36 8350"),
    ],
)
def test_other_spellings_are_found_whole(kind, text):
    assert found(f"Write: {text} at once") == [(kind, text)]


def test_an_iban_ends_where_its_country_says():
    assert found("DE89 3704 0044 0532 0130 00 ARE HIS") == [("iban", "DE89 3704 0044 0532 0130 00")]


def test_of_overlapping_finds_the_surer_stays():
    phone, card = PersonalData("phone", 0, 12, 0.4), PersonalData("card", 0, 19, 1.0)
    later = PersonalData("ip", 19, 25, 0.6)
    assert without_overlaps([later, phone, card]) == (card, later)


def test_a_hostile_text_costs_no_more_than_its_length():
    for piece in ("1-", "a.", "+1 ", "AB12", "1111 ", "a@a.", ":", "(1"):
        assert isinstance(PatternDetector().find(piece * 20_000), tuple)


def test_without_presidio_our_patterns_serve_and_presidio_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr("evalsuite.personal_data.presidio.has_presidio", lambda: False)
    monkeypatch.setattr("evalsuite.personal_data.has_presidio", lambda: False)
    assert best_detector() == PatternDetector()
    with pytest.raises(UsageError, match=r"evalsuite\[pii\]"):
        PresidioDetector()


def test_precision_and_recall_on_synthetic_sentences(data):
    """Of 1,500 sentences with 328 spans of our kinds; a find counts that overlaps its span."""
    file = data / "presidio_synth_pii" / "synth_dataset_v2.json"
    hits, false, missed = (dict.fromkeys(KINDS, 0) for _ in range(3))
    for row in json.loads(file.read_text()):
        marked = [
            (NAMES[s["entity_type"]], s["start_position"], s["end_position"])
            for s in row["spans"]
            if s["entity_type"] in NAMES
        ]
        seen = [(f.kind, f.start, f.end) for f in PatternDetector().find(row["full_text"])]
        for kind, start, end in seen:
            is_hit = any(k == kind and start < b and a < end for k, a, b in marked)
            (hits if is_hit else false)[kind] += 1
        for kind, start, end in marked:
            missed[kind] += not any(k == kind and start < b and a < end for k, a, b in seen)
    assert false == {"email": 0, "card": 1, "iban": 0, "ssn": 0, "ip": 0, "phone": 2}
    assert missed == {"email": 0, "card": 1, "iban": 0, "ssn": 0, "ip": 0, "phone": 19}
    assert hits == {"email": 49, "card": 135, "iban": 21, "ssn": 16, "ip": 14, "phone": 73}
