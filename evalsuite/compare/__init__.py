"""Run x Run -> Comparison: what differs between models, by how much, and how sure that is."""

from evalsuite.compare.comparison import compare
from evalsuite.compare.records import (
    Comparison,
    Difference,
    DifferenceVerdict,
    Note,
    Subject,
    TestFamily,
    TieGroups,
    VarianceComponents,
)

__all__ = [
    "Comparison",
    "Difference",
    "DifferenceVerdict",
    "Note",
    "Subject",
    "TestFamily",
    "TieGroups",
    "VarianceComponents",
    "compare",
]
