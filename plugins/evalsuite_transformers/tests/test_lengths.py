"""Rows by length, and rows that are there twice."""

from __future__ import annotations

import torch

from evalsuite_transformers.lengths import distinct


def test_equal_rows_are_found_in_the_order_of_their_first():
    firsts, which = distinct(torch.tensor([[9, 1], [2, 2], [9, 1], [0, 5], [2, 2]]))
    assert firsts == [0, 1, 3]
    assert which == [0, 1, 0, 2, 1]
