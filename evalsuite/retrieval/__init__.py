"""Retrieval of captions by images or clips and the other way, with exact expectations of ties."""

from evalsuite.retrieval.expectation import First
from evalsuite.retrieval.median_rank import MedianRank
from evalsuite.retrieval.ranking import Pairs, Standing, all_tied, both_ways, standing
from evalsuite.retrieval.task import RetrievalTask, captions_of, right_pairs

__all__ = [
    "First",
    "MedianRank",
    "Pairs",
    "RetrievalTask",
    "Standing",
    "all_tied",
    "both_ways",
    "captions_of",
    "right_pairs",
    "standing",
]
