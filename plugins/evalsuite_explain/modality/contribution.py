"""Which of two modalities an answer rests on: what all probes of it ask and record."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evalsuite import DataError, Mean, Metric, Null, Probe, Proportion, Sample, Text
from evalsuite.answers import credit
from evalsuite.content import Content
from evalsuite.derived import exchanged
from evalsuite_explain.explainers.catalogue import make_explainer
from evalsuite_explain.explainers.game import Game
from evalsuite_explain.inputs.features import Joint, all_present, none_present
from evalsuite_explain.modality.shares import synergy, text_share
from evalsuite_explain.probes.explaining import rng_of_sample
from evalsuite_explain.targets import Target

REFERENCE = (
    "Parcalabescu and Frank 2023, ACL (MM-SHAP); Gat et al. 2021, NeurIPS (perceptual score); "
    "Frank et al. 2021, EMNLP (ablation); Grabisch and Roubens 1999 (interaction)"
)
CRITIQUE = (
    "Shares say what a score rests on, not whether it should: an answer that the text gives away "
    "may rest on the text. They count words and patches apart; two modalities that matter only "
    "together share equally, and the synergy tells. Covered pictures, silence and missing words "
    "are unlike what the model was trained on."
)
_EXACT_UP_TO = 8


@dataclass(frozen=True)
class Partners:
    """Whose text and whose picture or clip each sample is given where they are permuted.

    Attributes:
        text: Id of a sample to the sample whose text it gets.
        medium: Id of a sample to the sample whose picture or clip it gets.
        classes: Names of all classes that the data have.
    """

    text: Mapping[str, Sample]
    medium: Mapping[str, Sample]
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModalityContribution(Probe):
    """Base: choose an answer from text and a picture or clip, then take each of them away.

    Args:
        n_permutations: Orders in which features arrive, for Shapley values of more than 8
            features; with fewer they are exact.

    A subclass says in ``medium`` which field is seen or heard, and how a choice is scored.
    """

    n_permutations: int = 16

    medium: ClassVar[str] = "image"
    family: ClassVar[Any] = "explainability"

    def __post_init__(self) -> None:
        """Refuse orders without a twin."""
        make_explainer("sampled_shapley", {"n_permutations": self.n_permutations})

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """Shares, perceptual scores, accuracies without each modality, and what is selected."""
        medium = self.medium
        return (
            Mean(
                "text_share",
                name="text share",
                null=Null(0.5, margin=0.05, why="both contribute alike"),
                primary=True,
            ),
            Mean(
                f"{medium}_perceptual",
                name=f"perceptual score of {medium}",
                null=Null(0.0, side="above", why=f"the {medium} of another sample does as well"),
                primary=True,
            ),
            Mean(
                "text_perceptual",
                name="perceptual score of text",
                null=Null(0.0, side="above", why="the text of another sample does as well"),
            ),
            Mean("synergy", name="synergy", null=Null(0.0, why="the modalities add up")),
            Mean(f"{medium}_effect", name=f"effect of {medium} alone"),
            Mean("text_effect", name="effect of text alone"),
            *(self._accuracy(column, name) for column, name in self._accuracies()),
            Proportion("selects_text", name="answers that rest on text more"),
            Proportion(
                "selects_carrier",
                name="answers that rest on what carries them",
                null=Null(0.5, side="above", why="either modality at random"),
                direction="higher is better",
            ),
        )

    def _accuracies(self) -> Sequence[tuple[str, str]]:
        medium = self.medium
        return (
            ("correct", "accuracy"),
            (f"correct_without_{medium}", f"accuracy without {medium}"),
            ("correct_without_text", "accuracy without text"),
            (f"correct_{medium}_permuted", f"accuracy with another sample's {medium}"),
            ("correct_text_permuted", "accuracy with another sample's text"),
        )

    def _accuracy(self, column: str, name: str) -> Metric:
        null = Null(0.0, why="guessing among the choices")
        return Proportion(column, name=name, chance="chance", null=null)

    def choices(self, sample: Sample, context: Partners) -> tuple[Sequence[str], int]:
        """What can be answered, and the index of the right answer."""
        raise TypeError(f"{type(self).__name__} has no choices")

    def words(self, sample: Sample, choice: str) -> Any:
        """The divided text, of the question or of a choice."""
        raise TypeError(f"{type(self).__name__} has no text")

    def cells(self, sample: Sample, n_words: int) -> Any:
        """The divided picture or clip, into about as many cells as there are words."""
        raise TypeError(f"{type(self).__name__} has no {self.medium}")

    def target(self, choice: str) -> Target:
        """What a choice is worth."""
        raise TypeError(f"{type(self).__name__} scores nothing")

    def text_of(self, sample: Sample, context: Partners) -> str:
        """What is permuted as text."""
        raise TypeError(f"{type(self).__name__} has no text")

    def prepare(self, samples: Sequence[Sample]) -> Any:
        """Draw whose text and medium each sample is given; asks nothing.

        Raises:
            DataError: More than half of the media are equal.
        """
        # In an order of their own, so that theirs does not decide who gets which.
        good = sorted((s for s in samples if s.broken is None), key=lambda s: s.content_hash)
        labels = {str(s["label"]) for s in good if s.get("label") is not None}
        nobody = Partners({}, {}, tuple(sorted(labels)))
        media = exchanged([s[self.medium] for s in good], self.name, self.medium)
        texts = _other_texts([self.text_of(s, nobody) for s in good], self.name)
        return Partners(
            {s.id: good[i] for s, i in zip(good, texts)},  # none where they cannot be exchanged
            {s.id: good[i] for s, i in zip(good, media)},
            nobody.classes,
        )
        yield  # makes this a generator

    def ask(self, sample: Sample, context: Partners) -> Any:
        """Score every choice in all six ways, then explain the one that was chosen."""
        choices, target = self.choices(sample, context)
        scores = yield from self._scores(sample, context, choices, target)
        best = int(np.argmax(scores["both"]))
        both, text, other, neither = (
            float(scores[way][best]) for way in ("both", "text", "medium", "neither")
        )
        medium = self.medium
        correct = {way: credit(list(values), target) for way, values in scores.items()}
        stranger = correct.get("text permuted")
        features = self._joint(sample, choices[best])
        shares = yield from self._shares(sample, features, choices[best])
        return {
            **self._selected(sample, shares["text_share"]),
            **shares,
            "synergy": synergy(both, text, other, neither),
            "text_effect": text - neither,
            f"{medium}_effect": other - neither,
            "correct": correct["both"],
            f"correct_without_{medium}": correct["text"],
            "correct_without_text": correct["medium"],
            f"correct_{medium}_permuted": correct["medium permuted"],
            "correct_text_permuted": stranger,
            f"{medium}_perceptual": correct["both"] - correct["medium permuted"],
            "text_perceptual": None if stranger is None else correct["both"] - stranger,
            "predicted": choices[best],
            "target": choices[target],
            "chance": 1 / len(choices),
        }

    def _joint(self, sample: Sample, choice: str) -> Joint:
        words = self.words(sample, choice)
        return Joint(self.cells(sample, len(words)), words)

    def _scores(
        self, sample: Sample, context: Partners, choices: Sequence[str], target: int
    ) -> Any:
        """The score of each choice, (choices,), by what is shown."""
        shown: dict[str, list[Any]] = {}
        for place, choice in enumerate(choices):
            for way, content in self._ways(sample, context, choice, place - target):
                shown.setdefault(way, []).append(content)
        targets = [self.target(choice) for choice in choices]
        asked = [
            target.requests(content)
            for contents in shown.values()
            for content, target in zip(contents, targets, strict=True)
        ]
        replies = iter((yield tuple(request for own in asked for request in own)))
        values = [[next(replies) for _ in own] for own in asked]
        n = len(choices)
        found = [targets[i % n].score(own) for i, own in enumerate(values)]
        return {way: np.array(found[i * n : (i + 1) * n]) for i, way in enumerate(shown)}

    def _ways(
        self, sample: Sample, context: Partners, choice: str, offset: int
    ) -> Iterator[tuple[str, Content]]:
        """What is shown for one choice, so many places after the right one, in every way."""
        features = self._joint(sample, choice)
        n_cells, n = len(features.parts[0]), len(features)
        is_cell = np.arange(n) < n_cells
        for way, present in (
            ("both", all_present(n)),
            ("text", ~is_cell),
            ("medium", is_cell),
            ("neither", none_present(n)),
        ):
            yield way, features.showing(present)
        yield "medium permuted", self._whole(context.medium[sample.id], sample, choice)
        other = context.text.get(sample.id)
        if other is not None:
            read = self.other_choice(other, offset, context, choice)
            yield "text permuted", self._whole(sample, other, read)

    def _whole(self, seen: Sample, read: Sample, choice: str) -> Content:
        """One sample's whole medium with another one's whole text."""
        words = self.words(read, choice)
        parts = Joint(self.cells(seen, len(words)), words)
        return parts.showing(all_present(len(parts)))

    def other_choice(self, read: Sample, offset: int, context: Partners, choice: str) -> str:
        """The choice whose words are read instead, so many places after the right one."""
        return choice

    def _shares(self, sample: Sample, features: Joint, choice: str) -> Any:
        n = len(features)
        name, options = "shapley", {}
        if n > _EXACT_UP_TO:
            name, options = "sampled_shapley", {"n_permutations": self.n_permutations}
        explainer = make_explainer(name, options)
        game = Game(features, self.target(choice))
        explained = yield from explainer.explain(game, rng_of_sample(sample))
        cells, words = features.split(explained.scores)
        share = text_share(words, cells)
        return {
            "text_share": None if math.isnan(share) else share,
            "n_words": len(words),
            "n_cells": len(cells),
            **features.columns(explained.scores.tolist()),
        }

    def _selected(self, sample: Sample, share: float | None) -> dict[str, Any]:
        """Which modality the answer rests on more, and whether it is the one that carries it."""
        selected = None if share is None or share == 0.5 else "text" if share > 0.5 else self.medium
        carrier = sample.get("carried_by")
        if carrier not in (None, "text", self.medium):
            raise DataError(
                f"carried_by says which modality carries the answer: text or {self.medium} "
                f"(got {carrier!r}). Leave it out where both are needed."
            )
        return {
            "selected": selected,
            "selects_text": None if selected is None else selected == "text",
            "selects_carrier": None if None in (selected, carrier) else selected == carrier,
        }


def _other_texts(texts: Sequence[str], name: str) -> list[int]:
    """For each text the index of a different one; none where most are the same."""
    try:
        return exchanged([Text(text) for text in texts], name, "text")
    except DataError:
        return []
