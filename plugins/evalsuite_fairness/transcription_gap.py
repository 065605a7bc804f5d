"""Is a transcriber's word error rate the same for every group of speakers?"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import jiwer

from evalsuite import (
    Card,
    GroupGap,
    GroupRatioGap,
    Metric,
    Probe,
    Proportion,
    Ratio,
    Sample,
    Transcribe,
)


@dataclass(frozen=True)
class TranscriptionGap(Probe):
    """Corpus word error rate by group.

    Args:
        group: Field that tells groups apart.
        speaker: Field of the speaker, whose utterances are resampled and permuted together;
            empty when unknown.
        normalization: ``basic`` (case and punctuation do not count) or ``none``.
        min_group_size: Groups with fewer utterances are left out.
        margin: A gap beyond the permutation null that does not matter.
    """

    group: str = "group"
    speaker: str = "speaker"
    normalization: Literal["none", "basic"] = "basic"
    min_group_size: int = 30
    margin: float = 0.02

    name: ClassVar[str] = "fairness/transcription-gap"
    family: ClassVar[Any] = "fairness"
    needs: ClassVar[Any] = (Transcribe,)
    fields: ClassVar[Any] = ("audio", "text")
    card: ClassVar[Card] = Card(
        measures="The largest difference between two groups of speakers in corpus word error "
        "rate; intervals and the permutation null treat a speaker's utterances as one unit.",
        does_not_measure="Why they differ: groups should say the same things under the same "
        "conditions. Groups below the minimum size are left out and named.",
        reference="Koenecke et al. 2020, PNAS 117; Liu et al. 2022",
        critique="A normalisation rule can create a gap between dialects. Corpus and utterance "
        "means can disagree, so both are given.",
    )

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """The corpus gap first."""
        options: Any = {
            "clusters": "speaker" if self.speaker else None,
            "min_group_size": self.min_group_size,
            "margin": self.margin,
            "higher_is_worse": True,
        }
        return (
            GroupRatioGap(
                "errors",
                "reference_words",
                "group",
                name="word error rate gap",
                primary=True,
                **options,
            ),
            GroupGap("utterance_wer", "group", name="mean utterance error rate gap", **options),
            Ratio(
                "errors",
                "reference_words",
                name="word error rate",
                clusters=options["clusters"],
                direction="lower is better",
            ),
            Proportion("is_empty", name="empty transcripts", by="group"),
        )

    def ask(self, sample: Sample, context: Any) -> Any:
        """Transcribe and align."""
        group = str(sample[self.group])
        transcript = yield Transcribe(sample["audio"])
        reference = normalised(str(sample["text"]), self.normalization)
        hypothesis = normalised(transcript.text, self.normalization)
        n_words = len(reference.split())
        errors = word_errors(reference, hypothesis)
        record = {
            "group": group,
            "errors": errors,
            "reference_words": n_words,
            "utterance_wer": errors / n_words if n_words else None,
            "is_empty": not hypothesis,
            "reference": reference,
            "hypothesis": hypothesis,
        }
        return {**record, **({"speaker": str(sample[self.speaker])} if self.speaker else {})}


def word_errors(reference: str, hypothesis: str) -> int:
    """Substitutions, deletions and insertions; an empty hypothesis deletes every word."""
    n_words, n_heard = len(reference.split()), len(hypothesis.split())
    if not n_words or not n_heard:
        return n_words + n_heard
    found = jiwer.process_words(reference, hypothesis)
    return int(found.substitutions + found.deletions + found.insertions)


def normalised(text: str, rule: str) -> str:
    """``basic``: case folded, punctuation to spaces; apostrophes inside words stay."""
    if rule == "none":
        return " ".join(text.split())
    folded = unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'")
    letters = [c if c == "'" or unicodedata.category(c)[0] in "LMN" else " " for c in folded]
    return " ".join(word.strip("'") for word in "".join(letters).split() if word.strip("'"))
