"""A modality taken away bit by bit: more of it takes the same parts and further ones."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from evalsuite import Audio, Image, Sample
from evalsuite_robustness.missing import MissingMoments, MissingPatches
from evalsuite_robustness.texts.missing_words import MissingWords

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)


def picture():
    rng = np.random.default_rng(0)
    return Image.from_array(rng.integers(0, 255, (18, 21, 3), dtype=np.uint8))


def seen(share):
    (sample,) = MissingPatches(share).samples([Sample("1", {"image": picture()})], seed=0)
    return np.asarray(sample["image"].load())


def heard(share):
    tone = Audio.from_array(np.linspace(0.1, 0.9, 1601).astype(np.float32), 8000)
    (sample,) = MissingMoments(share).samples([Sample("1", {"audio": tone})], seed=0)
    return sample["audio"].load()[0]


def read(share, text="one two three four five six seven eight"):
    (sample,) = MissingWords(share=share).samples([Sample("1", {"question": text})], seed=0)
    return sample["question"].split()


def test_patches_are_the_mean_colour_and_nested():
    whole = np.asarray(picture().load())
    mean = np.round(whole.mean(axis=(0, 1)))
    gone = [(seen(share) == mean).all(axis=-1) for share in SHARES]
    assert (seen(0.0) == whole).all()
    assert gone[-1].all()
    assert all((more | ~less).all() for less, more in pairwise(gone))
    # half of 16 cells of about equal size
    assert gone[2].mean() == pytest.approx(0.5, abs=0.1)


def test_moments_are_silent_and_nested():
    gone = [heard(share) == 0 for share in SHARES]
    assert not gone[0].any()
    assert gone[-1].all()
    assert all((more | ~less).all() for less, more in pairwise(gone))
    assert gone[1].mean() == pytest.approx(0.25, abs=0.01)


def test_words_go_one_after_another_and_the_rest_keeps_its_order():
    left = [read(share) for share in SHARES]
    assert [len(words) for words in left] == [8, 6, 4, 2, 0]
    assert all(set(more) <= set(less) for less, more in pairwise(left))
    assert [w for w in left[0] if w in left[2]] == left[2]


def test_a_picture_of_one_pixel_survives():
    dot = Image.from_array(np.full((1, 1, 3), 7, np.uint8))
    (sample,) = MissingPatches(1.0).samples([Sample("1", {"image": dot})], seed=0)
    assert np.asarray(sample["image"].load()).tolist() == [[[7, 7, 7]]]


@pytest.mark.parametrize("variant", [MissingPatches, MissingMoments, MissingWords])
def test_a_share_lies_between_nothing_and_all(variant):
    with pytest.raises(ValueError, match="between 0 and 1"):
        variant(share=1.5)
