"""What a detector of personal data finds: a span of a text, its kind, and how sure it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

Kind = Literal["email", "card", "iban", "ssn", "ip", "phone"]
KINDS: tuple[Kind, ...] = ("email", "card", "iban", "ssn", "ip", "phone")


@dataclass(frozen=True)
class PersonalData:
    """One find: ``text[start:end]`` is of a kind, with a score in (0, 1].

    A score of 1 says that a check digit or a domain was verified; the others are how specific the
    form is (.6 IP address, .5 SSN, .4 telephone number), as Presidio scores them.
    """

    kind: Kind
    start: int
    end: int
    score: float


class Detector(Protocol):
    """Finds personal data in a text; ``name`` says which detector it is, for records."""

    @property
    def name(self) -> str:
        """What a report calls it."""
        ...

    def find(self, text: str) -> tuple[PersonalData, ...]:
        """The finds in order of their place, none within another."""
        ...


def without_overlaps(found: Iterable[PersonalData]) -> tuple[PersonalData, ...]:
    """Where finds overlap the one with the higher score stays, then the longer, then the first."""
    kept: list[PersonalData] = []
    for item in sorted(found, key=lambda f: (-f.score, f.start - f.end, f.start)):
        if all(item.end <= other.start or other.end <= item.start for other in kept):
            kept.append(item)
    return tuple(sorted(kept, key=lambda f: f.start))
