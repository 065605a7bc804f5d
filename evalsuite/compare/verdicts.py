"""What a difference means: better, worse, or not told apart."""

from __future__ import annotations

import math

from evalsuite.compare.records import Difference, DifferenceVerdict


def verdict_of(difference: Difference, alpha: float) -> DifferenceVerdict:
    """By the p-value that counts, adjusted after Holm in the family, and the metric's direction.

    ``differs`` where neither way is better, or where being close to a null is better and the two
    values lie on either side of it, so that no test of their difference says which is closer.
    """
    p_value = difference.p_holm if difference.is_in_family else difference.p_value
    if math.isnan(difference.value) or math.isnan(p_value):
        return "undefined"
    if p_value > alpha:
        return "not distinguishable"
    rises = difference.value > 0
    if difference.direction == "higher is better":
        return "better" if rises else "worse"
    if difference.direction == "lower is better":
        return "worse" if rises else "better"
    if difference.direction == "closer to null is better":
        return _towards_null(difference, rises)
    return "differs"


def _towards_null(difference: Difference, rises: bool) -> DifferenceVerdict:
    null = difference.extra.get("null")
    if not isinstance(null, int | float):
        return "differs"
    sides = {difference.baseline_value > null, difference.candidate_value > null}
    if len(sides) > 1:
        return "differs"
    return "worse" if rises == sides.pop() else "better"
