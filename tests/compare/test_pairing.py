"""Samples are paired by what they are, wherever they stand."""

from __future__ import annotations

from evalsuite.compare.pairing import pair
from evalsuite.compare.tables import Samples
from evalsuite.metric import Table


def samples(hashes: str, failed: str = "") -> Samples:
    """One letter for each sample; those at the places in ``failed`` have no answer."""
    answered = tuple(str(place) not in failed for place in range(len(hashes)))
    return Samples(tuple(hashes), answered, Table({}, sum(answered)))


def pairs(first: Samples, second: Samples) -> list[tuple[int, int]]:
    found = pair(first, second)
    return list(zip(found.first.tolist(), found.second.tolist(), strict=True))


def test_order_does_not_matter():
    assert pairs(samples("abc"), samples("cab")) == [(0, 1), (1, 2), (2, 0)]
    assert pair(samples("abc"), samples("cab")).is_of_the_same_data


def test_of_samples_alike_the_first_goes_with_the_first():
    assert pairs(samples("aba"), samples("aab")) == [(0, 0), (2, 1), (1, 2)]


def test_rows_are_those_of_the_answered_samples():
    # b was not answered by the first: its c is row 1 of the table, and b is in no pair
    found = pair(samples("abc", failed="1"), samples("abc"))
    assert pairs(samples("abc", failed="1"), samples("abc")) == [(0, 0), (1, 2)]
    assert (found.n_failed_first, found.n_failed_second, found.n_unpaired) == (1, 0, 1)
    assert found.is_of_the_same_data


def test_a_failed_copy_takes_its_partner_with_it():
    assert pairs(samples("aa", failed="0"), samples("aa")) == [(0, 1)]


def test_other_data_are_seen():
    found = pair(samples("abcd"), samples("bcx"))
    assert not found.is_of_the_same_data
    assert (found.n_common, found.n_first, found.n_second, found.n_unpaired) == (2, 4, 3, 3)


def test_an_unreadable_sample_is_in_no_pair():
    unreadable = Samples(("a", ""), (True, False), Table({}, 1))
    assert pairs(unreadable, unreadable) == [(0, 0)]
