"""Association tests on vectors: are flowers closer to pleasant words than insects are?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np

from evalsuite import (
    Audio,
    Card,
    DataError,
    EmbedAudio,
    EmbedImage,
    EmbedText,
    Image,
    Metric,
    Probe,
    Request,
    Sample,
)
from evalsuite_fairness.associations.contexts import Contexts, PooledEffect
from evalsuite_fairness.associations.effect import AssociationEffect
from evalsuite_fairness.metrics.association import associations, centred

Medium: TypeAlias = Literal["text", "image", "audio"]
SETS = ("targ1", "targ2", "attr1", "attr2")
_EMBED: dict[str, type[Request]] = {"text": EmbedText, "image": EmbedImage, "audio": EmbedAudio}


@dataclass(frozen=True)
class Association(Probe):
    """Embed two sets of targets and two of attributes; one sample is one test.

    Targets and attributes are words, sentences, pictures or clips, also mixed: names against
    pictures, voices against words.

    Args:
        media: What the stimuli are; a model must embed all of them.
        templates: Sentences that a text stimulus is put into, ``{}`` marks the place. With one,
            it is embedded in that sentence; with several the effect is also pooled over contexts
            (CEAT).
        sampled_contexts: How many draws of one context for each stimulus are pooled.
    """

    media: tuple[Medium, ...] = ("text",)
    templates: tuple[str, ...] = ("{}",)
    sampled_contexts: int = 1_000

    name: ClassVar[str] = "fairness/association"
    family: ClassVar[Any] = "fairness"
    fields: ClassVar[Any] = SETS
    card: ClassVar[Card] = Card(
        measures="How much closer one set of targets lies to one set of attributes than another "
        "set does, as an effect size in standard deviations; the p-value deals the targets to the "
        "two sets at random.",
        does_not_measure="What a model does with the association: a property of the vectors, "
        "which predicts harm in use poorly (Goldfarb-Tarrant et al. 2021).",
        reference="Caliskan et al. 2017, WEAT; May et al. 2019, SEAT; Guo and Caliskan 2021, CEAT; "
        "Ross et al. 2021, grounded tests; Slaughter et al. 2023, SpEAT",
        critique="Few targets cannot reach a small p, whatever their effect; sentences and "
        "poolings move the size; in a narrow cone of vectors sizes do not compare between models, "
        "so the centred vectors are given too. Absence of an association proves nothing.",
    )

    def __post_init__(self) -> None:
        """Refuse an unknown medium and a template without a place."""
        unknown = [medium for medium in self.media if medium not in _EMBED]
        if unknown or not self.media:
            raise ValueError(f"media must be among {', '.join(_EMBED)} (got {self.media!r})")
        bare = [template for template in self.templates if "{}" not in template]
        if bare or not self.templates:
            raise ValueError(f"every template must hold {{}} for the stimulus (got {bare!r})")
        if self.sampled_contexts < 2:
            raise ValueError("sampled_contexts must be at least 2")

    @property
    def needs(self) -> tuple[type[Request], ...]:  # type: ignore[override]
        """One kind of embedding for each medium."""
        return tuple(dict.fromkeys(_EMBED[medium] for medium in self.media))

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """Effect sizes, plain and centred; pooled over contexts where there are several."""
        plain = AssociationEffect("_associations", primary=True)
        middle = AssociationEffect("_centred", name="effect size, centred vectors")
        pooled = (PooledEffect(self.sampled_contexts),) if len(self.templates) > 1 else ()
        return (plain, middle, *pooled)

    def ask(self, sample: Sample, context: Any) -> Any:
        """Embed every stimulus in every context, all at once."""
        sets = [stimuli_of(sample, name) for name in SETS]
        asked = [[self._requests(stimulus) for stimulus in stimuli] for stimuli in sets]
        replies = yield tuple(r for one in asked for requests in one for r in requests)
        vectors = iter([reply.vector for reply in replies])
        found = [
            [np.stack([next(vectors) for _ in requests]).astype(float) for requests in one]
            for one in asked
        ]
        means = [np.stack([each.mean(axis=0) for each in one]) for one in found]
        plain = associations(*means)
        effect = plain.effect_size
        # What centring leaves of targets that are all alike is rounding.
        middle = plain if math.isnan(effect) else associations(*centred(*means))
        return {
            "test": sample.id,
            **{name: str(sample.get(f"{name}_name", name)) for name in SETS},
            "effect_size": None if math.isnan(effect) else effect,
            "n_first": len(sets[0]),
            "n_second": len(sets[1]),
            "_associations": plain,
            "_centred": middle,
            "_contexts": Contexts(tuple(tuple(one) for one in found)),
        }

    def _requests(self, stimulus: Any) -> list[Request]:
        medium = medium_of(stimulus)
        if medium not in self.media:
            raise DataError(
                f"a stimulus is {medium}, but the option `media` says {', '.join(self.media)}"
            )
        if isinstance(stimulus, Image):
            return [EmbedImage(stimulus)]
        if isinstance(stimulus, Audio):
            return [EmbedAudio(stimulus)]
        return [EmbedText(template.replace("{}", stimulus)) for template in self.templates]


def medium_of(stimulus: Any) -> Medium:
    """What a stimulus is; raises DataError for what is none."""
    if isinstance(stimulus, str):
        return "text"
    if isinstance(stimulus, Image | Audio):
        return "image" if isinstance(stimulus, Image) else "audio"
    raise DataError(f"a stimulus must be a text, a picture or a clip (got {stimulus!r})")


def stimuli_of(sample: Sample, name: str) -> list[Any]:
    """One set of a test; raises DataError for an empty one, or one with a stimulus twice."""
    stimuli = sample[name]
    if not isinstance(stimuli, list | tuple) or not stimuli:
        raise DataError(f"{name} must be a list with at least one stimulus (got {stimuli!r})")
    twice = {str(s) for s in stimuli if list(stimuli).count(s) > 1}
    if twice:
        raise DataError(f"{name} holds {sorted(twice)[0]!r} twice")
    return list(stimuli)
