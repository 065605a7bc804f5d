"""Captions, hard negatives, statements and archives: in order, lazily, with mistakes in their place."""

from __future__ import annotations

import io
import json
import pickle
import re
import tarfile

import numpy as np
import pytest

from evalsuite import DataError, Image, MediaError, UsageError
from evalsuite.options import build
from evalsuite_sources.captions import CocoCaptions
from evalsuite_sources.hard_negatives import Aro, SugarCrepe
from evalsuite_sources.lazy_images import ArchivedImage, Box
from evalsuite_sources.statements import Nlvr
from evalsuite_sources.tables import JsonLines
from evalsuite_sources.webdataset import WebDataset


def picture(value: int = 0, side: int = 4) -> bytes:
    return Image.from_array(np.full((side, side, 3), value, np.uint8)).encoded()


def write(path, document) -> str:
    path.write_text(json.dumps(document))
    return str(path)


def images(folder, *names) -> str:
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(picture(number))
    return str(folder)


# ------------------------------------------------------------------------------------------------
# COCO captions
# ------------------------------------------------------------------------------------------------

COCO = {
    "images": [{"id": 7, "file_name": "a.png"}, {"id": 3, "file_name": "b.png"}],
    "annotations": [
        {"image_id": 3, "caption": "b one\n"},
        {"image_id": 7, "caption": "a one"},
        {"image_id": 3, "caption": "b two"},
        {"image_id": 3, "caption": "b three"},
    ],
}
KARPATHY = {
    "images": [
        {"filename": "a.png", "cocoid": 7, "split": "test", "sentences": [{"raw": "a one"}]},
        {"filename": "b.png", "filepath": "val", "imgid": 1, "split": "restval", "sentences": [{"raw": "b"}]},
        {"filename": "c.png", "split": "train", "sentences": [{"raw": "c"}]},
    ]
}  # fmt: skip


def test_coco_captions_come_with_their_image_in_file_order(tmp_path):
    path = write(tmp_path / "captions.json", COCO)
    source = CocoCaptions(path, images(tmp_path / "images", "a.png", "b.png"), captions_per_image=2)
    source.check()
    samples = list(source.rows())
    assert [(s.id, s["caption"]) for s in samples] == [("7", ["a one"]), ("3", ["b one", "b two"])]
    assert samples[1]["image"] == Image(data=picture(1))
    assert source.count() == 2


def test_five_captions_are_kept_unless_all_are_asked_for(tmp_path):
    annotations = [{"image_id": 7, "caption": f"{i}"} for i in range(7)]
    path = write(
        tmp_path / "captions.json", {"images": COCO["images"][:1], "annotations": annotations}
    )
    images(tmp_path, "a.png")
    assert [len(s["caption"]) for s in CocoCaptions(path).rows()] == [5]
    assert [len(s["caption"]) for s in CocoCaptions(path, captions_per_image=0).rows()] == [7]


def test_karpathys_splits_are_chosen_by_name(tmp_path):
    path = write(tmp_path / "dataset.json", KARPATHY)
    images(tmp_path, "a.png", "val/b.png", "c.png")
    assert [s.id for s in CocoCaptions(path, split="test").rows()] == ["7"]
    found = list(CocoCaptions(path, split=("train", "restval")).rows())
    assert [(s.id, s["image_id"]) for s in found] == [("1", "val/b.png"), ("2", "c.png")]
    with pytest.raises(DataError, match="'val'; its splits are: restval, test, train"):
        CocoCaptions(path, split="val").check()


def test_a_missing_image_is_a_broken_sample(tmp_path):
    source = CocoCaptions(write(tmp_path / "captions.json", COCO), images(tmp_path, "a.png"))
    assert "b.png does not exist" in list(source.rows())[1].broken


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], r"captions.json:1:1: captions are a JSON object"),
        ({"images": [{"id": 1}]}, r"images\[0\]: not an image with captions.*no key 'filename'"),
        ({"images": [{"filename": "a.png"}]}, r"images\[0\]: .*no key 'sentences'"),
        ({"images": [{"filename": "a.png", "sentences": []}]}, "has no caption"),
        ({"images": [{"filename": "a.png", "sentences": [{"raw": " "}]}]}, "not empty"),
        (
            {"images": COCO["images"], "annotations": [{"image_id": 3, "bbox": []}]},
            "objects instead",
        ),
        ({"images": []}, "has no annotations"),
    ],
)
def test_other_documents_than_captions_are_refused_with_their_place(tmp_path, document, message):
    path = write(tmp_path / "captions.json", document)
    with pytest.raises(DataError, match=message):
        CocoCaptions(path).check()


def test_a_split_of_an_official_file_is_refused(tmp_path):
    path = write(tmp_path / "captions.json", COCO)
    with pytest.raises(DataError, match="holds one split: leave it out"):
        CocoCaptions(path, split="test").check()


def test_bad_json_names_line_and_column(tmp_path):
    (tmp_path / "captions.json").write_text('{"images":\n [}')
    with pytest.raises(DataError, match=r"captions.json:2:3: not JSON"):
        CocoCaptions(str(tmp_path / "captions.json")).check()


def test_a_missing_folder_of_images_shows_what_there_is(tmp_path):
    path = write(tmp_path / "captions.json", COCO)
    with pytest.raises(DataError, match="img does not exist.*captions.json"):
        CocoCaptions(path, str(tmp_path / "img")).check()


def test_options_may_be_lists_and_are_checked(tmp_path):
    path = write(tmp_path / "dataset.json", KARPATHY)
    source = build(CocoCaptions, {"path": path, "split": ["train", "restval"]}, "The source")
    assert source.count() == 2
    with pytest.raises(UsageError, match="0 or more"):
        build(CocoCaptions, {"path": path, "captions_per_image": -1}, "The source")


# ------------------------------------------------------------------------------------------------
# SugarCrepe, ARO
# ------------------------------------------------------------------------------------------------

CREPE = {"0": {"filename": "a.png", "caption": "a red cat", "negative_caption": "a blue cat"}}


def test_a_folder_of_sugarcrepe_files_names_the_kinds(tmp_path):
    for kind in ("swap_att", "add_obj"):
        write(tmp_path / f"{kind}.json", CREPE)
    source = SugarCrepe(str(tmp_path), images(tmp_path / "images", "a.png"))
    source.check()
    samples = list(source.rows())
    assert [(s.id, s["kind"]) for s in samples] == [
        ("add_obj/0", "add_obj"),
        ("swap_att/0", "swap_att"),
    ]
    assert samples[0]["false_captions"] == ["a blue cat"]
    assert source.count() == 2
    one = SugarCrepe(str(tmp_path / "swap_att.json"), str(tmp_path / "images"))
    assert [s["kind"] for s in one.rows()] == ["swap_att"]
    assert one.fingerprint() != source.fingerprint()


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"4": {"filename": "a.png", "caption": "x"}}, "item 4: .*no key 'negative_caption'"),
        ("text", "1:1: not a JSON object"),
        ({"4": ["a.png"]}, "item 4: not SugarCrepe's form"),
    ],
)
def test_other_files_than_sugarcrepes_are_refused(tmp_path, document, message):
    path = write(tmp_path / "swap_att.json", document)
    with pytest.raises(DataError, match=message):
        SugarCrepe(path).check()


def test_a_folder_without_sugarcrepe_files_is_refused(tmp_path):
    with pytest.raises(DataError, match="holds no .json file"):
        SugarCrepe(str(tmp_path)).check()


def relation(**changes):
    box = {"bbox_x": 1, "bbox_y": 2, "bbox_w": 3, "bbox_h": 1}
    texts = {"true_caption": "the cat is on the mat", "false_caption": "the mat is on the cat"}
    return {"image_path": "a.png", **box, **texts, "relation_name": "on", **changes}


def test_aros_boxes_are_cut_out_when_a_model_looks(tmp_path):
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    (tmp_path / "a.png").write_bytes(Image.from_array(pixels).encoded())
    attribute = relation(attributes=["red", "wet"])
    del attribute["relation_name"]
    path = write(tmp_path / "aro.json", [relation(), attribute, relation(relation_name="near")])
    source = Aro(path, skip=("near",))
    source.check()
    samples = list(source.rows())
    assert [s["kind"] for s in samples] == ["on", "red, wet"]
    assert np.array_equal(np.asarray(samples[0]["image"].load()), pixels[2:3, 1:4])
    assert samples[0]["image"] == samples[1]["image"]  # one picture, one box: one question
    assert source.count() == 2


def test_a_box_beyond_the_picture_is_cut_and_one_outside_is_unreadable():
    whole = Image(data=picture(5))
    assert Box(2, 2, 100, 100).of(whole).load().size == (2, 2)
    with pytest.raises(MediaError, match="4 x 4 pixels, none in the box 2 x 2 at"):
        Box(9, 9, 2, 2).of(whole).load()


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (relation(bbox_w=0), "item 0: .*its box is 0 x 1"),
        (relation(bbox_x="left"), "item 0"),
        ({"image_path": "a.png"}, "no key 'attributes'"),
        ([], "item 0"),
    ],
)
def test_other_items_than_aros_are_refused(tmp_path, item, message):
    with pytest.raises(DataError, match=message):
        Aro(write(tmp_path / "aro.json", [item])).check()


# ------------------------------------------------------------------------------------------------
# NLVR
# ------------------------------------------------------------------------------------------------

LINE = {"sentence": "There is a box.", "label": "true", "identifier": "12-0", "directory": "3"}


def test_nlvrs_images_are_found_by_directory_split_and_order(tmp_path):
    (tmp_path / "dev.json").write_text(json.dumps(LINE) + "\n\n")
    images(tmp_path / "images", "3/dev-12-0-0.png", "3/dev-12-0-4.png")
    for permutation in (0, 4):
        source = Nlvr(str(tmp_path / "dev.json"), permutation=permutation)
        source.check()
        (sample,) = source.rows()
        assert sample["image_id"] == f"3/dev-12-0-{permutation}.png"
        assert (sample.id, sample["statement"], sample["label"]) == (
            "12-0",
            "There is a box.",
            "true",
        )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", r"dev.json:2:2: not JSON"),
        (json.dumps({**LINE, "label": "maybe"}), r"dev.json:2:1: .*true or false"),
        (json.dumps({"sentence": "x"}), r"dev.json:2:1: .*no key 'identifier'"),
        ("[]", r"dev.json:2:1: not NLVR's form"),
    ],
)
def test_a_bad_line_of_nlvr_names_its_place(tmp_path, line, message):
    (tmp_path / "dev.json").write_text(json.dumps(LINE) + "\n" + line)
    with pytest.raises(DataError, match=message):
        Nlvr(str(tmp_path / "dev.json")).count()


def test_an_order_of_boxes_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match="between 0 and 5"):
        Nlvr("dev.json", permutation=6)


def test_all_of_nlvrs_development_set_is_read(data):
    source = Nlvr(str(data / "nlvr_dev" / "dev.json"))
    source.check()
    assert source.count() == 989
    samples = list(source.rows())
    assert all(sample.broken is None for sample in samples)
    assert sum(sample["label"] == "true" for sample in samples) == 547


def test_photographs_with_captions_need_no_source_of_their_own(data):
    path = data / "skimage_photos_captions" / "captions.jsonl"
    source = JsonLines(str(path), id="file", image="file")
    source.check()
    samples = list(source.rows())
    assert len(samples) == 17
    assert all(s.broken is None and s["caption"] and s["image"].load() for s in samples)


# ------------------------------------------------------------------------------------------------
# Several image columns
# ------------------------------------------------------------------------------------------------


def test_two_image_columns_keep_their_names(tmp_path):
    images(tmp_path, "a.png", "b.png")
    row = {"image_0": "a.png", "image_1": "b.png", "caption_0": "x", "caption_1": "y"}
    (tmp_path / "pairs.jsonl").write_text(json.dumps(row))
    source = JsonLines(str(tmp_path / "pairs.jsonl"), image=("image_0", "image_1"))
    source.check()
    (sample,) = source.rows()
    assert (sample["image_0"], sample["image_1"]) == (
        Image(data=picture(0)),
        Image(data=picture(1)),
    )
    assert "image" not in sample.fields


# ------------------------------------------------------------------------------------------------
# Archives
# ------------------------------------------------------------------------------------------------


def npy(*values) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.array(values))
    return buffer.getvalue()


def shard(path, members, mode="w"):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def test_shards_are_read_in_the_order_of_their_numbers(tmp_path):
    for number in range(11):
        members = {f"s{number:04d}.png": picture(number), f"s{number:04d}.cls": b"1\n"}
        shard(tmp_path / "test" / f"{number}.tar", members)
    (tmp_path / "test" / "nshards.txt").write_text("11\n")
    (tmp_path / "classnames.txt").write_text("cat\ndog\n")
    source = WebDataset(str(tmp_path))
    source.check()
    samples = list(source.rows())
    assert [s.id for s in samples] == [f"s{n:04d}" for n in range(11)]
    assert (samples[10]["label"], samples[10]["label_index"]) == ("dog", 1)
    assert samples[10]["image"].load().getpixel((0, 0)) == (10, 10, 10)
    assert source.count() == 11
    (tmp_path / "test" / "nshards.txt").unlink()
    assert [s.id for s in WebDataset(str(tmp_path)).rows()] == [s.id for s in samples]


def test_images_stay_in_their_archive_and_are_those_of_plain_files(tmp_path):
    shard(tmp_path / "0.tar", {"a.jpg": picture(3), "a.txt": b"one\n\ntwo\n"})
    (sample,) = WebDataset(str(tmp_path / "0.tar")).rows()
    image = sample["image"]
    assert isinstance(image, ArchivedImage)
    assert image.data is None
    assert image == Image(data=picture(3))
    assert Image(data=picture(3)) == image
    assert hash(image) == hash(Image(data=picture(3)))
    assert pickle.loads(pickle.dumps(image)).encoded() == picture(3)
    assert sample["caption"] == ["one", "two"]
    assert image.origin.endswith("0.tar:a.jpg")


def test_several_labels_are_named(tmp_path):
    shard(
        tmp_path / "0.tar",
        {"a.webp": picture(), "a.npy": npy(1, 0, 1), "b.webp": picture(), "b.npy": npy(0, 0, 0)},
    )
    (tmp_path / "classnames.txt").write_text("cat\ndog\nbird\n")
    assert [s["labels"] for s in WebDataset(str(tmp_path)).rows()] == [["cat", "bird"], []]


def test_equal_names_in_different_folders_are_different_samples(tmp_path):
    members = {"x/a.png": picture(1), "x/a.cls": b"0", "y/a.png": picture(2), "y/a.cls": b"1"}
    shard(tmp_path / "0.tar", {f"./{name}": data for name, data in members.items()})
    found = [(s.id, s["label"]) for s in WebDataset(str(tmp_path)).rows()]
    assert found == [("x/a", "0"), ("y/a", "1")]


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"a.cls": b"0"}, "0.tar:a has no image, only cls"),
        ({"a.png": b"", "a.cls": b"cat"}, "index of a class .got 'cat'."),
        ({"a.png": b"", "a.cls": b"2"}, "class 2 has no name: .*names 2 classes"),
        ({"a.png": b"", "a.npy": b"nothing"}, "0.tar:a: "),
        ({"a.png": b"", "a.npy": npy(0.5)}, "1 for each label"),
        ({"a.png": b"", "a.txt": b"\n"}, "no caption"),
        ({"a.png": b"", "a.txt": b"\xff\xfe\xff"}, "0.tar:a: "),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_sample_costs_that_sample(tmp_path, members, message):
    shard(tmp_path / "0.tar", {**members, "b.png": picture(), "b.cls": b"1"})
    (tmp_path / "classnames.txt").write_text("cat\ndog\n")
    broken, whole = WebDataset(str(tmp_path)).rows()
    assert re.search(message, broken.broken)
    assert whole["label"] == "dog"


def test_a_missing_shard_is_refused(tmp_path):
    shard(tmp_path / "test" / "0.tar", {"a.png": picture()})
    (tmp_path / "test" / "nshards.txt").write_text("2")
    with pytest.raises(DataError, match="1.tar does not exist"):
        WebDataset(str(tmp_path)).check()


def test_a_missing_split_shows_what_there_is(tmp_path):
    shard(tmp_path / "test" / "0.tar", {"a.png": picture()})
    with pytest.raises(DataError, match="train does not exist.*test"):
        WebDataset(str(tmp_path), split="train").check()


@pytest.mark.parametrize("text", ["", "0", "many"])
def test_a_number_of_shards_that_is_none_is_refused(tmp_path, text):
    (tmp_path / "test").mkdir()
    (tmp_path / "test" / "nshards.txt").write_text(text)
    with pytest.raises(DataError, match=r"nshards.txt:1:1"):
        WebDataset(str(tmp_path)).check()


def test_broken_compressed_and_empty_archives_are_refused(tmp_path):
    shard(tmp_path / "whole.tar", {"a.png": picture(), "b.png": bytes(3000)})
    (tmp_path / "cut.tar").write_bytes((tmp_path / "whole.tar").read_bytes()[:2000])
    shard(tmp_path / "packed.tar", {"a.png": picture()}, mode="w:gz")
    (tmp_path / "text.tar").write_text("no archive at all" * 100)
    shard(tmp_path / "empty.tar", {})
    for name, message in (("packed", "plain tar"), ("text", "plain tar"), ("empty", "no sample")):
        with pytest.raises(DataError, match=message):
            WebDataset(str(tmp_path / f"{name}.tar")).check()
    with pytest.raises(DataError, match="is cut"):
        WebDataset(str(tmp_path / "cut.tar")).count()


def test_a_cut_image_is_unreadable_media(tmp_path):
    path = tmp_path / "0.tar"
    path.write_bytes(b"123")
    with pytest.raises(MediaError, match="0.tar:a.png is cut: 3 of 9"):
        ArchivedImage(path=path, offset=0, size=9, name="a.png").load()
