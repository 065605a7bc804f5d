"""Summarisation: generated summaries against references by ROUGE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evalsuite import Card, Generate, Mean, Metric, Null, Probe, Sample
from evalsuite.text_lists import listed
from evalsuite_text.metrics import load_scorer
from evalsuite_text.metrics.pairings import mismatched
from evalsuite_text.tasks.translation import CUT, EMPTY, LENGTH, generated_record, reference_texts

OTHERS = Null(0.0, margin=0.01, side="above", why="the summaries of other documents")
_NAMES = {"rouge1": "ROUGE-1", "rouge2": "ROUGE-2", "rougeL": "ROUGE-L"}


@dataclass(frozen=True)
class Summarisation(Probe):
    """Generate from ``source`` and compare with ``target``, a summary or a list of them.

    Args:
        source_prefix: Put before every source, e.g. ``summarize: ``.
        source_suffix: Put after it, e.g. a line that says TL;DR, for causal models.
        max_tokens: Most tokens to generate.
        stop: Strings that end a summary.
        language: ``en`` counts words of a-z and 0-9; any other, words of every script, and Han
            and kana one by one.
    """

    source_prefix: str = ""
    source_suffix: str = ""
    max_tokens: int = 256
    stop: tuple[str, ...] = ()
    language: str = "en"

    name: ClassVar[str] = "text/summarisation"
    family: ClassVar[Any] = "task"
    needs: ClassVar[Any] = (Generate,)
    fields: ClassVar[Any] = ("source", "target")
    card: ClassVar[Card] = Card(
        measures="Words (ROUGE-1), pairs of words (ROUGE-2) and the longest common subsequence "
        "(ROUGE-L) that summaries share with references, as F1 without stemming, beside what the "
        "same summaries share with other documents' references.",
        does_not_measure="Whether a summary is true to its source: an invented figure costs one "
        "word.",
        reference="Lin 2004, ROUGE",
        critique="ROUGE of good systems hardly follows people's judgement (Fabbri et al. 2021, "
        "TACL); figures with stemming are higher by one or two points.",
    )
    metrics: ClassVar[Sequence[Metric]] = (
        *(
            Mean(
                column,
                name=name,
                null=OTHERS,
                chance=f"{column}_mismatched",
                direction="higher is better",
                primary=column == "rougeL",
            )
            for column, name in _NAMES.items()
        ),
        EMPTY,
        CUT,
        LENGTH,
    )

    def ask(self, sample: Sample, context: Any) -> Any:
        """Summarise one source."""
        references = reference_texts(sample["target"], "target")
        prompt = self.source_prefix + str(sample["source"]) + self.source_suffix
        found = yield Generate(prompt, max_tokens=self.max_tokens, stop=self.stop)
        record = generated_record(found, references)
        return {**self._rouge(record["prediction"], references), **record}

    def _rouge(self, prediction: str, references: Sequence[str]) -> dict[str, Any]:
        scorer = "rouge" if self.language == "en" else "rouge-unicode"
        return load_scorer(scorer)(prediction, references)

    def tabulate(
        self, records: Sequence[Mapping[str, Any]], context: Any, rng: np.random.Generator
    ) -> Sequence[Mapping[str, Any]]:
        """Add how each summary would score on another document: what not reading gets."""
        del context
        keys = [(record["references"], record["prediction"]) for record in records]
        made = [dict(record) for record in records]
        for partners in mismatched(keys, rng):
            for record, partner in zip(made, partners, strict=True):
                theirs = listed(records[partner]["references"], "references")
                for name, value in self._rouge(record["prediction"], theirs).items():
                    record[f"{name}_mismatched"] = value
        return made
