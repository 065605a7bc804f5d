"""Statistics of all pairs together: computed where the vectors are, reported as estimates.

A metric sees scalars only, but a modality gap or a CKA is no mean of scalars. The probe therefore
computes it, with its interval and null, in ``tabulate``; one record carries the numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evalsuite import Estimate, Null, Table, undefined


@dataclass(frozen=True)
class Whole:
    """One statistic of all pairs.

    Attributes:
        value: The statistic; NaN when undefined, with a reason.
        low, high: Its interval; NaN when there is none.
        null: Its value if there were nothing to find; NaN when there is no such value.
        p_value: Chance of a value as extreme under the null; NaN when not tested.
        reason: Why there is no value.
    """

    value: float
    low: float = math.nan
    high: float = math.nan
    null: float = math.nan
    p_value: float = math.nan
    reason: str = ""

    def entries(self, key: str) -> dict[str, float | str | None]:
        """The numbers under names that begin with a key, for a record."""
        return {
            key: self.value,
            f"{key}_low": self.low,
            f"{key}_high": self.high,
            f"{key}_null": self.null,
            f"{key}_p_value": self.p_value,
            **({f"{key}_reason": self.reason} if self.reason else {}),
        }


@dataclass(frozen=True)
class WholeMetric:
    """The estimate of a statistic that a record carries.

    Attributes:
        key: Name of its entries in the record.
        method: How the interval was made, or why there is none.
        margin, side, why: As of the Null.
    """

    key: str
    name: str
    method: str
    direction: Any = "neither"
    margin: float = 0.0
    side: Any = "both"
    why: str = ""
    primary: bool = False

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """One estimate, of all pairs that were used."""
        reason = self._reason(table)
        value = math.nan if reason else self._number(table, self.key)
        if math.isnan(value):
            reason = reason or "there are too few pairs"
            return [undefined(self.name, reason, direction=self.direction, is_primary=self.primary)]
        null, p_value = (
            self._number(table, f"{self.key}_null"),
            self._number(table, f"{self.key}_p_value"),
        )
        return [
            Estimate(
                self.name,
                value,
                self._number(table, f"{self.key}_low"),
                self._number(table, f"{self.key}_high"),
                method=self.method,
                unit="pair",
                n=int(table["is_used"].sum()),
                direction=self.direction,
                null=None if math.isnan(null) else Null(null, self.margin, self.side, self.why),
                is_primary=self.primary,
                extra={} if math.isnan(p_value) else {"p_value": p_value},
            )
        ]

    def _number(self, table: Table, name: str) -> float:
        """The one number among the rows; NaN where none has it."""
        if name not in table.columns:
            return math.nan
        numbers = table.numbers(name)
        numbers = numbers[~np.isnan(numbers)]
        return float(numbers[0]) if len(numbers) else math.nan

    def _reason(self, table: Table) -> str:
        name = f"{self.key}_reason"
        if name not in table.columns:
            return ""
        return next((str(value) for value in table[name] if value), "")
