"""Is a transcriber's word error rate the same for every group of speakers?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from evalsuite import (
    Card,
    DataError,
    GroupGap,
    GroupRatioGap,
    Metric,
    Probe,
    Proportion,
    Ratio,
    Sample,
    Transcribe,
)
from evalsuite.sliced import is_given
from evalsuite.transcripts import Rule, utterance_record
from evalsuite_fairness.metrics.axis_gaps import AxisGaps
from evalsuite_fairness.metrics.matched_gap import MatchedRatioGap
from evalsuite_fairness.metrics.rate_ratio import RateRatio
from evalsuite_fairness.metrics.refusal import RateGap, is_refusal
from evalsuite_fairness.metrics.reply_rates import IfAnswered
from evalsuite_fairness.speech.matching import strata_of
from evalsuite_transformers.normalization import RuleName, rule_named

MOSTLY_WRONG = 0.5


@dataclass(frozen=True)
class TranscriptionGap(Probe):
    """Error rates by group: over all words, by utterance, and on matched utterances.

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
        match_on: What groups must have in common to be compared: fields of the samples,
            ``duration_s`` (of the clip), ``reference_words``, or ``reference`` (the same words).
            Numbers are coarsened into ``match_bins`` bins; everything else must be equal.
        match_bins: How many bins.
        axes: Further fields that tell groups apart; the gaps along all of them are adjusted for
            how many they are.
    """

    group: str = "group"
    speaker: str = "speaker"
    normalization: RuleName = "basic"
    min_group_size: int = 30
    margin: float = 0.02
    language: str | None = None
    normalizer_path: str = ""
    match_on: tuple[str, ...] = ("reference_words",)
    match_bins: int = 5
    axes: tuple[str, ...] = ()

    name: ClassVar[str] = "fairness/transcription-gap"
    family: ClassVar[Any] = "fairness"
    needs: ClassVar[Any] = (Transcribe,)
    fields: ClassVar[Any] = ("audio", "text")
    card: ClassVar[Card] = Card(
        measures="The largest difference between two groups of speakers in corpus word error "
        "rate, 0 being fair; the same by utterance, for the share of utterances with more than "
        "half of their words wrong, for words that nobody said (insertions), by character, and "
        "on matched utterances only. The ratio is that of the highest to the lowest rate; "
        "fairlearn's MetricFrame.ratio() is its reciprocal. Intervals and the permutation null "
        "treat a speaker's utterances as one unit; rates lie above the null's mean by chance, so "
        "gaps are judged against it.",
        does_not_measure="Why they differ: groups should say the same things under the same "
        "conditions. Groups below the minimum size are left out and named.",
        reference="Koenecke et al. 2020, PNAS 117; Liu et al. 2022; Iacus, King and Porro 2012, "
        "Political Analysis 20 (matching); Benjamini and Hochberg 1995 (several axes)",
        critique="A normalisation rule can create a gap between dialects whose spelling it does "
        "not know. Corpus and utterance means can disagree, so both are given. Matching removes "
        "what was matched on and nothing else, at the price of the utterances without a match. "
        "Groups are as annotated; few speakers, however many utterances, say little.",
    )

    def __post_init__(self) -> None:
        """Refuse a rule without the file that it needs, and bins that part nothing."""
        rule_named(self.normalization, self.normalizer_path)
        object.__setattr__(self, "match_on", tuple(self.match_on))
        object.__setattr__(self, "axes", tuple(self.axes))
        if self.match_bins < 1:
            raise ValueError(f"match_bins must be 1 or more (got {self.match_bins})")

    @property
    def rule(self) -> Rule:
        """What references and transcripts are compared under."""
        return rule_named(self.normalization, self.normalizer_path)

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """The corpus gap first; the rule is part of the figures' names."""
        words = ("errors", "reference_words", "group")
        rate = f"word error rate ({self.rule.label})"
        clusters = "speaker" if self.speaker else None
        corpus = GroupRatioGap(*words, name=f"{rate} gap", primary=True, **self._options)
        compared: tuple[Metric, ...] = (
            corpus,
            RateRatio(
                words[0], "group", self.min_group_size, clusters, words[1], name=f"{rate} ratio"
            ),
            *self._matched(rate),
            *self._other_gaps(),
            *self._by_axis(corpus, rate),
        )
        return (
            *(IfAnswered(metric, "is_unanswered") for metric in compared),
            Ratio(*words[:2], name=rate, clusters=clusters, direction="lower is better"),
            Proportion("is_empty", name="empty transcripts", by="group"),
            RateGap("is_empty", "group", name="rate of empty transcripts gap", **self._options),
            Proportion("is_refusal", name="refused transcripts", clusters=clusters),
            RateGap("is_refusal", "group", name="refusal rate gap", **self._options),
        )

    @property
    def _options(self) -> dict[str, Any]:
        return {
            "clusters": "speaker" if self.speaker else None,
            "min_group_size": self.min_group_size,
            "margin": self.margin,
            "higher_is_worse": True,
        }

    def _matched(self, rate: str) -> Iterator[Metric]:
        if self.match_on:
            name = f"{rate} on matched utterances gap"
            yield MatchedRatioGap("errors", "reference_words", "group", name=name, **self._options)

    def _other_gaps(self) -> Iterator[Metric]:
        yield GroupGap(
            "utterance_wer", "group", name="mean utterance error rate gap", **self._options
        )
        yield GroupGap(
            "is_mostly_wrong", "group", name="mostly wrong utterances gap", **self._options
        )
        for above, below, name in (
            ("insertions", "reference_words", "insertion rate gap"),
            ("character_errors", "reference_characters", "character error rate gap"),
        ):
            yield GroupRatioGap(above, below, "group", name=name, **self._options)

    def _by_axis(self, corpus: GroupRatioGap, rate: str) -> Iterator[Metric]:
        if self.axes:
            yield AxisGaps(corpus, ("group", *self.axes), f"{rate} gap by axis")

    def ask(self, sample: Sample, context: Any) -> Any:
        """Transcribe and align."""
        group = sample[self.group]
        if not is_given(group) or group == "":
            raise DataError(f"sample {sample.id!r} has no {self.group}")
        clip = sample["audio"]
        transcript = yield Transcribe(clip, self.language)
        record = {**utterance_record(str(sample["text"]), transcript.text, self.rule)}
        wrong = record["utterance_wer"]
        record["is_mostly_wrong"] = None if wrong is None else wrong > MOSTLY_WRONG
        # What somebody said may begin as a refusal does.
        is_refused = is_refusal(transcript.text) and not is_refusal(str(sample["text"]))
        record["is_refusal"] = float(is_refused)
        record["is_unanswered"] = float(is_refused or not transcript.text.strip())
        record["duration_s"] = clip.n_samples() / clip.header.sample_rate_hz
        for name in (*self.match_on, *self.axes):
            record.setdefault(name, sample.get(name))
        speaker = {"speaker": str(sample[self.speaker])} if self.speaker else {}
        return {**record, "group": str(group), **speaker}

    def tabulate(
        self, records: Sequence[Mapping[str, Any]], context: Any, rng: Any
    ) -> Sequence[Mapping[str, Any]]:
        """Say of every utterance with which others it may be compared."""
        del context, rng
        if not self.match_on:
            return records
        strata = strata_of(records, self.match_on, self.match_bins)
        return [
            {**record, "stratum": stratum} for record, stratum in zip(records, strata, strict=True)
        ]
