"""Speech recognition: word and character error rates, with what kind of errors they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from evalsuite import (
    Audio,
    Card,
    Mean,
    Metric,
    Null,
    Probe,
    Proportion,
    Ratio,
    Sample,
    Transcribe,
    Transcript,
)
from evalsuite.transcripts import (
    MatchErrorRate,
    Rule,
    RuleSpread,
    WordInformationLost,
    utterance_record,
)
from evalsuite_audio.metrics.word_times import (
    NOT_TIMED,
    TOLERANCES_MS,
    boundary_record,
    timed_words,
)
from evalsuite_transformers.normalization import RuleName, rule_named, rules_beside

_LENGTH = Null(1.0, margin=0.05, why="as many words as were said")


@dataclass(frozen=True)
class Transcription(Probe):
    """Transcribe and compare with the reference.

    Args:
        normalization: ``basic`` (case and punctuation do not count), ``none``, ``english`` (in
            Whisper's sense), ``english-whisper`` (with a checkpoint's own spellings) or
            ``chinese`` (by character).
        normalizer_path: The file normalizer.json of a Whisper checkpoint, for ``english-whisper``.
        language: Passed to models that take one, e.g. ``en``; where it is English or Chinese, the
            rules made for it are among those that are compared.
        task: ``transcribe``, or ``translate`` into English.
        word_times: Whether to ask when each word is spoken, and to compare that with the samples'
            ``word_times``, rows of [word, start in seconds, end in seconds].
        cluster_by: Field of the resampling unit, e.g. ``speaker``.
        by: Field whose values give rates of their own, e.g. ``speaker``.
    """

    normalization: RuleName = "basic"
    language: str | None = None
    cluster_by: str = ""
    task: Literal["transcribe", "translate"] = "transcribe"
    word_times: bool = False
    by: str = ""
    normalizer_path: str = ""

    name: ClassVar[str] = "audio/transcription"
    family: ClassVar[Any] = "task"
    needs: ClassVar[Any] = (Transcribe,)
    fields: ClassVar[Any] = ("audio", "text")
    card: ClassVar[Card] = Card(
        measures="Substituted, deleted and inserted words for every word of the reference, over "
        "the whole corpus; the same by character; how fast.",
        does_not_measure="Whether an error matters for the meaning; an empty transcript counts "
        "as all words deleted, a clip that could not be heard is a failure and not an error.",
        reference="Levenshtein alignment as in NIST's sclite, computed by jiwer; Morris et al. "
        "2004, Interspeech (MER, WIL); Bisani and Ney 2004, ICASSP (bootstrap)",
        critique="The figure depends on the normalisation rule, which is named beside it, with "
        "the figures under the other rules; rules can create or hide gaps between dialects. Word "
        "error rates exceed 1 where more is made up than was said. Characters include spaces, as "
        "in jiwer, where not said otherwise. The real-time factor is wall time on this machine; "
        "clips of a batch share it by length, so its interval tells nothing of other machines.",
    )

    def __post_init__(self) -> None:
        """Refuse a rule without the file that it needs."""
        rule_named(self.normalization, self.normalizer_path)

    @property
    def rule(self) -> Rule:
        """What references and transcripts are compared under."""
        return rule_named(self.normalization, self.normalizer_path)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rule, and all others that make sense for the language."""
        return rules_beside(self.rule, self.language)

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """Corpus rates; the rule is part of their name."""
        return (
            *self._error_rates(),
            *self._other_rules(),
            *self._utterances(),
            *self._speed(),
            *(self._boundaries() if self.word_times else ()),
        )

    def _error_rates(self) -> Iterator[Metric]:
        label = self.rule.label
        clusters = self.cluster_by or None
        yield self._rate("errors", f"word error rate ({label})", primary=True, by=self.by or None)
        for column, name in (
            ("errors_where_words_were_said", "word error rate where words were said"),
            ("substitutions", "substitution rate"),
            ("deletions", "deletion rate"),
            ("insertions", "insertion rate"),
        ):
            yield self._rate(column, f"{name} ({label})")
        characters, letters = "reference_characters", "reference_letters"
        name = f"character error rate ({label})"
        yield self._rate("character_errors", name, characters, by=self.by or None)
        name = f"character error rate without spaces ({label})"
        yield self._rate("letter_errors", name, letters)
        yield MatchErrorRate(name=f"match error rate ({label})", clusters=clusters)
        yield WordInformationLost(name=f"word information lost ({label})", clusters=clusters)

    def _other_rules(self) -> Iterator[Metric]:
        """What the same transcripts get under the other rules."""
        for rule in self.rules:
            if rule != self.rule:
                said = f"reference_words_{rule.name}"
                yield self._rate(f"errors_{rule.name}", f"word error rate ({rule.label})", said)
        yield RuleSpread(
            name=f"word error rate, spread over {len(self.rules)} rules",
            rules=tuple(rule.name for rule in self.rules),
            clusters=self.cluster_by or None,
        )

    def _utterances(self) -> Iterator[Metric]:
        options: Any = {"clusters": self.cluster_by or None, "direction": "lower is better"}
        yield Mean("utterance_wer", name="mean utterance error rate", **options)
        yield Proportion("has_error", name="sentence error rate", by=self.by or None, **options)
        yield Proportion("is_empty", name="empty transcripts", by=self.by or None, **options)
        yield Ratio(
            "hypothesis_words",
            "reference_words",
            name="length ratio",
            clusters=self.cluster_by or None,
            null=_LENGTH,
            direction="closer to null is better",
        )

    def _speed(self) -> Iterator[Metric]:
        yield self._rate("answer_seconds", "real-time factor", "audio_seconds")
        yield Ratio(
            "audio_seconds",
            "answer_seconds",
            name="times faster than real time",
            clusters=self.cluster_by or None,
            direction="higher is better",
        )

    def _boundaries(self) -> Iterator[Metric]:
        yield self._rate("boundary_error_ms", "word boundary error (ms)", "boundaries")
        for tolerance in TOLERANCES_MS:
            column = f"boundaries_within_{tolerance}_ms"
            name = f"word boundaries within {tolerance} ms"
            yield self._rate(column, name, "boundaries", direction="higher is better")
        name = "timed words that were compared"
        yield self._rate("matched_timed_words", name, "timed_words", direction="higher is better")

    def _rate(
        self, numerator: str, name: str, denominator: str = "reference_words", **options: Any
    ) -> Ratio:
        options = {"direction": "lower is better", "clusters": self.cluster_by or None, **options}
        return Ratio(numerator, denominator, name=name, **options)

    def ask(self, sample: Sample, context: Any) -> Any:
        """Transcribe and align."""
        carried = {name: sample.get(name) for name in ("speaker", "group")}
        carried |= {name: sample[name] for name in (self.cluster_by, self.by) if name}
        transcript = yield Transcribe(sample["audio"], self.language, self.task, self.word_times)
        return {
            **utterance_record(str(sample["text"]), transcript.text, self.rule, self.rules),
            **_speed_record(sample["audio"], transcript),
            **(self._boundary_record(sample, transcript) if self.word_times else {}),
            **{name: value for name, value in carried.items() if value is not None},
        }

    def _boundary_record(self, sample: Sample, transcript: Transcript) -> Mapping[str, Any]:
        """Not measured without times in the reference, or for words that the model did not time."""
        said = timed_words(sample.get("word_times") or ())
        is_timed = bool(transcript.words) or not transcript.text.strip()
        return (
            boundary_record(said, transcript.words, self.rule) if said and is_timed else NOT_TIMED
        )


def _speed_record(audio: Audio, transcript: Transcript) -> Mapping[str, Any]:
    waveform, rate = audio.load()
    return {"answer_seconds": transcript.seconds, "audio_seconds": len(waveform) / rate}
