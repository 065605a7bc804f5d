"""Text benchmarks in upstream's formats: small ones by hand, and the real files where they are."""

from __future__ import annotations

import gzip
import json

import pytest

from evalsuite import DataError
from evalsuite_sources.questions import Arc, HellaSwagText, Squad, TruthfulQa
from evalsuite_sources.texts import LabelledWords, ParallelLines, TextFile


@pytest.fixture
def written(tmp_path):
    def write(name: str, text: str) -> str:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


def squad(answers, **more) -> str:
    question = {"id": "q1", "question": "Who?", "answers": answers, **more}
    return json.dumps({"data": [{"paragraphs": [{"context": "Ann ran.", "qas": [question]}]}]})


def test_squad_gives_distinct_answers_with_their_place(written):
    answers = [{"text": "Ann", "answer_start": 0}, {"text": "Ann", "answer_start": 0}]
    (sample,) = Squad(written("a.json", squad(answers))).rows()
    assert (sample.id, sample["answers"], sample["answer_starts"]) == ("q1", ["Ann"], [0])
    assert sample["is_impossible"] is False


def test_squad_knows_questions_without_an_answer(written):
    (sample,) = Squad(written("a.json", squad([], is_impossible=True))).rows()
    assert sample["is_impossible"] is True


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"a.json:1:2: not JSON"),
        ('{"data": [{}]}', "SQuAD's format"),
        ('{"data": []}', "no qu"),
    ],
)
def test_other_files_are_refused(written, text, message):
    with pytest.raises(DataError, match=message):
        Squad(written("a.json", text)).check()


@pytest.mark.parametrize(
    "row",
    [
        {
            "id": "x",
            "question": {
                "stem": "Q",
                "choices": [{"text": "a", "label": "1"}, {"text": "b", "label": "2"}],
            },
            "answerKey": "2",
        },
        {
            "id": "x",
            "question": "Q",
            "choices": {"text": ["a", "b"], "label": ["A", "B"]},
            "answerKey": "B",
        },
        {
            "id": "x",
            "question": "Q",
            "options": [{"text": "a", "label": "A"}, {"text": "b", "label": "B"}],
            "answer": "B",
        },
    ],
)
def test_arc_reads_its_three_forms(written, row):
    (sample,) = Arc(written("a.jsonl", json.dumps(row))).rows()
    assert (sample["question"], sample["choices"], sample["answer"]) == ("Q", ["a", "b"], 1)


def test_an_arc_question_whose_key_is_no_option_is_broken(written):
    row = {"id": "x", "question": "Q", "options": [{"text": "a", "label": "A"}], "answer": "B"}
    (sample,) = Arc(written("a.jsonl", json.dumps(row))).rows()
    assert "ARC" in sample.broken


def test_hellaswag_takes_six_lines(written):
    text = "Cooking: He stirs. he\n2\na.\nb.\nc.\nd.\n"
    (sample,) = HellaSwagText(written("a.txt", text)).rows()
    assert (sample["activity"], sample["answer"], sample["choices"][2]) == ("Cooking", 2, "c.")
    with pytest.raises(DataError, match="has 7 lines"):
        HellaSwagText(written("b.txt", text + "more\n")).check()
    with pytest.raises(DataError, match=r"b.txt:2: .*0 to 3"):
        HellaSwagText(written("b.txt", text.replace("2\n", "two\n"))).check()


def test_truthfulqa_separates_right_from_wrong(written):
    head = "Type,Category,Question,Best Answer,Correct Answers,Incorrect Answers\n"
    path = written("a.csv", head + "A,Law,Is it?,No,Not at all; No,Yes; Of course\n")
    (sample,) = TruthfulQa(path).rows()
    assert sample["choices"] == ["No", "Yes", "Of course"]
    assert sample["all_choices"] == ["No", "Not at all", "Yes", "Of course"]
    assert sample["all_labels"] == [1, 1, 0, 0]
    with pytest.raises(DataError, match="no column 'Category'"):
        TruthfulQa(written("b.csv", "a,b\n1,2\n")).check()


@pytest.mark.parametrize(
    ("split", "documents"),
    [
        ("file", [" = A = \none\n\ntwo\n = B = \nthree"]),
        ("line", [" = A = ", "one", "two", " = B = ", "three"]),
        ("paragraph", [" = A = \none", "\ntwo\n = B = \nthree"]),
        ("article", [" = A = \none\n\ntwo", " = B = \nthree"]),
    ],
)
def test_a_text_is_cut_as_asked(written, split, documents):
    path = written("a.txt", " = A = \none\n\ntwo\n = B = \nthree\n")
    assert [sample["text"] for sample in TextFile(path, split).rows()] == documents


def test_parallel_files_may_be_compressed_and_must_be_equally_long(written, tmp_path):
    other = tmp_path / "b.gz"
    with gzip.open(other, "wt") as stream:
        stream.write("eins\nzwei\n")
    first, second = ParallelLines(written("a.txt", "one\ntwo\n"), str(other)).rows()
    assert (second["source"], second["targets"]) == ("two", ["zwei"])
    assert first.id == "0"
    with pytest.raises(DataError, match=r"has 1, .* has 2"):
        ParallelLines(written("c.txt", "one\n"), str(other)).check()


def test_conll_and_conll_u_give_words_and_labels(written):
    ner = written("a.conll", "-DOCSTART- -X- O\n\nAnn NNP B-PER\nran VBD O\n\nOslo NNP B-LOC\n")
    first, second = LabelledWords(ner).rows()
    assert (first["words"], first["labels"]) == (["Ann", "ran"], ["B-PER", "O"])
    assert second["words"] == ["Oslo"]
    pos = written("b.conllu", "# s\n1-2\tdel\t_\t_\n1\tde\tde\tADP\n2\tel\tel\tDET\n")
    (sample,) = LabelledWords(pos, word_column=1, label_column=3, delimiter="\t").rows()
    assert (sample["words"], sample["labels"]) == (["de", "el"], ["ADP", "DET"])
    with pytest.raises(DataError, match=r"c.conll:1: the line has 1 columns"):
        LabelledWords(written("c.conll", "word\n")).check()


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("xquad/xquad.en.json", 1190),
        ("xquad/xquad.zh.json", 1190),
        ("cmrc2018/cmrc2018_trial.json", 1002),
    ],
)
def test_real_answers_stand_where_they_are_said_to(data, name, count):
    samples = list(Squad(str(data / name)).rows())
    assert len(samples) == count
    places = [
        (sample, text, start)
        for sample in samples
        for text, start in zip(sample["answers"], sample["answer_starts"])
    ]
    found = sum(
        sample["context"][start : start + len(text)] == text for sample, text, start in places
    )
    assert found / len(places) > 0.95  # CMRC has some wrong offsets of its own


def test_real_multiple_choice_files_are_read_whole(data):
    arc = list(Arc(str(data / "arc_challenge/arc_challenge_test.jsonl")).rows())
    assert len(arc) == 1172
    assert not any(sample.broken for sample in arc)
    swag = list(HellaSwagText(str(data / "hellaswag/hellaswag_val_first2000.txt")).rows())
    assert len(swag) == 2000
    truthful = list(TruthfulQa(str(data / "truthfulqa/TruthfulQA.csv")).rows())
    assert len(truthful) == 817
    assert all(len(sample["choices"]) > 1 for sample in truthful)
