"""Template sentences with identity terms: both published layouts, a seeded draw, clear refusals."""

from __future__ import annotations

import pytest

from evalsuite import DataError
from evalsuite_sources.madlibs import Madlibs

ENGLISH = """Text,Label,Template
"praise tall",NOT_BAD,verb_adj
"scorn tall",BAD,verb_adj
"scorn very tall",BAD,verb_adj
"Ann is a very Tall",NOT_BAD,name_adj
"You are a rude baker",BAD,you_occupation
"""
CHINESE = """template,toxicity,phrase
am_identity,nontoxic,我是高人
am_identity,nontoxic,我是矮人
verb_identity,toxic,讨厌高人
"""


def written(tmp_path, text):
    path = tmp_path / "sentences.csv"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_terms_and_frames_come_from_the_file(tmp_path):
    rows = list(Madlibs(written(tmp_path, ENGLISH)).rows())
    assert [row["term"] for row in rows] == ["tall", "tall", "very tall", "very tall", ""]
    assert [row["frame"] for row in rows[:2]] == ["praise _", "scorn _"]
    assert rows[3]["frame"] == "Ann is a _"
    assert [row["label"] for row in rows] == [0, 1, 1, 0, 1]


def test_the_chinese_layout_has_terms_without_spaces(tmp_path):
    rows = list(Madlibs(written(tmp_path, CHINESE)).rows())
    assert [(row["term"], row["frame"], row["label"]) for row in rows] == [
        ("高人", "我是_", 0), ("矮人", "我是_", 0), ("高人", "讨厌_", 1),
    ]  # fmt: skip


def test_a_draw_is_seeded_and_keeps_the_order(tmp_path):
    path = written(tmp_path, ENGLISH)
    ids = [row.id for row in Madlibs(path, n=3, seed=1).rows()]
    assert ids == sorted(ids) == [row.id for row in Madlibs(path, n=3, seed=1).rows()]
    assert Madlibs(path, n=3).count() == len(ids) == 3


def test_an_unknown_label_is_a_broken_sample(tmp_path):
    text = ENGLISH + '"scorn tall",PERHAPS,verb_adj\n'
    assert "'PERHAPS' is none of" in list(Madlibs(written(tmp_path, text)).rows())[-1].broken


def test_another_file_is_refused_with_the_columns_that_are_legal(tmp_path):
    with pytest.raises(DataError, match="Text, Label, Template or phrase, toxicity, template"):
        Madlibs(written(tmp_path, "a,b\n1,2\n")).check()


def test_a_file_without_listed_terms_asks_for_them(tmp_path):
    path = written(tmp_path, 'Text,Label,Template\n"Ann is tall",BAD,name_adj\n')
    with pytest.raises(DataError, match="option `terms`"):
        Madlibs(path).check()
    assert next(Madlibs(path, terms=("tall",)).rows())["term"] == "tall"


def test_the_published_files_are_read_whole(data):
    folder = data / "madlibs_unintended_bias"
    if not folder.is_dir():
        pytest.skip("no madlibs here")
    english = Madlibs(str(folder / "bias_madlibs_77k.csv"))
    terms = [row["term"] for row in english.rows()]
    assert (len(terms), len(set(terms) - {""})) == (76_564, 50)
    assert {terms.count(term) for term in ("gay", "white", "middle aged")} == {1_514}
    chinese = Madlibs(str(folder / "zh-cn_sentence_templates.csv"))
    assert sum(row["term"] != "" for row in chinese.rows()) > 35_000
