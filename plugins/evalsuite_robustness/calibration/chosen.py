"""Calibration of language models that choose among answers by likelihood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from evalsuite import Card, LogLikelihood, Probe, Sample
from evalsuite.answers import LETTERS, choices_of, credit
from evalsuite.content import as_content
from evalsuite_robustness.calibration.forecasts import forecast_record
from evalsuite_robustness.calibration.measured import CRITIQUE, REFERENCE, Calibrated
from evalsuite_robustness.calibration.temperature import scores_record


@dataclass(frozen=True)
class ChoiceCalibration(Calibrated, Probe):
    """Is a language model as often right as it is sure of the choice that it finds likeliest?

    Confidence is the share of the likeliest choice: P(choice | prompt) over the sum of all.

    Args:
        prompt: ``{question}`` and, for letters, ``{options}`` are replaced.
        delimiter: What stands between the prompt and a choice.
        score: ``total`` log-probability of a choice; ``per_token``, which long choices need; or
            ``letters``: the choices are listed, and their letters scored.
        bins, closed, group, cluster_by: As for all probes of calibration.
    """

    prompt: str = ""
    delimiter: str = " "
    score: Literal["total", "per_token", "letters"] = "total"

    medium: ClassVar[str] = ""
    knows_all: ClassVar[bool] = True
    name: ClassVar[str] = "calibration/multiple-choice"
    needs: ClassVar[Any] = (LogLikelihood,)
    fields: ClassVar[Any] = ("question", "choices", "answer")
    card: ClassVar[Card] = Card(
        measures="Whether the share of the likeliest choice among all is how often it is right: "
        "calibration error in bins of equal mass and of equal width, Brier score and negative "
        "log-likelihood of being right, how many errors are left among the surest answers, and the "
        "temperature that would put the shares right, with the error that is left at it.",
        does_not_measure="What the model says of its own certainty: see the verbalised one.",
        reference=f"Kadavath et al. 2022 (2207.05221); {REFERENCE}",
        critique=f"Shares of whole choices depend on how long they are; letters do not. {CRITIQUE}",
    )

    def __post_init__(self) -> None:
        """Refuse a prompt that does not ask, or lists nothing."""
        super().__post_init__()
        marks = ["{question}", *(["{options}"] if self.score == "letters" else [])]
        missing = [mark for mark in marks if mark not in self._template]
        if missing:
            raise ValueError(f"prompt must contain {missing[0]} (got {self.prompt!r})")

    @property
    def _template(self) -> str:
        listed = "{question}\n{options}\nAnswer:"
        return self.prompt or (listed if self.score == "letters" else "{question}\nAnswer:")

    def ask(self, sample: Sample, context: Any) -> Any:
        """Score every choice; ties share the credit."""
        choices, target = choices_of(sample)
        endings = list(LETTERS[: len(choices)]) if self.score == "letters" else choices
        lines = "\n".join(f"{letter}. {choice}" for letter, choice in zip(LETTERS, choices))
        text = self._template.replace("{options}", lines)
        text = text.replace("{question}", str(sample["question"]))
        content = as_content((sample[self.medium], text) if self.medium else text)
        scores = yield tuple(LogLikelihood(content, self.delimiter + end) for end in endings)
        totals = [s.total / (s.n_tokens if self.score == "per_token" else 1) for s in scores]
        shares = np.exp(np.array(totals) - max(totals))
        return {
            **forecast_record(float(shares.max() / shares.sum()), credit(totals, target)),
            "predicted": choices[totals.index(max(totals))],
            "target": choices[target],
            "probability": float(shares[target] / shares.sum()),
            **scores_record((shares / shares.sum()).tolist(), target),
            **self.carried(sample),
        }


@dataclass(frozen=True)
class ImageChoiceCalibration(ChoiceCalibration):
    """The same of questions about a picture."""

    medium: ClassVar[str] = "image"
    media: ClassVar[Any] = ("image",)
    name: ClassVar[str] = "calibration/image-multiple-choice"
    fields: ClassVar[Any] = ("image", "question", "choices", "answer")


@dataclass(frozen=True)
class AudioChoiceCalibration(ChoiceCalibration):
    """The same of questions about a clip."""

    medium: ClassVar[str] = "audio"
    media: ClassVar[Any] = ("audio",)
    name: ClassVar[str] = "calibration/audio-multiple-choice"
    fields: ClassVar[Any] = ("audio", "question", "choices", "answer")
