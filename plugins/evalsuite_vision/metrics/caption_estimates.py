"""Metrics over records of captions: corpus BLEU and CIDEr-D with intervals over images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from evalsuite import Estimate, Mean, Null, Table
from evalsuite_vision.metrics.caption_words import Words, caption_words
from evalsuite_vision.metrics.captions import bleu_of, bleu_statistics
from evalsuite_vision.metrics.pairing import partners
from evalsuite_vision.metrics.text_lists import listed
from evalsuite_vision.metrics.totals import Floats, TotalsMetric

MISMATCHED = "captions paired with other images' references"


def _references_of(table: Table) -> list[list[Words]]:
    return [[caption_words(text) for text in listed(cell)] for cell in table["references"]]


@dataclass(frozen=True, kw_only=True)
class CaptionBleu(TotalsMetric):
    """BLEU of all captions together, from the columns ``caption`` and ``references``.

    Formula and range as ``captions.bleu_of``; the interval resamples images, whose n-gram counts
    are then summed. The null is the score of every caption against another image's references.
    Undefined: no reference is as long as the longest n-gram.

    Attributes:
        order: Longest n-gram that counts.
    """

    order: int = 4

    def columns_of(self, table: Table) -> Floats:
        """Sufficient statistics of each caption."""
        return _statistics(table, _references_of(table))

    def score(self, totals: Floats) -> Floats:
        """BLEU of sums."""
        return bleu_of(totals, self.order)

    def null_of(self, table: Table) -> Null | None:
        """BLEU with the references of other images."""
        others = partners([str(r) for r in table["references"]], [str(c) for c in table["caption"]])
        if not others:
            return None
        references = _references_of(table)
        totals = _statistics(table, [references[i] for i in others]).sum(axis=0, keepdims=True)
        value = float(self.score(totals)[0])
        return None if math.isnan(value) else Null(value, self.margin, "above", MISMATCHED)

    @property
    def why_undefined(self) -> str:
        """There is nothing to match."""
        return f"no reference caption has {self.order} words"


def _statistics(table: Table, references: Sequence[Sequence[Words]]) -> Floats:
    captions = [caption_words(str(caption)) for caption in table["caption"]]
    return np.array([bleu_statistics(c, r) for c, r in zip(captions, references, strict=True)])


@dataclass(frozen=True)
class MismatchedMean(Mean):
    """A mean whose null is that of mismatched pairs, in the column named by ``chance``.

    Where no pairing is possible (one image, or one that makes up more than half) there is no null.
    """

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """As Mean, without a null that nothing was compared with."""
        found = super().estimate(table, rng)
        if self.chance in table.columns:
            return found
        return [replace(estimate, null=None) for estimate in found]


@dataclass(frozen=True)
class CiderD(MismatchedMean):
    """Mean over images of CIDEr-D, see ``captions.cider_d``; range [0, 10].

    The interval resamples images' scores and keeps the n-grams' weights of the whole set: it says
    how the mean would vary over other images under the same weights. Undefined: no n-gram of the
    references has weight.
    """

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """One estimate, with a reason of its own when there is none."""
        why = (
            "CIDEr-D weighs n-grams by how few images' references have them, and here each n-gram "
            "occurs with every image (as with a single one); evaluate more images together"
        )
        found = super().estimate(table, rng)
        return [replace(e, reason=why) if math.isnan(e.value) else e for e in found]
