"""How often everything that belongs together is right together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evalsuite import Estimate, Null, Table, undefined
from evalsuite.statistics import bootstrap_interval, proportion_interval

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Consistency:
    """Share of groups of two or more rows in which every row is right; range [0, 1].

    The mean over groups of the product of ``column``, so that a tie of two is worth a half in
    every row. Higher is better; the null is the same of ``chance``. Interval: exact
    (Clopper-Pearson) where all products are 0 or 1, else a bootstrap over groups. Undefined: no
    group has two answered rows; groups of one are counted in ``extra``.
    Reference: Suhr et al. 2019, ACL, section 3 (NLVR2).

    Attributes:
        column: Credit of each row.
        group: What belongs together.
        chance: Credit of each row by guessing.
        name: What the report calls it.
    """

    column: str
    group: str
    chance: str
    name: str = "consistency"

    def estimate(self, table: Table, rng: np.random.Generator) -> Sequence[Estimate]:
        """One estimate."""
        labels = np.array([str(item) for item in table[self.group]])
        _, group_of, sizes = np.unique(labels, return_inverse=True, return_counts=True)
        several = sizes > 1
        if not several.any():
            return [undefined(self.name, f"no {self.group} has two answered samples")]
        shares = _products(table.numbers(self.column), group_of)[several]
        chance = _products(table.numbers(self.chance), group_of)[several]
        is_exact = np.isin(shares, (0.0, 1.0)).all()
        make = proportion_interval if is_exact else bootstrap_interval
        interval = make(shares, rng=rng)
        alone = int((~several).sum())
        return [
            Estimate(
                self.name,
                float(shares.mean()),
                interval.low,
                interval.high,
                method=interval.described,
                unit=self.group,
                n=int(several[group_of].sum()),
                direction="higher is better",
                null=Null(float(chance.mean()), why="guessing every one"),
                extra={"n_groups": len(shares), **({"n_groups_of_one": alone} if alone else {})},
            )
        ]


def _products(values: Floats, group_of: npt.NDArray[np.int64]) -> Floats:
    """The product of the values of each group, [groups]."""
    products = np.ones(int(group_of.max()) + 1)
    np.multiply.at(products, group_of, values)
    return products
