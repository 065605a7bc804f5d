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
    ours, theirs = first.keyed, second.keyed
    common = sorted(ours.keys() & theirs.keys())  # an order of its own, whatever the runs' orders
    rows = [(ours[key], theirs[key]) for key in common]
    answered = [(a, b) for a, b in rows if a is not None and b is not None]
    pairs = np.array(answered, dtype=np.int64).reshape(-1, 2)
    return Pairing(
        first=pairs[:, 0],
        second=pairs[:, 1],
        n_common=len(common),
        n_first=len(first.hashes),
        n_second=len(second.hashes),
        n_failed_first=sum(a is None for a, _ in rows),
        n_failed_second=sum(b is None for _, b in rows),
    )
