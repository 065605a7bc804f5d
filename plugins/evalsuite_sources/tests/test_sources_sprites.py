"""Sprites: tiles row by row, the class known by the row, other sizes refused."""

from __future__ import annotations

import numpy as np
import pytest

from evalsuite import DataError, Image, MediaError
from evalsuite_sources.sprites import ImageSprite

GRID = {"n_rows": 4, "n_columns": 3, "tile_height": 2, "rows_per_class": 2}


@pytest.fixture
def picture(tmp_path):
    """Tile (r, c) is all 10 r + c."""
    values = 10 * np.arange(4)[:, None] + np.arange(3)
    pixels = np.kron(values, np.ones((2, 2))).astype(np.uint8)
    path = tmp_path / "sprite.png"
    path.write_bytes(Image.from_array(pixels).encoded())
    return str(path)


def test_tiles_come_row_by_row_with_the_class_of_their_row(picture):
    source = ImageSprite(picture, names=("top", "bottom"), **GRID)
    source.check()
    samples = list(source.rows())
    assert source.count() == len(samples) == 12
    assert [s["label"] for s in samples] == ["top"] * 6 + ["bottom"] * 6
    tile = np.asarray(samples[7]["image"].load())
    assert (samples[7].id, tile.shape, np.unique(tile).tolist()) == ("2-1", (2, 2, 3), [21])


def test_black_and_white_may_be_swapped_and_classes_numbered(picture):
    sample = next(ImageSprite(picture, invert=True, **GRID).rows())
    assert (np.asarray(sample["image"].load())[0, 0, 0], sample["label"]) == (255, "0")


def test_a_picture_of_another_size_is_refused(picture):
    with pytest.raises(DataError, match="6 x 8 pixels, but 3 x 4 tiles of 3 x 2 make 9 x 8"):
        ImageSprite(picture, tile_width=3, **GRID).check()
    with pytest.raises(DataError, match="does not exist"):
        ImageSprite(picture + "x", **GRID).check()


def test_a_file_that_is_no_picture_is_refused(tmp_path):
    path = tmp_path / "a.png"
    path.write_text("no picture")
    with pytest.raises(MediaError, match="not a readable image"):
        ImageSprite(str(path), **GRID).check()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows_per_class": 3}, "multiple"),
        ({"names": ("one",)}, "1 entries, but there are 2 classes"),
        ({"tile_height": 0}, "at least 1"),
    ],
)
def test_a_grid_that_cannot_be_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        ImageSprite("x.png", **{**GRID, **change})


def test_the_published_sprite_of_fashion_articles_is_read(data):
    path = data / "fashion_mnist_sprite" / "fashion-mnist-sprite.png"
    source = ImageSprite(str(path), 3, 30, 30, 28)
    source.check()
    samples = list(source.rows())
    assert len({s["image"].sha256 for s in samples}) == 900
    # Leave-one-out nearest neighbour on pixels, 75.4 % by the data's own check of its labels.
    pixels = np.stack([np.asarray(s["image"].load())[..., 0].ravel() for s in samples]).astype(
        float
    )
    distance = (
        np.sum(pixels**2, axis=1)[:, None] + np.sum(pixels**2, axis=1) - 2 * pixels @ pixels.T
    )
    np.fill_diagonal(distance, np.inf)
    labels = np.array([s["label_index"] for s in samples])
    assert np.mean(labels[distance.argmin(axis=1)] == labels) == pytest.approx(0.754, abs=0.001)
