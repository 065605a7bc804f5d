"""Prefix beam search against brute force over every path."""

from __future__ import annotations

from collections import defaultdict
from itertools import product
from math import log

import numpy as np
import pytest
import torch

from evalsuite_audio.models.ctc_beam import best_labelling, collapsed, probability


def posteriors(n_frames, n_labels, seed, sharpness=1.0):
    draws = np.random.default_rng(seed).standard_normal((n_frames, n_labels))
    return torch.tensor(sharpness * draws).log_softmax(-1)


def brute_force(log_probabilities, blank):
    """Probability of each labelling: the sum over all paths that collapse to it."""
    found = defaultdict(float)
    n_frames, n_labels = log_probabilities.shape
    rows = log_probabilities.exp().numpy()
    for path in product(range(n_labels), repeat=n_frames):
        found[collapsed(list(path), blank)] += float(
            np.prod([rows[t, label] for t, label in enumerate(path)])
        )
    return found


@pytest.mark.parametrize("blank", [0, 2])
@pytest.mark.parametrize("seed", range(8))
def test_a_wide_beam_finds_the_most_probable_labelling(seed, blank):
    scores = posteriors(6, 3, seed)
    truth = brute_force(scores, blank)
    assert best_labelling(scores, blank, width=1000) == max(truth, key=truth.get)


def test_a_labellings_probability_sums_over_its_paths():
    scores = posteriors(5, 3, seed=1)
    for labelling, expected in brute_force(scores, 0).items():
        assert probability(scores, labelling, 0) == pytest.approx(log(expected), abs=1e-9)


def test_the_likeliest_path_need_not_spell_the_likeliest_text():
    # Two frames, blank 0.6 and "a" 0.4 in each: the path "blank blank" has 0.36, but the text "a"
    # has a-, -a and aa: 0.24 + 0.24 + 0.16 = 0.64.
    scores = torch.tensor([[0.6, 0.4]] * 2).log()
    assert collapsed(scores.argmax(-1).tolist(), 0) == ()
    assert best_labelling(scores, 0, width=4) == (1,)
    assert probability(scores, (1,), 0) == pytest.approx(log(0.64), abs=1e-6)


@pytest.mark.parametrize("width", [1, 2, 4, 16])
@pytest.mark.parametrize("seed", range(5))
def test_no_beam_is_worse_than_greedy(seed, width):
    scores = posteriors(40, 6, seed, sharpness=2.0)
    greedy = collapsed(scores.argmax(-1).tolist(), 0)
    found = best_labelling(scores, 0, width)
    assert probability(scores, found, 0) >= probability(scores, greedy, 0) - 1e-9


def test_repeated_labels_need_a_blank_between_them():
    # a - a, certain
    certain = torch.full((3, 2), 1e-6).scatter(1, torch.tensor([[1], [0], [1]]), 1 - 1e-6)
    assert best_labelling(certain.log(), 0, width=8) == (1, 1)
    together = torch.full((3, 2), 1e-6).scatter(1, torch.tensor([[1], [1], [0]]), 1 - 1e-6)
    assert best_labelling(together.log(), 0, width=8) == (1,)


def test_impossible_labels_are_never_written():
    scores = torch.tensor([[0.0, -torch.inf, -torch.inf]] * 4)
    assert best_labelling(scores, 0, width=8) == ()
