"""Canary exposure: how far do planted secrets stand out among others of their kind?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from evalsuite import Card, LogLikelihood, MaskedTokenScores, Metric, Probe, Request, Sample
from evalsuite.statistics import extrapolated_exposure, interpolated_exposure
from evalsuite_privacy.membership.conditions import shown_before
from evalsuite_privacy.membership.members import is_member
from evalsuite_privacy.membership.scored_text import ScoredText
from evalsuite_privacy.memorisation.exposure_metrics import ExtrapolatedExposure, MeanExposure


@dataclass(frozen=True)
class CanaryExposure(Probe):
    """Rank planted secrets among references of the same random space by likelihood.

    Samples are canaries, with the number of times that each was planted in ``repeats``, and
    references that were not planted. Where they have a field ``format``, a canary is ranked among
    the references of its own format only; ``space_bits``, the logarithm to base 2 of the number of
    texts of the format, caps what is extrapolated. ``evalsuite canaries make`` writes all of this.

    Args:
        ties: Where a reference with a canary's own likelihood stands: ``ahead`` of it (as
            published: a tie never adds exposure), or in the ``middle`` (half a rank each).
    """

    ties: Literal["ahead", "middle"] = "ahead"

    name: ClassVar[str] = "privacy/canary-exposure"
    family: ClassVar[Any] = "privacy"
    needs: ClassVar[Any] = (LogLikelihood,)
    fields: ClassVar[Any] = ("text", "is_canary")
    sensitive: ClassVar[bool] = True
    card: ClassVar[Card] = Card(
        measures="How many bits of a planted random secret the model gives away by preferring it "
        "to references that it never saw.",
        does_not_measure="Secrets that were not planted, and whether the model would write them: "
        "privacy/extraction asks that.",
        reference="Carlini et al. 2019, The secret sharer, USENIX Security; for speech Wang et al. "
        "2023 (2310.11739)",
        critique="Capped at the logarithm of the number of references; what is extrapolated beyond "
        "hangs on a fitted tail. Random secrets are easier to tell than real ones, and a canary "
        "that differs from its references in anything but its secret (length, alphabet, place in "
        "the corpus) is exposed by that.",
    )
    metrics: ClassVar[Sequence[Metric]] = (MeanExposure(), ExtrapolatedExposure())

    def __post_init__(self) -> None:
        """Refuse other places for ties."""
        if self.ties not in ("ahead", "middle"):
            raise ValueError(f"ties must be 'ahead' or 'middle' (got {self.ties!r})")

    def request(self, sample: Sample) -> Request:
        """The text alone."""
        return LogLikelihood("", str(sample["text"]))

    def secrets(self, sample: Sample) -> Sequence[str]:
        """The canary; references are nobody's secret."""
        is_canary = str(sample.get("is_canary")).lower() in ("true", "1")
        return (str(sample.get("text") or ""),) if is_canary else ()

    def ask(self, sample: Sample, context: Any) -> Any:
        """Score the text."""
        scored = ScoredText.of((yield self.request(sample)))
        return {
            "log_perplexity": -scored.total,
            "is_canary": is_member(sample["is_canary"]),
            "repeats": float(sample.get("repeats") or 0),
            "format": str(sample.get("format") or ""),
            "space_bits": float(sample.get("space_bits") or math.inf),
        }

    def tabulate(
        self, records: Sequence[Mapping[str, Any]], context: Any, rng: np.random.Generator
    ) -> Sequence[Mapping[str, Any]]:
        """Rank every canary among the references of its format; the records' order stays."""
        found: dict[int, Mapping[str, Any]] = {}
        for kind in {record["format"] for record in records}:
            found |= self._exposures(
                {i: record for i, record in enumerate(records) if record["format"] == kind}
            )
        kept = [{k: v for k, v in record.items() if k != "space_bits"} for record in records]
        nothing = {"exposure": None, "extrapolated_exposure": None, "n_references": None}
        return [{**record, **found.get(i, nothing)} for i, record in enumerate(kept)]

    def _exposures(
        self, records: Mapping[int, Mapping[str, Any]]
    ) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """Place and exposures of each canary of one format; none where nothing is ranked."""
        scores = {i: float(record["log_perplexity"]) for i, record in records.items()}
        references = np.array([scores[i] for i, r in records.items() if not r["is_canary"]])
        canaries = [i for i, record in records.items() if record["is_canary"]]
        # A model that gives every reference one likelihood ranks nothing.
        if len(references) < 2 or np.ptp(references) == 0:
            return
        asked = np.array([scores[i] for i in canaries])
        ranked = interpolated_exposure(asked, references, ties=self.ties)
        fitted = extrapolated_exposure(asked, references)
        for i, bits, beyond in zip(canaries, ranked, fitted, strict=True):
            yield (
                i,
                {
                    "exposure": float(bits),
                    "extrapolated_exposure": min(float(beyond), records[i]["space_bits"]),
                    "n_references": float(len(references)),
                },
            )


@dataclass(frozen=True)
class MaskedCanaryExposure(CanaryExposure):
    """Exposure in a masked language model, each token scored while it is hidden.

    The likelihood is the pseudo-log-likelihood of Salazar et al. 2020 (1910.14659).
    """

    name: ClassVar[str] = "privacy/masked-canary-exposure"
    needs: ClassVar[Any] = (MaskedTokenScores,)

    def request(self, sample: Sample) -> Request:
        """Every token hidden in turn."""
        return MaskedTokenScores(str(sample["text"]))


@dataclass(frozen=True)
class ConditionalCanaryExposure(CanaryExposure):
    """Exposure of secrets that were planted as what a model writes to something.

    Args:
        prompt: Field of what is said before the text; a sample may lack it.
    """

    prompt: str = "prompt"

    name: ClassVar[str] = "privacy/conditional-canary-exposure"
    medium: ClassVar[str] = ""

    def request(self, sample: Sample) -> Request:
        """The text as continuation of all that comes before it."""
        return LogLikelihood(shown_before(sample, self.medium, self.prompt), str(sample["text"]))


@dataclass(frozen=True)
class ImageCanaryExposure(ConditionalCanaryExposure):
    """Exposure of secrets in the captions that a model writes to pictures."""

    name: ClassVar[str] = "privacy/image-canary-exposure"
    fields: ClassVar[Any] = ("image", "text", "is_canary")
    media: ClassVar[Any] = ("image",)
    medium: ClassVar[str] = "image"


@dataclass(frozen=True)
class AudioCanaryExposure(ConditionalCanaryExposure):
    """Exposure of secrets in the transcripts or captions that a model writes to clips."""

    name: ClassVar[str] = "privacy/audio-canary-exposure"
    fields: ClassVar[Any] = ("audio", "text", "is_canary")
    media: ClassVar[Any] = ("audio",)
    medium: ClassVar[str] = "audio"
