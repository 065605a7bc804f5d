"""Pictures with texts, in upstream's own formats, written here small and read from real files."""

from __future__ import annotations

import io
import json
import tarfile

import numpy as np
import pytest
from PIL import Image as pillow  # noqa: N813

from evalsuite import DataError
from evalsuite_sources.picture_texts import Aro, CocoCaptions, Nlvr, SugarCrepe
from evalsuite_sources.web_dataset import WebDataset


def png(level: int, size: tuple[int, int] = (6, 4)) -> bytes:
    buffer = io.BytesIO()
    pillow.new("RGB", size, (level, level, level)).save(buffer, format="PNG")
    return buffer.getvalue()


@pytest.fixture
def folder(tmp_path):
    for name, level in (("a.png", 10), ("b.png", 20)):
        (tmp_path / name).write_bytes(png(level))
    return tmp_path


def written(folder, name: str, document) -> str:
    path = folder / name
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return str(path)


COCO = {
    "images": [{"id": 7, "file_name": "a.png"}, {"id": 8, "file_name": "b.png"}],
    "annotations": [
        {"image_id": 8, "id": 0, "caption": "second "},
        *({"image_id": 7, "id": i, "caption": f"caption {i}"} for i in range(1, 8)),
    ],
}
KARPATHY = {
    "images": [
        {"filename": "a.png", "split": "test", "imgid": 0, "sentences": [{"raw": "one"}, {"raw": "two"}]},
        {"filename": "b.png", "split": "train", "imgid": 1, "sentences": [{"raw": "three"}]},
    ]
}  # fmt: skip


def test_coco_gathers_the_first_captions_of_each_picture(folder):
    path = written(folder, "captions.json", COCO)
    first, second = CocoCaptions(path).rows()
    assert first["caption"] == [f"caption {i}" for i in range(1, 6)]  # five of seven
    assert second["caption"] == ["second"]
    assert first["image"].load().getpixel((0, 0)) == (10, 10, 10)
    assert len(next(CocoCaptions(path, captions_per_image=0).rows())["caption"]) == 7


def test_karpathys_split_is_kept(folder):
    source = CocoCaptions(written(folder, "dataset_flickr30k.json", KARPATHY), split="test")
    source.check()
    (sample,) = source.rows()
    assert (sample.id, sample["caption"]) == ("0", ["one", "two"])


def test_sugarcrepe_is_of_its_files_kind(folder):
    rows = {"0": {"filename": "a.png", "caption": "c", "negative_caption": "n"}}
    (sample,) = SugarCrepe(written(folder, "swap_att.json", rows)).rows()
    assert (sample["kind"], sample["false_captions"]) == ("swap_att", ["n"])


def test_aro_is_cut_to_its_box(folder):
    scene = np.zeros((8, 10, 3), np.uint8)
    scene[2:5, 3:7] = 200
    pillow.fromarray(scene).save(folder / "scene.png")
    box = {"bbox_x": 3, "bbox_y": 2, "bbox_w": 4, "bbox_h": 3}
    row = {"image_path": "scene.png", "true_caption": "t", "false_caption": "f", **box}
    path = written(folder, "relation.json", [{**row, "relation_name": "on"}])
    (sample,) = Aro(path).rows()
    pixels = np.asarray(sample["image"].load())
    assert pixels.shape == (3, 4, 3)
    assert (pixels == 200).all()
    assert sample["kind"] == "on"


def test_a_missing_picture_is_a_broken_sample_and_all_missing_an_error(folder):
    (folder / "b.png").unlink()
    path = written(folder, "captions.json", COCO)
    assert [bool(sample.broken) for sample in CocoCaptions(path).rows()] == [False, True]
    (folder / "a.png").unlink()
    with pytest.raises(DataError, match="Not one picture"):
        CocoCaptions(path).check()


@pytest.mark.parametrize("source", [CocoCaptions, SugarCrepe, Aro])
def test_another_format_is_named(folder, source):
    with pytest.raises(DataError, match="is not what it is read as"):
        source(written(folder, "x.json", [["no"]])).check()
    with pytest.raises(DataError, match=r"x\.json:1:2: not JSON"):
        source(written(folder, "x.json", "{no")).check()


def test_nlvr_reads_upstreams_files(data):
    source = Nlvr(str(data / "nlvr_dev" / "dev.json"))
    source.check()
    rows = list(source.rows())
    assert len(rows) == 989
    assert not any(sample.broken for sample in rows)
    assert {sample["label"] for sample in rows} == {"true", "false"}
    assert rows[0]["image"].load().mode == "RGB"


# ------------------------------------------------------------------------------------------------
# Shards
# ------------------------------------------------------------------------------------------------


def shard(path, members: dict[str, bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def flags(*values: int) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.array(values))
    return buffer.getvalue()


@pytest.fixture
def shards(tmp_path):
    (tmp_path / "classnames.txt").write_text("cat\ndog\nbird\n")
    shard(
        tmp_path / "test" / "0.tar",
        {"s0.png": png(1), "s0.cls": b"2", "s1.cls": b"0", "s1.webp": png(2)},
    )
    shard(
        tmp_path / "test" / "1.tar",
        {"s2.jpg": png(3), "s2.npy": flags(1, 0, 1), "s2.txt": b"one\ntwo\n"},
    )
    (tmp_path / "test" / "nshards.txt").write_text("2")
    return tmp_path


def test_shards_give_labels_and_captions(shards):
    source = WebDataset(str(shards))
    source.check()
    first, second, third = source.rows()
    assert (first["label"], second["label"]) == ("bird", "cat")
    assert third["labels"] == ["cat", "bird"]
    assert third["caption"] == ["one", "two"]
    assert first["image"].load().getpixel((0, 0)) == (1, 1, 1)
    assert source.count() == 3


def test_a_key_without_a_picture_is_a_broken_sample(shards):
    shard(shards / "test" / "1.tar", {"x.cls": b"1"})
    assert list(WebDataset(str(shards)).rows())[2].broken == "no picture among cls"


def test_a_label_out_of_range_is_a_broken_sample(shards):
    shard(shards / "test" / "1.tar", {"x.png": png(1), "x.cls": b"9"})
    assert "label" in list(WebDataset(str(shards)).rows())[2].broken


def test_a_missing_shard_and_a_missing_split_are_named(shards):
    (shards / "test" / "1.tar").unlink()
    with pytest.raises(DataError, match=r"1\.tar does not exist"):
        list(WebDataset(str(shards)).rows())
    with pytest.raises(DataError, match="has no shard train/0.tar; its splits are: test"):
        WebDataset(str(shards), split="train").check()


def test_a_damaged_shard_is_named(shards):
    (shards / "test" / "0.tar").write_bytes(b"no tar file" * 100)
    with pytest.raises(DataError, match="cannot be read as a tar file"):
        list(WebDataset(str(shards)).rows())
