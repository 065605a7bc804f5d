"""Our own patterns: no download, no model, linear in the length of a text.

They find forms, not names: a person's name, address or illness is not found by them.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from evalsuite.personal_data.spans import Kind, PersonalData, without_overlaps

# Lengths of IBANs by country, from SWIFT's public IBAN registry.
_IBAN_LENGTHS = {
    15: "NO", 16: "BE", 18: "DK FI FO GL NL", 19: "MK SI", 20: "AT BA EE KZ LT LU XK",
    21: "CH HR LI LV", 22: "BG BH CR DE GB GE IE ME RS", 23: "AE GI IL",
    24: "AD CZ ES MD PK SA SE SK TN VG", 25: "PT", 26: "IS TR", 27: "FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HU LB PL", 29: "BR PS QA UA", 30: "JO KW MU", 31: "MT",
}  # fmt: skip
_IBAN_LENGTH = {c: length for length, codes in _IBAN_LENGTHS.items() for c in codes.split()}

_EMAIL = re.compile(
    r"(?<![\w.!#$%&'*+/=?^`{|}~-])[\w!#$%&'*+/=?^`{|}~-][\w.!#$%&'*+/=?^`{|}~-]{0,63}"
    r"@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_]{2,24}(?![\w-])"
)
_CARD = re.compile(r"(?<![\d.])(?<!\d[ -])[1-6](?:[ -]?\d){11,18}(?![ -]?\d)")
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ ]?[A-Za-z0-9]){11,30}")
_SSN = re.compile(r"(?<![\d-])\d{3}([- .])\d{2}\1\d{4}(?![\d-])")
_IP4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?!\.?\w)")
_IP6 = re.compile(r"(?<![\w:.])(?=[0-9A-Fa-f:]*:[0-9A-Fa-f]*:)[0-9A-Fa-f:]{4,39}(?![\w:])")
_PHONE = re.compile(
    r"(?<![\w./-])(?:\+\d{1,3}[ .-]?)?(?:\(\d{1,5}\)[ .-]?)?\d{1,5}(?:[ .-]\d{2,5}){0,5}"
    r"(?:[ ]?(?:x|ext\.?)[ ]?\d{1,5})?(?![\w/])"
)
_DATE = re.compile(
    r"(?:(?:19|20)\d{2}([-. ])\d{1,2}\1\d{1,2}|\d{1,2}([-. ])\d{1,2}\2(?:\d{4}|\d{2}))(?: \d\d)?"
)
# Printed in wallets and advertisements, so never anybody's own.
_BOGUS_SSN = frozenset({"078051120", "219099999", "123456789", "987654321"})


@dataclass(frozen=True)
class PatternDetector:
    """Finds what has the form of personal data, and the right check digits where it has any."""

    name: str = "evalsuite patterns"

    def find(self, text: str) -> tuple[PersonalData, ...]:
        """The finds in order of their place, none within another."""
        found = [item for search in _SEARCHES for item in search(text)]
        return without_overlaps(found) if found else ()


def _by(
    kind: Kind, pattern: re.Pattern[str], score: float, is_valid: Callable[[str], bool]
) -> Callable[[str], Iterator[PersonalData]]:
    def search(text: str) -> Iterator[PersonalData]:
        for match in pattern.finditer(text):
            if is_valid(match[0]):
                yield PersonalData(kind, match.start(), match.end(), score)

    return search


def _ibans(text: str) -> Iterator[PersonalData]:
    """The pattern takes what follows too; the country says how long an IBAN is."""
    for match in _IBAN.finditer(text):
        length, end = _IBAN_LENGTH.get(match[0][:2].upper(), 0), match.start()
        while length and end < match.end():
            length -= text[end] != " "
            end += 1
        follows = text[end : end + 1]
        if length == 0 and not follows.isalnum() and _is_iban(text[match.start() : end]):
            yield PersonalData("iban", match.start(), end, 1.0)


def _digits(text: str) -> str:
    return "".join(character for character in text if character.isdigit())


def is_luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of ISO/IEC 7812 (Luhn's formula)."""
    total = 0
    for place, character in enumerate(reversed(digits)):
        doubled = int(character) * (1 + place % 2)
        total += doubled - 9 * (doubled > 9)
    return total % 10 == 0


def _is_card(text: str) -> bool:
    digits = _digits(text)
    if digits[0] == "1" and digits[:4] != "1800":  # JCB's old cards alone begin with a 1
        return False
    return (len(digits) > 12 or digits[0] in "56") and len(set(digits)) > 1 and is_luhn(digits)


def _is_iban(text: str) -> bool:
    """Remainder 1 modulo 97, letters as 10 to 35 (ISO 13616)."""
    plain = text.replace(" ", "")
    return int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1


def _is_ssn(text: str) -> bool:
    """Of an area, group and serial that are given out, and of nobody known to be no holder."""
    digits = _digits(text)
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    if digits in _BOGUS_SSN or len(set(digits)) == 1:
        return False
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


def _is_ip(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not address.is_unspecified


def _is_phone(text: str) -> bool:
    """Enough digits in a form that telephone numbers have, and no date or SSN."""
    number = re.split(r"[ ]?(?:x|ext)", text)[0]
    digits, separators = _digits(number), [c for c in number if c in " .-"]
    if not 7 <= len(digits) <= 15 or _DATE.fullmatch(number) or _SSN.fullmatch(number):
        return False
    if text[0] == "+" or "(" in text:
        return True
    least = 10 if len(separators) == 1 else 8
    return bool(separators) and len(digits) >= (8 if number[0] == "0" else least)


_SEARCHES: tuple[Callable[[str], Iterator[PersonalData]], ...] = (
    _by("email", _EMAIL, 1.0, lambda text: ".." not in text.partition("@")[0]),
    _by("card", _CARD, 1.0, _is_card),
    _ibans,
    _by("ssn", _SSN, 0.5, _is_ssn),
    _by("ip", _IP4, 0.6, _is_ip),
    _by("ip", _IP6, 0.6, _is_ip),
    _by("phone", _PHONE, 0.4, _is_phone),
)
