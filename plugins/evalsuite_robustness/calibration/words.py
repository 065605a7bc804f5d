"""Calibration of the confidence that transcribers give for each word."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from evalsuite import Card, Failure, Metric, Probe, Ratio, RequestFailed, Sample, Transcribe
from evalsuite.transcripts import BASIC, align
from evalsuite_robustness.calibration.forecasts import UTTERANCE, WORDS
from evalsuite_robustness.calibration.measured import CRITIQUE, REFERENCE, Calibrated


@dataclass(frozen=True)
class WordCalibration(Calibrated, Probe):
    """Are words that a transcriber is sure of right as often as it says?

    Args:
        language: Passed to models that take one, e.g. ``en``.
        bins, closed, group, cluster_by: As for all probes of calibration; utterances are the
            resampling unit without ``cluster_by``.
    """

    language: str | None = None

    unit: ClassVar[str] = UTTERANCE
    name: ClassVar[str] = "calibration/transcribed-words"
    needs: ClassVar[Any] = (Transcribe,)
    fields: ClassVar[Any] = ("audio", "text")
    card: ClassVar[Card] = Card(
        measures="Whether a word's confidence (the posterior of the decoder's lattice, the "
        "product of the letters' posteriors of a CTC head, the mean probability of the tokens that "
        "a decoder such as Whisper's writes, or what a server tells) is how often the word stands "
        "in the reference at its place: calibration error, Brier score, negative log-likelihood, "
        "and the errors among the surest words.",
        does_not_measure="Words that were said and not written: nobody was sure of them. The word "
        "error rate beside it counts them.",
        reference=f"Siu and Gish 1999 (word confidence); {REFERENCE}",
        critique=f"Words are right or wrong after case and punctuation are dropped. {CRITIQUE}",
    )

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """Those of calibration, by word, and the word error rate."""
        rate = Ratio(
            "errors",
            "reference_words",
            name=f"word error rate ({BASIC.label})",
            clusters=self.cluster_by or None,
            direction="lower is better",
        )
        return (*self.of_confidence(), rate)

    def ask(self, sample: Sample, context: Any) -> Any:
        """Transcribe and align; fails where the model gives words no confidence."""
        transcript = yield Transcribe(sample["audio"], self.language, word_times=True)
        words = transcript.words
        if transcript.text.strip() and not any(w.confidence is not None for w in words):
            told = "this model does not say how sure it is of a word"
            raise RequestFailed(Failure("no confidence", told))
        heard = [(part, w.confidence) for w in words for part in BASIC(w.text).split()]
        said = BASIC(str(sample["text"])).split()
        found = align(said, [word for word, _ in heard])
        judged = [
            [word, confidence, float(is_right)]
            for (word, confidence), is_right in zip(heard, _are_right(found), strict=True)
        ]
        return {
            WORDS: json.dumps(judged, ensure_ascii=False),
            "errors": found.errors,
            "reference_words": len(said),
            "hypothesis": transcript.text,
            "is_empty": not heard,
            **self.carried(sample),
        }


def _are_right(alignment: Any) -> Iterator[bool]:
    """For each word that was heard, whether it was said."""
    for step in alignment.steps:
        for _ in step.hypothesis:
            yield step.operation == "equal"
