"""What every membership probe is: attacks whose scores stand beside those of the blind baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evalsuite import Audio, Image, Metric, Probe, Sample, Text
from evalsuite_privacy.guard import blind_column, inputs_of
from evalsuite_privacy.membership.estimates import MembershipMetrics
from evalsuite_privacy.membership.members import is_member


@dataclass(frozen=True, kw_only=True)
class GuardedProbe(Probe):
    """Base: what the inputs alone give away is kept beside the scores of the attacks.

    Args:
        folds: Of the blind classifier's cross-validation.
        cluster_by: Field of the unit that is resampled and kept in one fold (document, speaker).
    """

    folds: int = 5
    cluster_by: str = ""

    family: ClassVar[Any] = "privacy"
    sensitive: ClassVar[bool] = True

    @property
    def attacks(self) -> tuple[str, ...]:
        """The columns with scores, higher for members, that the options ask for."""
        raise TypeError(f"{type(self).__name__} names no attacks")

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """One metric that gives the estimates of all attacks."""
        return (MembershipMetrics(self.attacks, self.cluster_by),)

    def beginning(self, sample: Sample, *shown: str | Text | Image | Audio) -> dict[str, Any]:
        """What each record begins with: whether it is a member's, its unit, what a model sees."""
        unit = {self.cluster_by: str(sample[self.cluster_by])} if self.cluster_by else {}
        return {"member": is_member(sample["member"]), **unit, "_inputs": inputs_of(*shown)}

    def scores_of_all(
        self, records: Sequence[Mapping[str, Any]]
    ) -> Mapping[str, Sequence[float | None]]:
        """The columns that take all records together to compute; by default there are none."""
        del records
        return {}

    def blind(
        self, records: Sequence[Mapping[str, Any]], rng: np.random.Generator
    ) -> Sequence[float]:
        """The blind classifier's score of each record."""
        found: list[float] = blind_column(
            records, rng, folds=self.folds, unit=self.cluster_by
        ).tolist()
        return found

    def tabulate(
        self, records: Sequence[Mapping[str, Any]], context: Any, rng: np.random.Generator
    ) -> Sequence[Mapping[str, Any]]:
        """Add the blind classifier's score and further columns; drop what only these need."""
        del context
        if not records:
            return records
        columns = {"blind": self.blind(records, rng), **self.scores_of_all(records)}
        return [
            {
                **{name: value for name, value in record.items() if name[:1] != "_"},
                **dict(zip(columns, values, strict=True)),
            }
            for record, *values in zip(records, *columns.values(), strict=True)
        ]
