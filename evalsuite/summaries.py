"""The metrics that most probes need: means, proportions, ratios and gaps between groups.

Placeholder until evalsuite.statistics lands; the constructors are final.
"""

from __future__ import annotations

from dataclasses import dataclass

from evalsuite.metric import Direction, Null


@dataclass(frozen=True, kw_only=True)
class _Summary:
    name: str
    by: str | None = None
    clusters: str | None = None
    null: Null | None = None
    direction: Direction = "neither"
    primary: bool = False


@dataclass(frozen=True)
class Mean(_Summary):
    column: str


@dataclass(frozen=True)
class Proportion(_Summary):
    column: str


@dataclass(frozen=True)
class Ratio(_Summary):
    numerator: str
    denominator: str


@dataclass(frozen=True)
class GroupGap(_Summary):
    column: str
    group: str
    min_group_size: int = 30


@dataclass(frozen=True)
class GroupRatioGap(_Summary):
    numerator: str
    denominator: str
    group: str
    min_group_size: int = 30
