"""Sources: rows in order, media undecoded, and mistakes said with their place."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from evalsuite import Audio, DataError, Image
from evalsuite_sources.folders import AudioFolder, ImageFolder
from evalsuite_sources.hub import HuggingFace
from evalsuite_sources.idx import Idx
from evalsuite_sources.tables import Csv, JsonLines, Parquet


def picture(value: int = 0) -> bytes:
    return Image.from_array(np.full((4, 4, 3), value, np.uint8)).encoded()


def test_csv_rows_come_in_order_with_ids(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('name,text\nx,"one, two"\ny,three\n')
    samples = list(Csv(str(path), id="name").rows())
    assert [(s.id, s["text"]) for s in samples] == [("x", "one, two"), ("y", "three")]


def test_tsv_is_read_by_its_suffix(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("a\tb\n1\t2\n")
    assert next(Csv(str(path)).rows())["b"] == "2"


def test_where_keeps_matching_rows(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("kind,n\na,1\nb,2\na,3\n")
    source = Csv(str(path), where={"kind": "a"})
    assert (source.count(), [s["n"] for s in source.rows()]) == (2, ["1", "3"])


def test_a_short_row_names_its_line(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n3\n")
    with pytest.raises(DataError, match=r"a.csv:3"):
        list(Csv(str(path)).rows())


def test_bad_json_names_line_and_column(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n{"a": }\n')
    with pytest.raises(DataError, match=r"a.jsonl:2:7"):
        list(JsonLines(str(path)).rows())


def test_a_missing_file_shows_what_is_beside_it(tmp_path):
    (tmp_path / "b.csv").write_text("x\n")
    with pytest.raises(DataError, match="does not exist.*b.csv"):
        Csv(str(tmp_path / "a.csv")).check()


def test_a_missing_column_names_the_columns(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="'a', 'b'"):
        Csv(str(path), id="c").check()


def test_a_missing_picture_is_a_broken_sample(tmp_path):
    path = tmp_path / "a.csv"
    (tmp_path / "x.png").write_bytes(picture())
    path.write_text("file\nx.png\ngone.png\n")
    samples = list(Csv(str(path), image="file").rows())
    assert samples[0]["image"] == Image(data=picture())
    assert "gone.png" in samples[1].broken


def test_parquet_holds_media_as_bytes(tmp_path):
    import pyarrow as arrow
    import pyarrow.parquet as parquet

    path = tmp_path / "a.parquet"
    rows = [{"picture": {"bytes": picture(), "path": None}, "n": 1}]
    parquet.write_table(arrow.Table.from_pylist(rows), path)
    (sample,) = Parquet(str(path), image="picture").rows()
    assert sample["image"] == Image(data=picture())


def test_folders_name_the_class(tmp_path):
    for number, name in enumerate(("001 - Dog bark", "002 - Rain")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.png").write_bytes(picture(number))
    assert [s["label"] for s in ImageFolder(str(tmp_path)).rows()] == ["Dog bark", "Rain"]


def test_texts_beside_clips_are_their_transcripts(tmp_path):
    clip = Audio.from_array(np.zeros(8, np.float32), 8000)
    (tmp_path / "3_anna_0.wav").write_bytes(clip.encoded())
    (tmp_path / "3_anna_0.txt").write_text("three\n")
    (sample,) = AudioFolder(str(tmp_path), pattern=r"(?P<digit>\d)_(?P<speaker>\w+)_\d").rows()
    assert (sample["text"], sample["speaker"], sample["digit"]) == ("three", "anna", "3")


def test_an_empty_folder_says_what_was_looked_for(tmp_path):
    with pytest.raises(DataError, match=r"\.png"):
        ImageFolder(str(tmp_path)).check()


def idx(path, array):
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    path.write_bytes(gzip.compress(header + array.astype(np.uint8).tobytes()))
    return str(path)


def test_idx_images_and_labels_are_paired(tmp_path):
    images = idx(tmp_path / "images.gz", np.arange(32).reshape(2, 4, 4))
    labels = idx(tmp_path / "labels.gz", np.array([1, 0]))
    source = Idx(images, labels, names=("no", "yes"))
    source.check()
    samples = list(source.rows())
    assert [s["label"] for s in samples] == ["yes", "no"]
    assert np.asarray(samples[1]["image"].load())[0, 0, 0] == 16


def test_a_truncated_idx_file_says_so(tmp_path):
    path = tmp_path / "images"
    path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 9, 1, 2]))
    with pytest.raises(DataError, match="truncated"):
        Idx(str(path), str(path)).check()


def test_a_saved_dataset_is_read_with_its_label_names(tmp_path):
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog"])}
    )
    rows = {"image": [{"bytes": picture(7), "path": None}], "label": [1]}
    datasets.Dataset.from_dict(rows, features=features).save_to_disk(str(tmp_path / "saved"))
    source = HuggingFace(str(tmp_path / "saved"))
    source.check()
    (sample,) = source.rows()
    assert (sample["label"], sample["image"]) == ("dog", Image(data=picture(7)))


def test_a_dataset_that_cannot_be_opened_says_which(tmp_path):
    pytest.importorskip("datasets")
    with pytest.raises(DataError, match="nobody/nothing"):
        HuggingFace("nobody/nothing").check()


@pytest.mark.parametrize(
    ("source", "count"),
    [
        (lambda d: Csv(str(d / "crows_pairs" / "crows_pairs_anonymized.csv")), 1508),
        (lambda d: AudioFolder(str(d / "esc10_fold1")), 80),
        (lambda d: AudioFolder(str(d / "fleurs_fixtures"), pattern="^fleurs-en-"), 10),
    ],
)
def test_published_data_are_read(data, source, count):
    made = source(data)
    made.check()
    assert made.count() == count
    assert all(sample.broken is None for sample in made.rows())


# ------------------------------------------------------------------------------------------------
# Benchmarks as the hub lays them out
# ------------------------------------------------------------------------------------------------

HUB_ROWS = {
    "arc": {
        "id": "Mercury_1",
        "question": "Which is warm?",
        "choices": {"text": ["ice", "fire"], "label": ["A", "B"]},
        "answerKey": "B",
    },
    "squad": {
        "id": "q1",
        "title": "t",
        "context": "The house is old.",
        "question": "What is old?",
        "answers": {"text": ["The house", "house"], "answer_start": [0, 4]},
    },
    "truthfulqa": {
        "category": "Myths",
        "question": "Is the moon cheese?",
        "best_answer": "No",
        "correct_answers": ["No", "It is rock"],
        "incorrect_answers": ["Yes"],
    },
}


@pytest.mark.parametrize(
    ("layout", "field", "value"),
    [
        ("arc", "answer", 1),
        ("arc", "choices", ["ice", "fire"]),
        ("squad", "answers", ["The house", "house"]),
        ("squad", "is_impossible", False),
        ("truthfulqa", "all_choices", ["No", "It is rock", "Yes"]),
        ("truthfulqa", "all_labels", [1, 1, 0]),
    ],
)
def test_the_hubs_layout_gives_the_fields_of_our_readers(layout, field, value, tmp_path):
    datasets = pytest.importorskip("datasets")
    datasets.Dataset.from_list([HUB_ROWS[layout]]).save_to_disk(tmp_path / "saved")
    source = HuggingFace(str(tmp_path / "saved"), layout=layout)
    source.check()
    (sample,) = source.rows()
    assert sample[field] == value


def test_rows_of_another_layout_are_named(tmp_path):
    datasets = pytest.importorskip("datasets")
    datasets.Dataset.from_list([HUB_ROWS["arc"]]).save_to_disk(tmp_path / "saved")
    with pytest.raises(DataError, match="not laid out as squad.*its columns are: id, question"):
        HuggingFace(str(tmp_path / "saved"), layout="squad").check()
