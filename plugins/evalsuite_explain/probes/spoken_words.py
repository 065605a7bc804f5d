"""Is a word of a transcript explained by the moment at which it is spoken?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evalsuite import (
    Card,
    Failure,
    Metric,
    Probe,
    RequestFailed,
    Sample,
    TimedWord,
    Transcribe,
    UsageError,
)
from evalsuite.transcripts import BASIC, align
from evalsuite_explain.explainers.catalogue import needs_gradients
from evalsuite_explain.explainers.game import Game
from evalsuite_explain.explainers.occlusion import Occlusion
from evalsuite_explain.inputs.clip import FILLS, Clip
from evalsuite_explain.kept_words import KeptWord
from evalsuite_explain.probes.explaining import ExplainerChoice, UnitChoice, rng_of_sample
from evalsuite_explain.probes.localisation import localisation_columns, localisation_metrics


@dataclass(frozen=True)
class TranscriptLocalisation(UnitChoice, ExplainerChoice, Probe):
    """Does an explainer find the moment of each word that a transcriber hears?

    Samples may have ``word_times``, rows of [word, first second, last second]; without them, words
    are where the transcriber says that it heard them. A clip's figures are the means of its words.

    Args:
        explainer: One that asks for answers only: occlusion, shapley, sampled_shapley, kernel_shap
            or lime.
        moment_s: Length of the moments that a clip is divided into, in seconds.
        fill: What a moment that is taken away holds, ``silence`` or its frequency's ``mean`` level.
    """

    explainer: str = "occlusion"
    moment_s: float = 0.8
    fill: str = FILLS[1]

    name: ClassVar[str] = "explain/transcript-localisation"
    family: ClassVar[Any] = "explainability"
    media: ClassVar[Any] = ("audio",)
    asked: ClassVar[Any] = (Transcribe,)
    fields: ClassVar[Any] = ("audio",)
    card: ClassVar[Card] = Card(
        measures="Whether a heard word is lost from the transcript when the moment at which it is "
        "spoken is taken away, and not when others are: pointing game, share of the positive mass "
        "(and over the word's share of the clip), area under ROC; means over a clip's words.",
        does_not_measure="Whether the word is right. A word that other words make likely may be "
        "heard without its sound, which is no fault of the explainer.",
        reference="Zhang et al. 2018; Arras et al. 2022, CLEVR-XAI",
        critique="Moments that a word only touches count as its own. Without word_times, the "
        "transcriber's own times are believed.",
    )

    def __post_init__(self) -> None:
        """Refuse an explainer that cannot tell words apart, and moments of no length."""
        super().__post_init__()
        if needs_gradients(self.explainer):
            raise UsageError(
                f"explain/transcript-localisation explains each word by itself, which "
                f"{self.explainer} cannot; take occlusion, shapley, kernel_shap or lime."
            )
        if self.moment_s <= 0:
            raise UsageError(f"moment_s must be above 0 (got {self.moment_s}).")

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """Those of localisation."""
        return self.over_units(localisation_metrics())

    def ask(self, sample: Sample, context: Any) -> Any:
        """Transcribe the clip, and again without each moment; all words share these answers."""
        del context
        unit, clip, times = self.unit(sample), self.divided(sample), sample.get("word_times")
        whole = yield Transcribe(sample["audio"], word_times=times is None)
        text = BASIC(whole.text)
        rng = rng_of_sample(sample)
        records: list[dict[str, float | None]] = []
        mean = np.zeros(len(clip))
        for place, word in located(text, whole.words if times is None else timed(times)):
            inside = np.zeros(len(clip), dtype=bool)
            inside[clip.touching((word.start_s, word.end_s))] = True
            if not inside.any() or inside.all():
                continue
            target = KeptWord(text, place)
            own = yield from self.explained(clip, target, sample)
            oracle = yield from Occlusion().explain(Game(clip, target), rng)
            records.append(_record(own.scores, oracle.scores, inside, rng))
            mean += own.scores
        if not records:
            raise RequestFailed(Failure("no words", "no word was heard at a time of its own"))
        return {
            **{name: _mean(record[name] for record in records) for name in records[0]},
            "n_words": len(records),
            "predicted": whole.text,
            **unit,
            **clip.columns((mean / len(records)).tolist()),
        }

    def divided(self, sample: Sample) -> Clip:
        """Moments of about the wanted length, two or more."""
        audio = sample["audio"]
        seconds = audio.n_samples() / audio.header.sample_rate_hz
        moments = max(2, round(seconds / self.moment_s))
        return Clip(audio, moments, fill=self.fill)  # type: ignore[arg-type]


def _record(
    own: Any, oracle: Any, inside: Any, rng: np.random.Generator
) -> dict[str, float | None]:
    """The measures of one word."""
    return {
        **localisation_columns(own, inside),
        **localisation_columns(oracle, inside, "occlusion_"),
        **localisation_columns(rng.standard_normal(len(inside)), inside, "random_"),
        "area": float(inside.mean()),
    }


def located(text: str, said: Iterable[TimedWord]) -> list[tuple[int, TimedWord]]:
    """The words of a normalised transcript that were said: their place in it, and when.

    Raises:
        RequestFailed: No word has a time.
    """
    timed_words = [(part, word) for word in said for part in BASIC(word.text).split()]
    if not timed_words:
        raise RequestFailed(
            Failure("no word times", "neither the sample nor the transcriber says when words are")
        )
    found: list[tuple[int, TimedWord]] = []
    at_said = at_heard = 0
    for step in align([part for part, _ in timed_words], text.split()).steps:
        if step.operation == "equal":
            heard = timed_words[at_said : at_said + len(step.reference)]
            found += [(at_heard + i, word) for i, (_, word) in enumerate(heard)]
        at_said += len(step.reference)
        at_heard += len(step.hypothesis)
    return found


def timed(rows: Iterable[Sequence[Any]]) -> list[TimedWord]:
    """A sample's word times; raises RequestFailed for rows of another form."""
    try:
        return [TimedWord(str(word), float(first), float(last)) for word, first, last in rows]
    except (TypeError, ValueError):
        told = f"word_times must be rows of [word, first second, last second] (got {rows!r})"
        raise RequestFailed(Failure("bad word times", told)) from None


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
