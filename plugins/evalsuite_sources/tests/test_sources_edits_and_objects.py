"""Which words of a text were edited, and where a drawing's objects are."""

from __future__ import annotations

import json

import numpy as np
import pytest

from evalsuite import DataError, Image
from evalsuite_sources.edited_pairs import EditedPairs, edited
from evalsuite_sources.statements import NlvrObjects


def told(text, stretches):
    return [text[first:last] for first, last in stretches]


def test_edited_words_are_those_that_the_other_text_lacks():
    text = "A dull film, and far too long."
    assert told(text, edited(text, ["A great film, and not too long."])) == ["dull", "far"]
    # what any of several twins lacks; inserted words are edits of the text that has them
    assert told(text, edited(text, ["A dull film."])) == ["film,", "and", "far", "too", "long."]
    assert edited("A film.", ["A good film."]) == []
    assert edited(text, []) == []


def write_pairs(tmp_path, header="Sentiment\tText\tbatch_id"):
    rows = ["Negative\tIt is bad.\t7", "Positive\tIt is good.\t7", "Negative\tAlone.\t9"]
    path = tmp_path / "pairs.tsv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return str(path)


def test_every_row_has_its_set_and_the_words_that_make_its_label(tmp_path):
    source = EditedPairs(write_pairs(tmp_path))
    source.check()
    rows = list(source.rows())
    assert [(r.id, r["label"], r["pair"]) for r in rows] == [
        ("7-0", "Negative", "7"), ("7-1", "Positive", "7"), ("9-0", "Negative", "9"),
    ]  # fmt: skip
    assert [told(r["text"], r["rationale"]) for r in rows] == [["bad."], ["good."], []]
    assert source.count() == 3
    assert EditedPairs(write_pairs(tmp_path), longest=2).count() == 1
    renamed = EditedPairs(write_pairs(tmp_path), labels={"Negative": "NEG"}).rows()
    assert [row["label"] for row in renamed] == ["NEG", "Positive", "NEG"]


def test_columns_of_another_name_are_asked_for(tmp_path):
    path = write_pairs(tmp_path, "label\tsentence\tset")
    with pytest.raises(DataError, match="no column 'Text'.*by the options text, label and pair"):
        EditedPairs(path).check()
    EditedPairs(path, text="sentence", label="label", pair="set").check()


def thing(kind, colour, left, top, size=20):
    return {"type": kind, "color": colour, "x_loc": left, "y_loc": top, "size": size}


def write_drawing(tmp_path, squares):
    line = {"identifier": "5-1", "directory": "3", "sentence": "s", "label": "true"}
    path = tmp_path / "dev.json"
    path.write_text(json.dumps({**line, "structured_rep": squares}) + "\n")
    picture = Image.from_array(
        np.arange(400, dtype=np.uint16)[None, :, None].repeat(100, 0).repeat(3, 2).astype(np.uint8)
    )
    (tmp_path / "images" / "3").mkdir(parents=True, exist_ok=True)
    (tmp_path / "images" / "3" / "dev-5-1-0.png").write_bytes(picture.encoded())
    return str(path)


def test_each_kind_in_a_square_has_the_boxes_of_its_objects(tmp_path):
    """The second square begins 150 pixels to the right; what juts out of a square is cut."""
    mixed = [
        thing("circle", "Yellow", 10, 5),
        thing("square", "#0099ff", 90, 95),
        thing("circle", "yellow", 50, 50, 10),
    ]
    alike = [thing("circle", "Black", 0, 0), thing("circle", "Black", 40, 0)]
    source = NlvrObjects(write_drawing(tmp_path, [alike, mixed, mixed]), template="draw {}")
    source.check()
    blue, yellow = source.rows()
    assert (blue.id, blue["text"], blue["boxes"]) == (
        "5-1-1-blue-square",
        "draw blue square",
        [[90, 95, 100, 100]],
    )
    assert yellow["boxes"] == [[10, 5, 30, 25], [50, 50, 60, 60]]
    assert (yellow["square"], yellow["identifier"]) == (1, "5-1")
    pixels = np.asarray(yellow["image"].load().convert("RGB"))
    assert pixels.shape == (100, 100, 3)
    assert pixels[0, 0, 0] == 150


@pytest.mark.parametrize(
    ("square", "message"),
    [
        ([{"type": "circle"}], "no key 'color'"),
        ([thing("circle", "pink", 0, 0)], "no key 'pink'"),
        ([thing("circle", "Black", "left", 0)], "invalid literal"),
    ],
)
def test_an_object_of_another_form_names_its_place(tmp_path, square, message):
    with pytest.raises(DataError, match=rf"dev.json:1:1: not NLVR's form.*{message}"):
        NlvrObjects(write_drawing(tmp_path, [square])).count()


def test_the_boxes_of_real_drawings_hold_their_colour(data):
    path = data / "nlvr_dev" / "dev.json"
    if not path.exists():
        pytest.skip("no NLVR here")
    source = NlvrObjects(str(path))
    assert source.count() == 3135
    colours = {"blue": (0, 153, 255), "black": (0, 0, 0), "yellow": (255, 255, 0)}
    for row in list(source.rows())[::300]:
        pixels = np.asarray(row["image"].load().convert("RGB")).astype(int)
        wanted = np.array(colours[row["text"].split()[1]])
        for left, top, right, bottom in row["boxes"]:
            inside = np.abs(pixels[top:bottom, left:right] - wanted).sum(axis=-1) < 60
            assert inside.mean() > 0.3  # a triangle fills half of its box, less its blurred edge


def test_real_edits_are_a_tenth_of_the_words(data):
    path = data / "cad_counterfactual" / "test_paired.tsv"
    if not path.exists():
        pytest.skip("no edited reviews here")
    rows = list(EditedPairs(str(path)).rows())
    assert len(rows) == 976
    assert len({row["pair"] for row in rows}) == 488
    shares = [len(row["rationale"]) / len(row["text"].split()) for row in rows]
    assert 0.1 < np.mean(shares) < 0.15
