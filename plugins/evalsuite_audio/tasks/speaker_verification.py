"""Speaker verification: do two clips have the same speaker?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evalsuite import Card, DataError, EmbedAudio, Mean, Metric, Probe, Sample
from evalsuite.identity import medium_id
from evalsuite_audio.metrics.verification import EqualErrorRate, MinimumDetectionCost

_SAME = ("1", "1.0", "true", "target", "yes", "same")
_DIFFERENT = ("0", "0.0", "false", "nontarget", "no", "different")


@dataclass(frozen=True)
class SpeakerVerification(Probe):
    """Score trials of two clips by the cosine of their vectors.

    Intervals resample speakers, where samples name them in ``speaker_a`` and ``speaker_b``, else
    clips: trials that share one are not independent. The vectors are those of any model that
    embeds audio; those of a dual encoder are not made for voices.

    Args:
        p_targets: How often a trial would be of the same speaker in use, for each minDCF.
    """

    p_targets: tuple[float, ...] = (0.01, 0.05)

    name: ClassVar[str] = "audio/speaker-verification"
    family: ClassVar[Any] = "task"
    needs: ClassVar[Any] = (EmbedAudio,)
    fields: ClassVar[Any] = ("audio_a", "audio_b", "same")
    card: ClassVar[Card] = Card(
        measures="How well the cosine of two clips' vectors tells the same speaker from another: "
        "the equal error rate, and the detection cost at the best threshold (minDCF), where "
        "accepting a stranger costs as much as rejecting the speaker, and speakers are rare.",
        does_not_measure="Decisions at a threshold that was chosen beforehand (calibration), and "
        "recordings that are meant to deceive.",
        reference="Nagrani et al. 2017, Interspeech (VoxCeleb); NIST speaker recognition "
        "evaluation plans; intervals as in Snijders and Borgatti 1999",
        critique="Trials of one recording session are easy. With few speakers the interval is "
        "wide, however many trials are made of them.",
    )

    def __post_init__(self) -> None:
        """Refuse probabilities that are none."""
        if not self.p_targets or not all(0 < p < 1 for p in self.p_targets):
            raise ValueError(f"p_targets must lie between 0 and 1 (got {self.p_targets!r})")

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """EER and minDCF, also by ``group``, and where the two kinds of trials lie."""
        return (
            EqualErrorRate(by="group", primary=True),
            *(
                MinimumDetectionCost(name=f"minDCF (p = {p:g})", p_target=p, by="group")
                for p in self.p_targets
            ),
            Mean("score_of_same", name="mean score of the same speaker"),
            Mean("score_of_different", name="mean score of different speakers"),
        )

    def ask(self, sample: Sample, context: Any) -> Any:
        """Embed both clips."""
        is_same = _truth(sample["same"])
        one, other = yield EmbedAudio(sample["audio_a"]), EmbedAudio(sample["audio_b"])
        score = _cosine(one.vector, other.vector)
        carried = {name: sample.get(name) for name in ("speaker_a", "speaker_b", "group")}
        return {
            "score": score,
            "is_same": float(is_same),
            "score_of_same": score if is_same else None,
            "score_of_different": None if is_same else score,
            "clip_a": medium_id(sample, "audio_a"),
            "clip_b": medium_id(sample, "audio_b"),
            **{name: str(value) for name, value in carried.items() if value is not None},
        }


def _cosine(one: Any, other: Any) -> float:
    """Rounded once, so that equal vectors tie exactly; raises DataError without a direction."""
    first, second = one.astype(float), other.astype(float)
    length = float(np.linalg.norm(first) * np.linalg.norm(second))
    if not length > 0 or not math.isfinite(length):
        raise DataError("a clip's vector has no length, or is not finite: there is no cosine")
    return math.fsum((first * second).tolist()) / length


def _truth(value: Any) -> bool:
    word = str(value).strip().casefold()
    if word not in (*_SAME, *_DIFFERENT):
        raise DataError(
            f"same must say whether both clips have one speaker: true or false, 1 or 0, target "
            f"or nontarget (got {value!r})"
        )
    return word in _SAME
