"""Which sample of one run is which of another: by the hash of its content."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evalsuite.compare.tables import Samples


@dataclass(frozen=True, eq=False)
class Pairing:
    """Pairs of samples that both subjects answered, and what was left over.

    Attributes:
        first, second: Rows of the two tables of answered samples, pair by pair, (n,).
        n_common: Samples that both were shown.
        n_first, n_second: Samples that each was shown.
        n_failed_first, n_failed_second: Of the common ones, those that each did not answer.
    """

    first: npt.NDArray[np.int64]
    second: npt.NDArray[np.int64]
    n_common: int
    n_first: int
    n_second: int
    n_failed_first: int
    n_failed_second: int

    @property
    def is_of_the_same_data(self) -> bool:
        """Whether both were shown exactly the same samples."""
        return self.n_common == self.n_first == self.n_second

    @property
    def n_unpaired(self) -> int:
        """Samples that are in no pair."""
        return self.n_first + self.n_second - self.n_common - len(self.first)


def pair(first: Samples, second: Samples) -> Pairing:
    """Pair samples whose content is the same; of several alike the first goes with the first."""
    if first.order == second.order:
        rows, others = first.rows, second.rows
    else:
        common = sorted(first.keyed.keys() & second.keyed.keys())
        rows, others = first.rows_of(common), second.rows_of(common)
    answered = (rows >= 0) & (others >= 0)
    return Pairing(
        first=rows[answered],
        second=others[answered],
        n_common=len(rows),
        n_first=len(first.hashes),
        n_second=len(second.hashes),
        n_failed_first=int((rows < 0).sum()),
        n_failed_second=int((others < 0).sum()),
    )
