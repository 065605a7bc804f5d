"""Hallucination: words that a transcriber writes where nobody speaks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from evalsuite import Card, Metric, Null, Probe, Proportion, Ratio, Sample, Transcribe
from evalsuite_audio.metrics.loops import Largest, longest_loop
from evalsuite_transformers.normalization import PlainRuleName, rule_named

LOOP_TIMES = 3


@dataclass(frozen=True)
class Hallucination(Probe):
    """Transcribe clips without speech; every word is made up.

    The source ``audio/silence-and-noise`` makes such clips; any folder of noises will do as well.

    Args:
        normalization: What counts as a word, as in ``audio/transcription``: ``basic`` lets
            punctuation pass, ``english`` also what stands in brackets, e.g. "[BLANK_AUDIO]".
        language: Passed to models that take one.
        by: Field whose values give figures of their own; ``label`` where a sample lacks it.
    """

    normalization: PlainRuleName = "basic"
    language: str | None = None
    by: str = "kind"

    name: ClassVar[str] = "audio/hallucination"
    family: ClassVar[Any] = "task"
    needs: ClassVar[Any] = (Transcribe,)
    fields: ClassVar[Any] = ("audio",)
    card: ClassVar[Card] = Card(
        measures="How many clips in which nobody speaks are given words, how many words a minute, "
        "and how often these go round in circles.",
        does_not_measure="What is made up beside real speech, e.g. in its pauses.",
        reference="Koenecke et al. 2024, FAccT, Careless Whisper; Radford et al. 2022, section 4.5 "
        "(repetition loops)",
        critique="A model that never writes anything does perfectly here: read it beside the word "
        "error rate. Recordings of noise may hold speech that nobody noted.",
    )

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """The share of clips first; the rule is part of its name."""
        label = rule_named(self.normalization).label
        return (
            Proportion(
                "wrote_words",
                name=f"clips without speech that got words ({label})",
                by=self.by or None,
                null=Null(0.0, side="above", why="nobody speaks"),
                direction="lower is better",
                primary=True,
            ),
            Ratio(
                "words",
                "minutes",
                name="made-up words per minute",
                by=self.by or None,
                direction="lower is better",
            ),
            Proportion(
                "is_looping",
                name=f"clips whose words are repeated {LOOP_TIMES} times or more",
                direction="lower is better",
            ),
            Largest("loop_words", name="longest repetition (words)"),
        )

    def ask(self, sample: Sample, context: Any) -> Any:
        """Transcribe and count."""
        kind = (sample.get(self.by) or sample.get("label")) if self.by else None
        transcript = yield Transcribe(sample["audio"], self.language)
        words = rule_named(self.normalization)(transcript.text).split()
        loop = longest_loop(words)
        waveform, rate = sample["audio"].load()
        return {
            "wrote_words": bool(words),
            "words": len(words),
            "minutes": len(waveform) / rate / 60,
            "is_looping": loop.times >= LOOP_TIMES,
            "loop_words": loop.length,
            "loop": " ".join(loop.words),
            "loop_times": loop.times,
            "hypothesis": " ".join(words),
            "hypothesis_as_written": transcript.text,
            "level_dbfs": sample.get("level_dbfs"),
            **({self.by: str(kind)} if kind else {}),
        }
