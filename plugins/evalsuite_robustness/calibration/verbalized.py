"""Calibration of the confidence that a model puts into words; served models can be asked too."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from evalsuite import Card, Generate, Metric, Probe, Proportion, Sample
from evalsuite.answers import LETTERS, choices_of, chosen_option, exact_match
from evalsuite.content import as_content
from evalsuite_robustness.calibration.forecasts import forecast_record
from evalsuite_robustness.calibration.measured import CRITIQUE, REFERENCE, Calibrated

PROMPT = (
    "{question}\n{options}"
    "Reply in two lines, and nothing else:\n"
    "Answer: your answer\n"
    "Confidence: how likely it is that your answer is right, from 0% to 100%\n"
)
_ANSWER = re.compile(r"^\W*answer\W*?:[ \t*_]*(.*\S)", re.IGNORECASE | re.MULTILINE)
_CONFIDENCE = re.compile(
    r"^\W*confidence\W*?:[ \t*_]*(\d+(?:\.\d+)?)\s*(%|per ?cent)?", re.IGNORECASE | re.MULTILINE
)


@dataclass(frozen=True)
class VerbalizedConfidence(Calibrated, Probe):
    """Is a model as often right as it says that it is sure?

    Args:
        prompt: ``{question}`` and ``{options}``, the lettered choices where there are any, are
            replaced.
        max_tokens: Longest reply.
        bins, closed, group, cluster_by: As for all probes of calibration.
    """

    prompt: str = PROMPT
    max_tokens: int = 64

    medium: ClassVar[str] = ""
    name: ClassVar[str] = "calibration/verbalized"
    needs: ClassVar[Any] = (Generate,)
    fields: ClassVar[Any] = ("question", "answer")
    card: ClassVar[Card] = Card(
        measures="Whether the certainty that a model writes beside its answer is how often that "
        "answer is right: calibration error, Brier score, negative log-likelihood, and the errors "
        "among the surest answers. Replies are read strictly; ones without a confidence, refusals "
        "among them, are counted, and left out of the calibration.",
        does_not_measure="The probabilities of the model itself: see the one by likelihood.",
        reference=f"Lin et al. 2022, TMLR; Tian et al. 2023, EMNLP; {REFERENCE}",
        critique="Models repeat few round numbers, mostly high ones (Xiong et al. 2024, ICLR), so "
        f"that bins of equal mass are few. {CRITIQUE}",
    )

    def __post_init__(self) -> None:
        """Refuse a prompt that does not ask."""
        super().__post_init__()
        if "{question}" not in self.prompt:
            raise ValueError(f"prompt must contain {{question}} (got {self.prompt!r})")

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """Those of calibration, and how many replies could not be read."""
        units = self.cluster_by or None
        lower: Any = {"clusters": units, "direction": "lower is better"}
        return (
            *self.of_confidence(),
            Proportion("correct", name="accuracy, unread replies wrong", clusters=units),
            Proportion("is_unparsed", name="replies without a confidence", **lower),
            Proportion("is_empty", name="empty replies", **lower),
        )

    def ask(self, sample: Sample, context: Any) -> Any:
        """Let the model write, and read answer and confidence."""
        choices, target = choices_of(sample) if sample.get("choices") is not None else ([], 0)
        listed = "".join(f"{letter}. {text}\n" for letter, text in zip(LETTERS, choices))
        text = self.prompt.replace("{options}", listed)
        text = text.replace("{question}", str(sample["question"]))
        content = as_content((sample[self.medium], text) if self.medium else text)
        reply = yield Generate(content, max_tokens=self.max_tokens)
        answer, confidence = answer_in(reply.text), confidence_in(reply.text)
        if choices:
            is_right = answer is not None and chosen_option(answer, choices) == target
        else:
            is_right = answer is not None and bool(exact_match(answer, _references(sample)))
        return {
            **forecast_record(confidence if answer is not None else None, float(is_right)),
            "answer": answer or "",
            "reply": reply.text,
            "is_unparsed": answer is None or confidence is None,
            "is_empty": not reply.text.strip(),
            **self.carried(sample),
        }


@dataclass(frozen=True)
class VerbalizedConfidenceImage(VerbalizedConfidence):
    """The same of questions about a picture."""

    medium: ClassVar[str] = "image"
    media: ClassVar[Any] = ("image",)
    name: ClassVar[str] = "calibration/image-verbalized"
    fields: ClassVar[Any] = ("image", "question", "answer")


@dataclass(frozen=True)
class VerbalizedConfidenceAudio(VerbalizedConfidence):
    """The same of questions about a clip."""

    medium: ClassVar[str] = "audio"
    media: ClassVar[Any] = ("audio",)
    name: ClassVar[str] = "calibration/audio-verbalized"
    fields: ClassVar[Any] = ("audio", "question", "answer")


def answer_in(reply: str) -> str | None:
    """What stands behind ``Answer:``, the first time; None where nothing does."""
    found = _ANSWER.search(reply)
    return found[1].strip("*_ \t") or None if found else None


def confidence_in(reply: str) -> float | None:
    """The number behind ``Confidence:`` as a probability; None where there is none from 0 to 100.

    A number with a point and no sign for per cent is a probability where it is at most 1
    (``0.8``); any other is in per cent (``80%``, ``80``, ``1``).
    """
    found = _CONFIDENCE.search(reply)
    if found is None:
        return None
    value = float(found[1])
    is_share = "." in found[1] and found[2] is None and value <= 1
    value = value if is_share else value / 100
    return value if value <= 1 else None


def _references(sample: Sample) -> Sequence[str]:
    answer = sample["answer"]
    return [str(a) for a in answer] if isinstance(answer, list | tuple) else [str(answer)]
