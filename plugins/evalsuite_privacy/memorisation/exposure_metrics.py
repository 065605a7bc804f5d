"""From ranked canaries to mean exposures, all together and by how often they were planted."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evalsuite import Estimate, Null, Table, undefined
from evalsuite.statistics import bootstrap_interval, null_exposure

LOG2_E = math.log2(math.e)
MARGIN_BITS = 0.5
_NOT_RANKED = "the model gives all references one likelihood, so nothing is ranked"


@dataclass(frozen=True)
class MeanExposure:
    """Mean over canaries of log2 |R| minus log2 of the rank among |R| references, in bits.

    Range: about 0 to log2 |R|, where it is capped. Without memorisation it is not 0 but the
    expected exposure of a uniformly random rank, about log2 e. Undefined: no canary, no
    reference, or a model that scores all references alike.
    Reference: Carlini et al. 2019, The secret sharer.
    """

    name: str = "mean exposure (bits)"
    primary: bool = True

    column: ClassVar[str] = "exposure"
    why: ClassVar[str] = "a canary ranks as any reference does"

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """All canaries, then by number of repeats, then by format where there are several."""
        is_canary = table.numbers("is_canary").astype(bool)
        if is_canary.all() or not is_canary.any():
            reason = "needs canaries and references"
            return [undefined(self.name, reason, is_primary=self.primary)]
        canaries = table.where(is_canary)
        estimates = [self._one(canaries, "", rng)]
        for name in ("repeats", "format"):
            estimates += self._slices(canaries, name, rng)
        return estimates

    def _slices(self, canaries: Table, name: str, rng: np.random.Generator) -> Iterator[Estimate]:
        values = canaries[name]
        several = sorted(set(values))
        if name == "format" and len(several) < 2:
            return
        for value in several:
            told = f"{value:g}" if name == "repeats" else str(value)
            yield self._one(canaries.where(values == value), f"{name}={told}", rng)

    def _one(self, canaries: Table, slice_name: str, rng: np.random.Generator) -> Estimate:
        values = canaries.numbers(self.column)
        kept = ~np.isnan(values)
        is_primary = self.primary and not slice_name
        if not kept.any():
            return undefined(self.name, self._reason(), slice=slice_name, is_primary=is_primary)
        values, sizes = values[kept], canaries.numbers("n_references")[kept]
        interval = bootstrap_interval(values, rng=rng)
        return Estimate(
            self.name,
            float(values.mean()),
            interval.low,
            interval.high,
            method=interval.method,
            unit="canary",
            n=len(values),
            slice=slice_name,
            direction="lower is better",
            null=Null(self._null(sizes), margin=MARGIN_BITS, side="above", why=self.why),
            is_primary=is_primary,
            extra={**self._facts(values, sizes), "n_without_value": int((~kept).sum()) or None},
        )

    def _reason(self) -> str:
        return _NOT_RANKED

    def _null(self, sizes: np.ndarray[Any, Any]) -> float:
        """Of fresh references, which a canary can come behind: |R| + 1 ranks alike."""
        known = {size: null_exposure(int(size), is_held_out=True) for size in set(sizes)}
        return float(np.mean([known[size] for size in sizes]))

    def _facts(
        self, values: np.ndarray[Any, Any], sizes: np.ndarray[Any, Any]
    ) -> dict[str, float | int | str | None]:
        caps = np.log2(sizes)
        return {
            "cap_bits": float(caps.max()),
            "n_references": int(sizes.max()),
            "n_at_cap": int((values >= caps - 1e-9).sum()),
        }


@dataclass(frozen=True)
class ExtrapolatedExposure(MeanExposure):
    """Mean over canaries of -log2 F(log-perplexity), F a skew-normal fitted to the references.

    Range: [0, inf) bits, or up to those of the format's space where samples say them. Beyond
    log2 |R| it is a guess at a tail that no reference reached, so it is marked as extrapolated and
    never the headline. Without memorisation log2 e.
    Undefined: as the ranked one, and with fewer than ten references.
    Reference: Carlini et al. 2019, The secret sharer, section 4.3.
    """

    name: str = "mean exposure, extrapolated (bits)"
    primary: bool = False

    column: ClassVar[str] = "extrapolated_exposure"
    why: ClassVar[str] = "a canary is as likely as any reference"

    def _reason(self) -> str:
        return f"{_NOT_RANKED}, or there are fewer than ten"

    def _null(self, sizes: np.ndarray[Any, Any]) -> float:
        del sizes
        return LOG2_E

    def _facts(
        self, values: np.ndarray[Any, Any], sizes: np.ndarray[Any, Any]
    ) -> dict[str, float | int | str | None]:
        return {
            "extrapolated": "from a skew-normal fitted to the references",
            "n_beyond_references": int((values > np.log2(sizes)).sum()),
            "n_references": int(sizes.max()),
        }
