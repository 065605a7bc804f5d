"""Presidio's pattern recognisers behind our interface, without a spaCy model and without a network.

Only recognisers that are patterns and checks are used. Presidio's e-mail recogniser would fetch
the public-suffix list; here it reads the snapshot that comes with tldextract.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from functools import cache
from typing import Any

from evalsuite.errors import UsageError
from evalsuite.personal_data.spans import Kind, PersonalData, without_overlaps

_RECOGNISERS: dict[Kind, tuple[str, str]] = {
    "card": ("CreditCardRecognizer", "CREDIT_CARD"),
    "iban": ("IbanRecognizer", "IBAN_CODE"),
    "ssn": ("UsSsnRecognizer", "US_SSN"),
    "ip": ("IpRecognizer", "IP_ADDRESS"),
    "phone": ("PhoneRecognizer", "PHONE_NUMBER"),
}
# Presidio gives a bare run of nine digits 0.05 as an SSN: not a find.
LEAST_SCORE = 0.3


def has_presidio() -> bool:
    """Whether presidio-analyzer is installed; imports nothing."""
    return importlib.util.find_spec("presidio_analyzer") is not None


@dataclass(frozen=True)
class PresidioDetector:
    """Finds personal data by Presidio's patterns; loading it takes seconds, for it loads spaCy.

    Raises:
        UsageError: presidio-analyzer is not installed.
    """

    name: str = "Presidio patterns"

    def __post_init__(self) -> None:
        """Refuse where it is not installed."""
        if not has_presidio():
            raise UsageError(
                "Presidio is not installed, so its recognisers cannot be asked. Install it with "
                "`pip install 'evalsuite[pii]'`, or use the detector 'patterns'."
            )

    def find(self, text: str) -> tuple[PersonalData, ...]:
        """The finds in order of their place, none within another."""
        return without_overlaps(
            PersonalData(kind, found.start, found.end, float(found.score))
            for kind, entity, recogniser in _recognisers()
            for found in recogniser.analyze(text, [entity], None)
            if found.score >= LEAST_SCORE
        )


@cache
def _recognisers() -> tuple[tuple[Kind, str, Any], ...]:
    import tldextract
    from presidio_analyzer import predefined_recognizers as presidio

    extract = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)

    class OfflineEmailRecognizer(presidio.EmailRecognizer):  # type: ignore[misc]
        """Takes the public suffixes from the snapshot."""

        def validate_result(self, pattern_text: str) -> bool:
            """Whether the domain ends in a public suffix."""
            found = extract(pattern_text)
            return bool(found.domain and found.suffix)

    others = [
        (kind, entity, getattr(presidio, name)()) for kind, (name, entity) in _RECOGNISERS.items()
    ]
    return (("email", "EMAIL_ADDRESS", OfflineEmailRecognizer()), *others)
