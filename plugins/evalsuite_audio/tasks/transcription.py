"""Speech recognition: word and character error rates, with what kind of errors they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import jiwer

from evalsuite import Card, Mean, Metric, Probe, Proportion, Ratio, Sample, Transcribe
from evalsuite_audio.metrics.normalization import RULES, VERSIONS, Rule


@dataclass(frozen=True)
class Transcription(Probe):
    """Transcribe and compare with the reference.

    Args:
        normalization: ``basic`` (case and punctuation do not count) or ``none``.
        language: Passed to models that take one.
        cluster_by: Field of the resampling unit, e.g. ``speaker``.
    """

    normalization: Rule = "basic"
    language: str | None = None
    cluster_by: str = ""

    name: ClassVar[str] = "audio/transcription"
    family: ClassVar[Any] = "task"
    needs: ClassVar[Any] = (Transcribe,)
    fields: ClassVar[Any] = ("audio", "text")
    card: ClassVar[Card] = Card(
        measures="Substituted, deleted and inserted words for every word of the reference, over "
        "the whole corpus.",
        does_not_measure="Whether an error matters for the meaning; an empty transcript counts "
        "as all words deleted, a clip that could not be heard is a failure and not an error.",
        reference="Levenshtein alignment as in NIST's sclite, computed by jiwer",
        critique="The figure depends on the normalisation rule, which is named beside it; rules "
        "can create or hide gaps between dialects.",
    )

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """Corpus rates; the rule is part of their name."""
        rule = VERSIONS[self.normalization]
        clusters = self.cluster_by or None
        lower: Any = "lower is better"
        return (
            Ratio(
                "errors",
                "reference_words",
                name=f"word error rate ({rule})",
                clusters=clusters,
                direction=lower,
                primary=True,
            ),
            Ratio(
                "character_errors",
                "reference_characters",
                name=f"character error rate ({rule})",
                clusters=clusters,
                direction=lower,
            ),
            Mean(
                "utterance_wer",
                name="mean utterance error rate",
                clusters=clusters,
                direction=lower,
            ),
            Proportion("has_error", name="sentence error rate", clusters=clusters, direction=lower),
            Proportion("is_empty", name="empty transcripts", clusters=clusters, direction=lower),
        )

    def ask(self, sample: Sample, context: Any) -> Any:
        """Transcribe and align."""
        carried = {name: sample.get(name) for name in ("speaker", "group")}
        if self.cluster_by:
            carried[self.cluster_by] = sample[self.cluster_by]
        transcript = yield Transcribe(sample["audio"], self.language)
        rule = RULES[self.normalization]
        record = alignment(rule(str(sample["text"])), rule(transcript.text))
        return {**record, **{name: value for name, value in carried.items() if value is not None}}


def alignment(reference: str, hypothesis: str) -> Mapping[str, Any]:
    """Error counts of one utterance.

    Characters include the spaces between words. An empty hypothesis deletes every word; with an
    empty reference every word is an insertion, and the utterance's own rate is undefined.
    """
    n_words, n_heard = len(reference.split()), len(hypothesis.split())
    if n_words and n_heard:
        found = jiwer.process_words(reference, hypothesis)
        counts = (found.substitutions, found.deletions, found.insertions)
        letters = jiwer.process_characters(reference, hypothesis)
        wrong_letters = letters.substitutions + letters.deletions + letters.insertions
    else:
        counts = (0, n_words, n_heard)
        wrong_letters = max(len(reference), len(hypothesis))
    errors = sum(counts)
    return {
        "errors": errors,
        "reference_words": n_words,
        "substitutions": counts[0],
        "deletions": counts[1],
        "insertions": counts[2],
        "character_errors": wrong_letters,
        "reference_characters": len(reference),
        "utterance_wer": errors / n_words if n_words else None,
        "has_error": errors > 0,
        "is_empty": n_heard == 0,
        "reference": reference,
        "hypothesis": hypothesis,
    }
