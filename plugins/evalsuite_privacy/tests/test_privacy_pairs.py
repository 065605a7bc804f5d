"""Membership of pairs by a dual encoder."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evalsuite import Failure, LoadSettings
from evalsuite.factories import loader_for
from evalsuite.model import answer_batch
from evalsuite.registry import installed
from evalsuite.testing import check_probe, play
from evalsuite_controls.sources import NotedShapes, NotedSounds
from evalsuite_privacy.identity.pairs import (
    AudioPairMembership,
    ImagePairMembership,
    excess_similarity,
)

LEAK = "leak beyond inputs"
KINDS = {"shapes": (ImagePairMembership, NotedShapes), "sounds": (AudioPairMembership, NotedSounds)}


def asked(name: str):
    loader, reference = loader_for(f"control:{name}", installed())
    model = loader.load(reference, LoadSettings(device="cpu"))
    return lambda request: answer_batch(model, [request])[0]


def test_the_excess_is_the_own_cosine_minus_the_mean_of_the_others():
    """Cosines 1 0 .6 / 0 1 .8 / 1 0 .6: own 1, 1, .6; others' means .3, .4, .5."""
    media = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    texts = np.array([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]])
    assert excess_similarity(media, texts) == pytest.approx([0.7, 0.6, 0.1], abs=1e-12)
    assert math.isnan(excess_similarity(media[:1], texts[:1])[0])


def played_on(kind: str, twin: str):
    probe, source = KINDS[kind]
    return play(probe(), list(source().rows()), asked(f"{kind}-{twin}"))


@pytest.mark.parametrize("kind", KINDS)
def test_planted_pairs_are_found(kind):
    played = played_on(kind, "named")
    for attack in ("cosine", "excess"):
        assert played.estimate("attack AUC", f"attack={attack}").value > 0.95
    assert played.estimate(LEAK).verdict == "differs from null"


@pytest.mark.parametrize("kind", KINDS)
def test_a_twin_that_read_other_notes_is_silent(kind):
    """Chance: .5 within two deviations, sqrt(201 / (12 x 100 x 100)) = .041 each."""
    played = played_on(kind, "unnamed")
    assert played.estimate(LEAK).verdict == "compatible with null"
    for attack in ("cosine", "excess"):
        area = played.estimate("attack AUC", f"attack={attack}").value
        assert abs(area - 0.5) <= 2 * math.sqrt(201 / 120_000)


@pytest.mark.parametrize("kind", KINDS)
def test_the_probe_keeps_the_contract_of_probes(kind):
    probe, source = KINDS[kind]
    check_probe(probe(), list(source(limit=40).rows()), asked(f"{kind}-named"))


def test_a_model_that_refuses_is_not_private():
    samples = list(NotedShapes(limit=10).rows())
    played = play(ImagePairMembership(), samples, lambda request: Failure("refused", "no"))
    assert all(math.isnan(estimate.value) for estimate in played.estimates)
