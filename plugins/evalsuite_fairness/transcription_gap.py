"""Is a transcriber's word error rate the same for every group of speakers?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

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
from evalsuite.transcripts import Rule, utterance_record
from evalsuite_transformers.normalization import RuleName, rule_named


@dataclass(frozen=True)
class TranscriptionGap(Probe):
    """Corpus word error rate by group.

    Args:
        group: Field that tells groups apart.
        speaker: Field of the speaker, whose utterances are resampled and permuted together;
            empty when unknown.
        normalization: As in ``audio/transcription``: ``basic``, ``none``, ``english``,
            ``english-whisper`` or ``chinese``.
        min_group_size: Groups with fewer utterances are left out.
        margin: A gap beyond the permutation null that does not matter.
        language: Passed to models that take one.
        normalizer_path: The file normalizer.json of a Whisper checkpoint, for ``english-whisper``.
    """

    group: str = "group"
    speaker: str = "speaker"
    normalization: RuleName = "basic"
    min_group_size: int = 30
    margin: float = 0.02
    language: str | None = None
    normalizer_path: str = ""

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

    def __post_init__(self) -> None:
        """Refuse a rule without the file that it needs."""
        rule_named(self.normalization, self.normalizer_path)

    @property
    def rule(self) -> Rule:
        """What references and transcripts are compared under."""
        return rule_named(self.normalization, self.normalizer_path)

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """The corpus gap first; the rule is part of the figures' names."""
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
                name=f"word error rate ({self.rule.label}) gap",
                primary=True,
                **options,
            ),
            GroupGap("utterance_wer", "group", name="mean utterance error rate gap", **options),
            Ratio(
                "errors",
                "reference_words",
                name=f"word error rate ({self.rule.label})",
                clusters=options["clusters"],
                direction="lower is better",
            ),
            Proportion("is_empty", name="empty transcripts", by="group"),
        )

    def ask(self, sample: Sample, context: Any) -> Any:
        """Transcribe and align."""
        group = str(sample[self.group])
        speaker = {"speaker": str(sample[self.speaker])} if self.speaker else {}
        transcript = yield Transcribe(sample["audio"], self.language)
        record = utterance_record(str(sample["text"]), transcript.text, self.rule)
        return {**record, "group": group, **speaker}
