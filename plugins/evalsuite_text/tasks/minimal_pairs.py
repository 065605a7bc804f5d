"""Minimal pairs: is the acceptable sentence more probable than the unacceptable one?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from evalsuite import Card, LogLikelihood, Mean, Metric, Null, Probe, Proportion, Sample


@dataclass(frozen=True)
class MinimalPairs(Probe):
    """Compare log P of two whole sentences.

    Args:
        by: A field whose values get estimates of their own, e.g. the phenomenon.
    """

    by: str = ""

    name: ClassVar[str] = "text/minimal-pairs"
    family: ClassVar[Any] = "task"
    needs: ClassVar[Any] = (LogLikelihood,)
    fields: ClassVar[Any] = ("sentence_good", "sentence_bad")
    card: ClassVar[Card] = Card(
        measures="How often the acceptable sentence of a pair has the higher log-likelihood.",
        does_not_measure="How much better it is (see the log-odds), or what the model would write.",
        reference="Warstadt et al. 2020, BLiMP, TACL 8",
        critique="Pairs of unequal length favour the shorter sentence.",
    )

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """Accuracy against guessing, and the mean log-odds."""
        by = self.by or None
        return (
            Proportion(
                "correct",
                name="accuracy",
                by=by,
                null=Null(0.5, why="guessing between two"),
                direction="higher is better",
                primary=True,
            ),
            Mean("log_odds", name="log-odds", by=by, null=Null(0.0, why="no preference")),
        )

    def ask(self, sample: Sample, context: Any) -> Any:
        """Score both sentences; a tie is half right."""
        good, bad = yield (
            LogLikelihood("", str(sample["sentence_good"])),
            LogLikelihood("", str(sample["sentence_bad"])),
        )
        difference = good.total - bad.total
        record = {
            "correct": (1 + (difference > 0) - (difference < 0)) / 2,
            "log_odds": difference,
            "truncated_tokens": max(good.truncated_tokens, bad.truncated_tokens),
        }
        return {**record, **({self.by: str(sample[self.by])} if self.by else {})}
