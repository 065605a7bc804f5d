"""Personal data in texts: e-mail addresses, cards, IBANs, SSNs, IP addresses, telephone numbers."""

from evalsuite.personal_data.patterns import PatternDetector
from evalsuite.personal_data.presidio import PresidioDetector, has_presidio
from evalsuite.personal_data.spans import KINDS, Detector, Kind, PersonalData, without_overlaps

__all__ = [
    "KINDS",
    "Detector",
    "Kind",
    "PatternDetector",
    "PersonalData",
    "PresidioDetector",
    "best_detector",
    "has_presidio",
    "without_overlaps",
]


def best_detector() -> Detector:
    """Presidio's recognisers where they are installed (``evalsuite[pii]``), else our patterns."""
    return PresidioDetector() if has_presidio() else PatternDetector()
