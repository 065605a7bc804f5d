"""BLEU, chrF and TER of a whole corpus, by sacrebleu, with intervals over documents.

sacrebleu counts n-grams and edits for each sentence; these sufficient statistics are summed over
resampled documents, so that an interval costs little more than the score itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from evalsuite import Estimate, Null, Table
from evalsuite.sliced import Direction, SlicedMetric, is_given
from evalsuite.statistics import totals_distribution
from evalsuite.text_lists import listed
from evalsuite_text.metrics.corpus_scores import bleu_of, chrf_of, ter_of
from evalsuite_text.metrics.pairings import mismatched

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class CorpusMetric(SlicedMetric):
    """Base of sacrebleu's metrics over the columns ``prediction`` and ``references``.

    ``references`` holds a JSON list of texts for each row; rows may have different numbers of
    them. The null is the score of every prediction against the references of some other row, the
    mean over ``mismatches`` pairings: what fluent text that ignores its source gets.

    Undefined: no row has a prediction and a reference; rows without are counted in ``extra``.

    Attributes:
        prediction: Column of the texts to score.
        references: Column of the lists of references.
        lowercase: Whether case is ignored.
        mismatches: How many pairings with other rows' references the null is the mean of.
    """

    prediction: str = "prediction"
    references: str = "references"
    lowercase: bool = False
    mismatches: int = 2
    margin: float = 1.0

    def _metric(self) -> Any:
        """Sacrebleu's own metric, which counts the statistics."""
        raise TypeError(f"{type(self).__name__} names no sacrebleu metric")

    def _score(self, totals: Floats) -> Floats:
        """Scores (draws,) of summed statistics (draws, n_statistics)."""
        raise TypeError(f"{type(self).__name__} does not score")

    def _estimates(self, table: Table, rng: np.random.Generator, label: str) -> Sequence[Estimate]:
        texts, lists = table[self.prediction], table[self.references]
        references = [listed(item, self.references) if is_given(item) else [] for item in lists]
        kept = np.array([is_given(t) and bool(r) for t, r in zip(texts, references, strict=True)])
        if not kept.any():
            return [self._nothing("no sample has a prediction and a reference", label, table.n)]
        part = table.where(kept)
        predictions = [str(text) for text in part[self.prediction]]
        references = [found for found in references if found]
        metric = self._metric()
        statistics = _statistics(metric, predictions, references)
        found = totals_distribution(statistics, self._score, rng=rng, clusters=self._units(part))
        estimate = self._made(
            found,
            part,
            label,
            self._mismatched(predictions, references, rng),
            signature=str(metric.get_signature()),
            n_without_reference=int((~kept).sum()),
        )
        return [estimate]

    def _mismatched(
        self, predictions: list[str], references: list[list[str]], rng: np.random.Generator
    ) -> Null | None:
        """The mean score of rows paired with other rows' references; None where there is none."""
        keys = [("\n".join(r), p) for r, p in zip(references, predictions, strict=True)]
        scores = []
        for partners in mismatched(keys, rng, self.mismatches):
            theirs = [references[partner] for partner in partners]
            totals = _statistics(self._metric(), predictions, theirs).sum(axis=0, keepdims=True)
            scores.append(float(self._score(totals)[0]))
        if not scores:
            return None
        is_lower_better = self.direction == "lower is better"
        side: Literal["below", "above"] = "below" if is_lower_better else "above"
        why = "paired with other samples' references"
        return Null(float(np.mean(scores)), self.margin, side, why)


def _statistics(
    metric: Any, predictions: Sequence[str], references: Sequence[Sequence[str]]
) -> Floats:
    """Sacrebleu's sufficient statistics of each row, (n, n_statistics)."""
    width = max(len(items) for items in references)
    streams = [[r[i] if i < len(r) else None for r in references] for i in range(width)]
    return np.array(metric._extract_corpus_statistics(list(predictions), streams), dtype=float)


@dataclass(frozen=True, kw_only=True)
class CorpusBleu(CorpusMetric):
    """BLEU: brevity penalty times the geometric mean of 1- to 4-gram precisions.

    Formula: exp(min(0, 1 - r/h)) · exp(¼ Σ log p_n); where an order matches nothing its precision
    is 1/(2^k total), k counting such orders (sacrebleu's ``exp``). Range: [0, 100]; higher is
    better; 0 where no word matches. ``tokenize`` is one of 13a, zh, char, intl, none.
    Reference: Papineni et al. 2002, ACL; Post 2018, WMT (the signature in ``extra``).
    """

    name: str = "BLEU"
    tokenize: str = "13a"

    def __post_init__(self) -> None:
        """Refuse a tokeniser that is not known or needs a download."""
        if self.tokenize not in TOKENIZERS:
            raise ValueError(
                f"tokenize must be one of {', '.join(TOKENIZERS)} (got {self.tokenize!r})"
            )

    def _metric(self) -> Any:
        from sacrebleu.metrics import BLEU

        # force: whether text looks tokenised is the user's business, not a line on stderr.
        return BLEU(tokenize=self.tokenize, lowercase=self.lowercase, force=True)

    def _score(self, totals: Floats) -> Floats:
        return bleu_of(totals)


# Without those that need a dictionary or a model from the network.
TOKENIZERS = ("13a", "zh", "char", "intl", "none")


@dataclass(frozen=True, kw_only=True)
class CorpusChrf(CorpusMetric):
    """chrF: F2 of the mean precision and recall of character 1- to 6-grams.

    ``word_order`` 2 makes it chrF++. Range: [0, 100]; higher is better.
    Reference: Popović 2015 and 2017, WMT.
    """

    name: str = "chrF"
    word_order: int = 0

    def _metric(self) -> Any:
        from sacrebleu.metrics import CHRF

        return CHRF(word_order=self.word_order, lowercase=self.lowercase)

    def _score(self, totals: Floats) -> Floats:
        return chrf_of(totals)


@dataclass(frozen=True, kw_only=True)
class CorpusTer(CorpusMetric):
    """TER: edits (insert, delete, replace, shift of a run) per reference word, in percent.

    Of several references the nearest counts, over their mean length. Range: [0, ∞); lower is
    better. ``asian`` splits Chinese and Japanese into characters; without it such a sentence is a
    single word. Reference: Snover et al. 2006, AMTA.
    """

    name: str = "TER"
    asian: bool = False
    direction: Direction = "lower is better"
    mismatches: int = 1

    def _metric(self) -> Any:
        from sacrebleu.metrics import TER

        return TER(
            normalized=self.asian, asian_support=self.asian, case_sensitive=not self.lowercase
        )

    def _score(self, totals: Floats) -> Floats:
        return ter_of(totals)
