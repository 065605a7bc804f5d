"""A second model that judges what the first one wrote: pinned, named, and loaded when needed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from evalsuite import Classify, Failure, UsageError
from evalsuite.content import as_content
from evalsuite.second_model import SecondModel


@dataclass(frozen=True)
class Scorer:
    """Any model that classifies texts, by name, and the label whose probability is the score.

    Attributes:
        model: As models are named everywhere, e.g. ``hf:./my-classifier``.
        label: The label.
    """

    model: str
    label: str

    def check(self) -> None:
        """Refuse a model that does not classify; reads its configuration, not its weights.

        Raises:
            UsageError: It does not classify, or has no such name.
        """
        if not SecondModel(self.model).describe().answers(Classify):
            raise UsageError(f"The scorer {self.model!r} does not classify texts.")

    def scores_of(self, texts: Iterable[str]) -> tuple[Mapping[str, float], str]:
        """The score of every text that could be judged, and the model's fingerprint.

        Raises:
            UsageError: The model has no such label.
        """
        requests = {text: Classify(as_content(text)) for text in texts}
        answers, fingerprint = SecondModel(self.model).answers(list(requests.values()))
        found = {text: answers[request.digest] for text, request in requests.items()}
        return {
            text: self._score(answer)
            for text, answer in found.items()
            if not isinstance(answer, Failure)
        }, fingerprint

    def _score(self, answer: Any) -> float:
        if self.label not in answer.labels:
            raise UsageError(
                f"The scorer {self.model!r} has no label {self.label!r}; its labels are "
                f"{', '.join(answer.labels)}."
            )
        return float(answer.probability(self.label))
