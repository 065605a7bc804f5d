"""Runs as reports, exports and terminals may show them: secrets and personal data hidden, by span.

Two things are hidden. What a probe declared secret (``Probe.secrets``) is hidden wherever it
occurs in its run: in questions, answers and records of any probe. What has the form of personal
data is hidden in the texts of privacy probes and of probes that are marked sensitive. The run
directory itself keeps everything; ``sealing.py`` writes a copy that does not.
"""

from evalsuite.redaction.redacted_run import RedactedRun, is_private, media_asked, redacted
from evalsuite.redaction.redactor import HIDDEN_SECRET, Redactor, Secrets

__all__ = [
    "HIDDEN_SECRET",
    "RedactedRun",
    "Redactor",
    "Secrets",
    "is_private",
    "media_asked",
    "redacted",
]
