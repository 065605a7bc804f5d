"""Requests are identified by every field."""

from __future__ import annotations

import numpy as np

from evalsuite import Classify, Generate, Image, LogLikelihood


def test_equal_requests_have_equal_digests():
    assert LogLikelihood("a", "b").digest == LogLikelihood("a", "b").digest


def test_moving_text_between_fields_changes_the_digest():
    assert LogLikelihood("ab", "c").digest != LogLikelihood("a", "bc").digest


def test_sampling_parameters_change_the_digest():
    assert Generate("a", seed=1).digest != Generate("a", seed=2).digest


def test_the_kind_of_request_changes_the_digest():
    assert Classify("a").digest != Generate("a").digest


def test_pictures_count_by_their_bytes():
    black = Image.from_array(np.zeros((2, 2, 3), np.uint8))
    white = Image.from_array(np.full((2, 2, 3), 255, np.uint8))
    assert LogLikelihood((black, "q"), "a").digest != LogLikelihood((white, "q"), "a").digest
