"""Run x Run -> Comparison: what differs between models, by how much, and how sure that is."""

from evalsuite.compare.comparison import compare
from evalsuite.compare.planning import Asked, Need, needs
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
    "Asked",
    "Comparison",
    "Difference",
    "DifferenceVerdict",
    "Need",
    "Note",
    "Subject",
    "TestFamily",
    "TieGroups",
    "VarianceComponents",
    "compare",
    "needs",
]
