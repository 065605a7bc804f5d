"""A small network whose explanations Quantus 0.6.0 has judged: ours give the same figures.

Four random pictures of 4 x 4 pixels, a network of eight hidden units and three classes, saliency.
"""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view

from evalsuite import DifferentiableView
from evalsuite_explain.explainers.gradients import saliency
from evalsuite_explain.measures.agreement import spearman
from evalsuite_explain.measures.fidelity import max_sensitivity
from evalsuite_explain.measures.randomisation import random_logit

POINTS = np.random.default_rng(1).normal(size=(4, 16)).astype(np.float32)
LABELS = (0, 1, 2, 0)


@pytest.fixture(scope="module")
def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return torch.nn.Sequential(torch.nn.Linear(16, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))


def explained(module, points, labels):
    """Saliency of one class for each point [points, 16]."""
    found = []
    for point, label in zip(points, labels):
        inputs = torch.tensor(point, dtype=torch.float32).reshape(1, 16, 1)
        view = DifferentiableView(
            inputs,
            torch.zeros_like(inputs),
            lambda x, label=label: module(x[:, :, 0])[:, label],
            tuple((i, i + 1) for i in range(16)),
            module=module,
        )
        found.append(saliency(view).scores)
    return np.array(found)


def test_what_is_left_of_explanations_when_the_weights_are_drawn_anew(network):
    # MPRT at its last layer: each layer initialised anew, every one from seed 42 + 1
    other = deepcopy(network)
    with torch.random.fork_rng():
        for i in (2, 0):
            torch.manual_seed(43)
            other[i].reset_parameters()
    pairs = zip(explained(network, POINTS, LABELS), explained(other, POINTS, LABELS))
    found = [spearman(before, after) for before, after in pairs]
    assert found == pytest.approx([-0.214706, -0.285294, -0.302941, 0.176471], abs=1e-6)


def structural_similarity(one, other):
    """Wang et al. 2004 over windows of 7 values, with the variance of a sample."""
    value_range = np.ptp([one, other])
    a, b = sliding_window_view(one, 7), sliding_window_view(other, 7)
    a_mean, b_mean = a.mean(axis=1), b.mean(axis=1)
    spread = a.var(axis=1, ddof=1) + b.var(axis=1, ddof=1)
    shared = ((a - a_mean[:, None]) * (b - b_mean[:, None])).sum(axis=1) / 6
    c1, c2 = (0.01 * value_range) ** 2, (0.03 * value_range) ** 2
    level = (2 * a_mean * b_mean + c1) / (a_mean**2 + b_mean**2 + c1)
    return float(np.mean(level * (2 * shared + c2) / (spread + c2)))


def test_how_alike_the_explanations_of_two_classes_are(network):
    # RandomLogit, its other classes drawn from seed 0: maps as rows of 16 values, all four divided
    # by the largest value of any of them
    own, others = explained(network, POINTS, LABELS), explained(network, POINTS, (1, 2, 1, 1))
    pairs = zip(own / own.max(), others / others.max())
    found = [structural_similarity(one, other) for one, other in pairs]
    assert found == pytest.approx([0.401192, 0.029549, 0.068247, 0.210924], abs=1e-6)
    # The same maps by their ranks, 1 - sum d^2 / 680: sum d^2 = 272, 534, 396, 630.
    by_rank = [random_logit(one, [other]) for one, other in zip(own, others)]
    assert by_rank == pytest.approx([1 - d / 680 for d in (272, 534, 396, 630)], abs=1e-6)


def test_how_far_explanations_move_with_the_input(network):
    # Saliency of a piecewise linear network is the same until a hidden unit is switched on or off.
    # Moves of at most a radius reach a unit where |w x + b| / ||w||_1 is below it: one of them all,
    # at the third point. So the figure hangs on that unit, not on which moves are drawn; tried are
    # the two that change each unit most.
    radius, hidden = 0.01, network[0]
    weights = hidden.weight.detach()
    reach = hidden(torch.from_numpy(POINTS)).detach().abs() / weights.abs().sum(dim=1)
    assert (reach < radius).nonzero().tolist() == [[2, 6]]

    moves = radius * torch.cat([weights.sign(), -weights.sign()]).numpy()
    found = [
        max_sensitivity(own, explained(network, point + moves, [label] * len(moves)))
        for own, point, label in zip(explained(network, POINTS, LABELS), POINTS, LABELS)
    ]
    assert found == pytest.approx([0, 0, 0.138644, 0], abs=1e-6)
