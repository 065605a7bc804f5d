"""What a transcript is worth: normalisation rules, alignment with a reference, error rates.

Shared by every probe that compares transcripts, whatever it then measures, so that they count the
same errors under the same rule.
"""

from evalsuite.transcripts.alignment import (
    Alignment,
    Step,
    align,
    character_errors,
    utterance_record,
)
from evalsuite.transcripts.metrics import MatchErrorRate, RuleSpread, WordInformationLost
from evalsuite.transcripts.rules import BASIC, CHINESE, NONE, Rule

__all__ = [
    "BASIC",
    "CHINESE",
    "NONE",
    "Alignment",
    "MatchErrorRate",
    "Rule",
    "RuleSpread",
    "Step",
    "WordInformationLost",
    "align",
    "character_errors",
    "utterance_record",
]
