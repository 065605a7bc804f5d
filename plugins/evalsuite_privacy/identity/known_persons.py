"""The persons of a run: how each was voted upon, whether a member, and what matches them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from evalsuite import Table
from evalsuite_privacy.identity.voting import Integers, majority, prompts_right

Booleans = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Persons:
    """One row for each person, in the order of their names.

    Attributes:
        names: Index of each one's own name among the candidates, (persons,).
        votes: Index of the closest name, for each person (media, prompts); media in an order that
            their bytes decide.
        member: Whether the model was trained on the person, (persons,).
        strata: What members and non-members are matched by, (persons,).
        blind: Mean score of the blind classifier over a person's media, (persons,).
    """

    names: Integers
    votes: tuple[Integers, ...]
    member: Booleans
    strata: npt.NDArray[np.object_]
    blind: npt.NDArray[np.float64]

    @classmethod
    def of(cls, table: Table, match_by: str) -> Persons:
        """Gather the records of each person."""
        owner, order = table.numbers("_name"), [str(key) for key in table["_key"]]
        names = np.unique(owner).astype(np.int64)
        rows = [sorted(np.flatnonzero(owner == n), key=order.__getitem__) for n in names]
        first = [own[0] for own in rows]
        strata = table[match_by] if match_by else np.full(table.n, "", dtype=object)
        blind = table.numbers("blind")
        return cls(
            names,
            tuple(np.stack([table["_votes"][i] for i in own]) for own in rows),
            table.numbers("member").astype(bool)[first],
            np.array([str(strata[i]) for i in first], dtype=object),
            np.array([blind[own].mean() for own in rows]),
        )

    def where(self, mask: Booleans) -> Persons:
        """Some of the persons."""
        votes = tuple(own for own, kept in zip(self.votes, mask, strict=True) if kept)
        return Persons(
            self.names[mask], votes, self.member[mask], self.strata[mask], self.blind[mask]
        )

    def comparable(self) -> Persons:
        """Those whose stratum holds members and non-members."""
        both = set(self.strata[self.member]) & set(self.strata[~self.member])
        return self.where(np.array([stratum in both for stratum in self.strata], dtype=bool))

    def with_first(self, n_media: int) -> Persons:
        """The same persons by at most so many media each."""
        return replace(self, votes=tuple(own[:n_media] for own in self.votes))

    def elected(self) -> list[Integers]:
        """The majority's name under each prompt, for each person."""
        return [majority(own) for own in self.votes]

    def scores(self) -> Integers:
        """How many prompts name each person rightly."""
        return prompts_right(self.elected(), self.names)
