"""The names that plugins may import."""

from __future__ import annotations

import evalsuite


def test_every_public_name_exists():
    for name in evalsuite.__all__:
        assert getattr(evalsuite, name) is not None


def test_public_names_are_sorted_and_all_have_a_home():
    assert list(evalsuite.__all__) == sorted(evalsuite.__all__)
    assert set(evalsuite._HOME) <= set(evalsuite.__all__)
