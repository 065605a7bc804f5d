"""Labels of words: parts of speech, named entities."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from evalsuite import Card, DataError, LabelTokens, Metric, Null, Probe, Ratio, Sample
from evalsuite.text_lists import listed, written
from evalsuite_text.metrics.entities import SCHEMES, entities_of
from evalsuite_text.metrics.span_f1 import SpanF1


@dataclass(frozen=True)
class TokenLabelling(Probe):
    """Compare the label of every word with ``labels``.

    Args:
        scheme: How entities are written: bio, iob1, bioes or bilou; empty for plain labels such
            as parts of speech, which have no entities.
        label_map: Entries ``theirs=ours`` that turn a model's label into one of the data's; the
            prefix of an entity label is kept, so that ``PERSON=PER`` maps B-PERSON to B-PER.
    """

    scheme: str = ""
    label_map: tuple[str, ...] = ()

    name: ClassVar[str] = "text/token-labels"
    family: ClassVar[Any] = "task"
    needs: ClassVar[Any] = (LabelTokens,)
    fields: ClassVar[Any] = ("words", "labels")
    card: ClassVar[Card] = Card(
        measures="The share of words with the right label, against always giving the most "
        "frequent one; with a scheme, F1 of whole entities (type and both ends right), over all "
        "and for each type.",
        does_not_measure="Nested or discontinuous entities; partly right ones count as wrong.",
        reference="Tjong Kim Sang and De Meulder 2003, CoNLL",
        critique="Accuracy looks high wherever most words are outside any entity.",
    )

    def __post_init__(self) -> None:
        """Refuse an unknown scheme and an entry of the map without ``=``."""
        if self.scheme and self.scheme not in SCHEMES:
            raise ValueError(f"scheme must be empty or one of {', '.join(SCHEMES)}")
        wrong = [entry for entry in self.label_map if "=" not in entry]
        if wrong:
            raise ValueError(f"label_map entries have the form 'theirs=ours' (got {wrong[0]!r})")

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """Accuracy of words, and with a scheme the F1, precision and recall of entities."""
        accuracy = Ratio(
            "n_correct",
            "n_words",
            name="token accuracy",
            null=Null(0.0, margin=0.01, side="above", why="always the most frequent label"),
            chance="majority_share",
            direction="higher is better",
            primary=not self.scheme,
        )
        if not self.scheme:
            return (accuracy,)
        return (
            SpanF1(scheme=self.scheme, margin=0.02, primary=True),
            SpanF1(scheme=self.scheme, margin=0.02, name="span precision", part="precision"),
            SpanF1(scheme=self.scheme, margin=0.02, name="span recall", part="recall"),
            accuracy,
        )

    def ask(self, sample: Sample, context: Any) -> Any:
        """Label one sentence."""
        words = _texts(sample["words"], "words")
        target = _texts(sample["labels"], "labels")
        if len(words) != len(target):
            raise DataError(f"there are {len(words)} words, but {len(target)} labels")
        found = yield LabelTokens(tuple(words))
        predicted = [self._mapped(label) for label in found.labels]
        if len(predicted) != len(words):
            raise DataError(f"the model gave {len(predicted)} labels to {len(words)} words")
        if self.scheme:  # a label of another scheme is this sample's fault, not the metric's
            entities_of(target, self.scheme)
            entities_of(predicted, self.scheme)
        return {
            "n_words": len(words),
            "n_correct": sum(a == b for a, b in zip(predicted, target, strict=True)),
            "predicted": written(predicted),
            "target": written(target),
            "confidence": float(np.mean(found.probabilities)) if found.probabilities else None,
        }

    @cached_property
    def _map(self) -> Mapping[str, str]:
        return dict(entry.split("=", 1) for entry in self.label_map)

    def _mapped(self, label: str) -> str:
        """The data's name of a model's label."""
        prefix, hyphen, kind = label.partition("-")
        if label in self._map:
            return self._map[label]
        if hyphen and kind in self._map:
            mapped = self._map[kind]
            return mapped if mapped == "O" else f"{prefix}-{mapped}"
        return label

    def tabulate(
        self, records: Sequence[Mapping[str, Any]], context: Any, rng: np.random.Generator
    ) -> Sequence[Mapping[str, Any]]:
        """Add the share of the most frequent right label among the answered sentences' words."""
        del context, rng
        counts = Counter(label for r in records for label in listed(r["target"], "target"))
        share = max(counts.values(), default=0) / max(1, counts.total())
        return [{**record, "majority_share": share} for record in records]


def _texts(value: Any, field: str) -> list[str]:
    if not isinstance(value, list | tuple) or not value:
        raise DataError(f"{field} must be a list with one entry for each word (got {value!r})")
    return [str(item) for item in value]
