"""Perplexity follows from sums, which is how two models' are compared."""

from __future__ import annotations

import math

import pytest

from evalsuite import Table
from evalsuite.statistics import generator
from evalsuite_text.tasks.perplexity import CorpusRate, bits, perplexity


@pytest.mark.parametrize("function", [perplexity, bits])
def test_sums_give_the_rate(function):
    # 3 + 5 nats over 2 + 2 words are 2 nats a word
    table = Table.from_records([{"surprise": 3.0, "n_words": 2}, {"surprise": 5.0, "n_words": 2}])
    metric = CorpusRate("rate", "n_words", function)
    (summed,) = metric.summed(table)
    assert summed.value == pytest.approx(function(2.0))
    assert summed.value == pytest.approx(metric.estimate(table, generator(0))[0].value)
    assert perplexity(2.0) == pytest.approx(math.e**2)
