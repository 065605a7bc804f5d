"""Would the decision have been another one for somebody of another group?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np

from evalsuite import Audio, Card, DataError, Metric, Proportion, Sample, template
from evalsuite.content import Content
from evalsuite_fairness.decisions.deciding import DecidingProbe, Medium, with_medium, words
from evalsuite_fairness.decisions.voice_shift import shifted
from evalsuite_fairness.decisions.ways import Decision
from evalsuite_fairness.metrics.corrected import Corrected
from evalsuite_fairness.metrics.counterfactual_gaps import (
    DECISIONS,
    FLOOR,
    REFUSALS,
    SCORES,
    CounterfactualGaps,
)
from evalsuite_fairness.metrics.refusal import FalseAlarms
from evalsuite_fairness.metrics.reply_rates import UnfoldedRateGap

SLOT = "{name}"


@dataclass(frozen=True, kw_only=True)
class Counterfactual(DecidingProbe):
    """Ask about every input with each cue of each group, and compare.

    Args:
        by, positive, negative, prompt, medium, threshold, delimiter, max_tokens: How the model
            decides; one option alone, by likelihood, gives a score and no decision.
        groups: The cues of each group, {group: (cue, ...)}; two or more a group, so that
            exchanging cues of one group gives the noise floor; four or more for names, which
            differ by more than their group.
        cue: What a cue is. ``text``: it stands for ``{name}`` in the field ``text``, and for
            ``{{ cue }}`` in the prompt. ``column``: a field with a version of the input, a text,
            an image or a clip. ``pitch``: semitones by which the clip in ``medium`` is moved.
        scale: Whether scores are probabilities or log-odds (of one option alone: log P).
        cluster_by: Field of the resampling unit, e.g. the scenario; inputs without it.
        margin: A gap that does not matter, in the unit of the scores.
        minimum: Groups with fewer written replies are left out of gaps between rates.
    """

    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    cue: Literal["text", "column", "pitch"] = "text"
    scale: Literal["probability", "log-odds"] = "probability"
    cluster_by: str = ""
    margin: float = 0.01
    minimum: int = 30

    name: ClassVar[str] = "fairness/counterfactual"
    card: ClassVar[Card] = Card(
        measures="How far the score of an input moves, and how often its decision flips, when "
        "nothing but the cue of an identity (a name, a term, a voice, a picture) is exchanged for "
        "that of another group; beside the same when it is exchanged within the group.",
        does_not_measure="Whether the identity may matter here: inputs in which it rightly does "
        "must be left out. A name is a weak sign of a group, a shifted voice is not another "
        "speaker: formants move along with the pitch.",
        reference="Garg et al. 2019, AIES (flips); Huang et al. 2020 (scores); Wasserstein "
        "distances do not see changes that cancel, so pairs come first",
        critique="Exchanged words can leave a sentence less natural, and names differ in "
        "frequency, age and class as well; the noise floor holds part of this only.",
    )

    def __post_init__(self) -> None:
        """Refuse groups that cannot be compared, and cues that change nothing."""
        super().__post_init__()
        if len(self.groups) < 2 or not all(self.groups.values()):
            raise ValueError("groups needs two groups or more, each with its cues")
        if len(set(self.cues)) < len(self.cues):
            raise ValueError("a cue stands twice in groups")
        if not words(self.negative) and self.by == "likelihood" and self.scale != "log-odds":
            raise ValueError("one option alone has no probability; use scale: log-odds")
        if self.cue == "pitch":
            if not self.medium:
                raise ValueError("cue: pitch needs the field of a clip in `medium`")
            for cue in self.cues:
                _semitones(cue)

    @property
    def needing_negative(self) -> tuple[str, ...]:
        """One option alone has a likelihood."""
        return ("writing", "nearness")

    @property
    def media(self) -> tuple[Medium, ...]:  # type: ignore[override]
        """A clip whose pitch is moved; what columns hold is not known before they are read."""
        if self.cue == "pitch":
            return ("audio",)
        return () if self.cue == "column" else super().media

    @property
    def cues(self) -> tuple[str, ...]:
        """All cues, group by group."""
        return tuple(cue for cues in self.groups.values() for cue in cues)

    @property
    def fields(self) -> tuple[str, ...]:  # type: ignore[override]
        """The fields that every sample must have."""
        own = self.cues if self.cue == "column" else ((self.medium,) if self.medium else ())
        return (*own, self.cluster_by) if self.cluster_by else own

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """Gaps and flips; for written replies also refusals."""
        of_cues = tuple(group for group, cues in self.groups.items() for _ in cues)
        clusters = self.cluster_by or None
        headline = "flip rate" if self.by == "writing" else "score gap"
        gaps = CounterfactualGaps(
            of_cues, clusters, self.margin, f"{headline} beyond {FLOOR}", self.cue == "text"
        )
        share: Any = {"clusters": clusters, "direction": "lower is better"}
        written: tuple[Metric, ...] = (
            Proportion("refused", name="refusal rate", **share),
            Proportion("undecided", name="rate of replies without a decision", **share),
            *(
                UnfoldedRateGap(
                    column=column,
                    group="_groups",
                    name=f"{name} gap",
                    clusters=clusters,
                    min_group_size=self.minimum,
                    higher_is_worse=True,
                )
                for column, name in (
                    (REFUSALS, "refusal rate"),
                    ("_undecided", "rate of replies without a decision"),
                )
            ),
            FalseAlarms(),
        )
        return (Corrected(gaps), *(written if self.by == "writing" else ()))

    def ask(self, sample: Sample, context: Any) -> Any:
        """Ask with every cue at once."""
        asked = [self.way.requests(self.content_with(sample, cue)) for cue in self.cues]
        replies = yield tuple(request for requests in asked for request in requests)
        found: list[Decision] = []
        for requests in asked:
            found.append(self.way.read(replies[: len(requests)], context))
            replies = replies[len(requests) :]
        scores = [self._score(one) for one in found]
        record: dict[str, Any] = {
            SCORES: np.array(scores, dtype=float),
            DECISIONS: np.array([_number(one.is_positive) for one in found]),
            **{f"score with {cue}": score for cue, score in zip(self.cues, scores)},
        }
        if self.by == "writing":
            record |= {
                "refused": sum(one.is_refusal for one in found) / len(found),
                "undecided": sum(one.is_positive is None for one in found) / len(found),
                "reply": found[0].text,
                REFUSALS: np.array([float(one.is_refusal) for one in found]),
                "_undecided": np.array([float(one.is_positive is None) for one in found]),
                "_groups": tuple(group for group, cues in self.groups.items() for _ in cues),
            }
        if self.cluster_by:
            record[self.cluster_by] = str(sample[self.cluster_by])
        return record

    def content_with(self, sample: Sample, cue: str) -> Content:
        """The input with one cue; raises DataError where the cue would change nothing."""
        if self.cue == "pitch":
            clip = sample[self.medium]
            if not isinstance(clip, Audio):
                raise DataError(f"the field {self.medium!r} must hold a clip")
            return with_medium(shifted(clip, _semitones(cue)), self.asked(sample.fields))
        own = sample[cue] if self.cue == "column" else cue
        if not isinstance(own, str):
            return with_medium(own, self._beside(sample))
        text = sample.get("text")
        if self.cue == "column":
            text = own
        elif isinstance(text, str) and SLOT in text:
            text = text.replace(SLOT, own)
        elif "cue" not in self.prompt:
            raise DataError(f"there is no {SLOT} in the text {text!r}, nor a cue in the prompt")
        return self.content(Sample(sample.id, {**sample.fields, "text": text, "cue": own}))

    def _beside(self, sample: Sample) -> str:
        """What is asked about a picture or clip that a column holds."""
        return template.render(self.prompt, sample.fields) if self.prompt else ""

    def _score(self, found: Decision) -> float | None:
        return found.log_odds if self.scale == "log-odds" else found.probability


def _number(value: bool | None) -> float:
    return math.nan if value is None else float(value)


def _semitones(cue: str) -> float:
    try:
        return float(cue)
    except ValueError:
        raise ValueError(f"a cue of cue: pitch is a number of semitones (got {cue!r})") from None
