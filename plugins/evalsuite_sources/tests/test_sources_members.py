"""Folders of members and non-members."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image as Pillow

from evalsuite import DataError, Image
from evalsuite_sources.members import MemberFolders


@pytest.fixture
def folder(tmp_path) -> Path:
    for side in ("in", "out"):
        (tmp_path / side / "deep").mkdir(parents=True)
        (tmp_path / side / "a.txt").write_text(f"{side} one\n{side} two\n")
        (tmp_path / side / "deep" / "b.jsonl").write_text(
            f'{{"text": "{side} three", "year": 3}}\n'
        )
    return tmp_path


def source(folder: Path, **options) -> MemberFolders:
    return MemberFolders(str(folder / "in"), str(folder / "out"), **options)


def test_a_file_is_a_text_and_sides_come_by_turns(folder):
    rows = list(source(folder).rows())
    assert [row.id for row in rows] == [
        "members/a.txt",
        "non-members/a.txt",
        "members/deep/b.jsonl#0",
        "non-members/deep/b.jsonl#0",
    ]
    assert [row["member"] for row in rows] == [True, False, True, False]
    assert rows[2]["text"] == "in three"
    assert rows[2]["year"] == 3
    assert source(folder).count() == 4


def test_lines_of_one_file_share_a_document(folder):
    rows = list(source(folder, split="line").rows())
    lines = [row for row in rows if row["document"] == "members/a"]
    assert [row["text"] for row in lines] == ["in one", "in two"]
    assert len({row.id for row in rows}) == len(rows) == 6


def test_a_row_is_a_document_unless_it_names_one(folder):
    rows = ['{"text": "one"}', '{"text": "two"}', '{"text": "three", "document": "book"}']
    (folder / "in" / "r.jsonl").write_text("\n".join(rows))
    found = {row["text"]: row["document"] for row in source(folder).rows()}
    assert found["one"] != found["two"]
    assert found["three"] == "book"


def test_images_have_the_text_beside_them(folder):
    for side in ("in", "out"):
        Pillow.new("RGB", (2, 2)).save(folder / side / "c.png")
        (folder / side / "c.txt").write_text("a dot")
    rows = list(source(folder, holds="images").rows())
    assert isinstance(rows[0]["image"], Image)
    assert [row["text"] for row in rows] == ["a dot", "a dot"]


def test_a_row_without_a_text_is_broken_and_not_dropped(folder):
    (folder / "in" / "z.jsonl").write_text('{"words": "none"}\n')
    broken = [row for row in source(folder).rows() if row.broken]
    assert len(broken) == 1
    assert "has no text; it has words" in broken[0].broken


def test_a_folder_without_such_files_is_refused(folder):
    with pytest.raises(DataError, match="holds no audio file"):
        source(folder, holds="clips").check()


def test_one_folder_for_both_is_refused(folder):
    with pytest.raises(ValueError, match="two folders"):
        MemberFolders(str(folder / "in"), str(folder / "in"))


def test_the_fingerprint_is_of_the_files(folder):
    before = source(folder).fingerprint()
    (folder / "out" / "a.txt").write_text("other")
    assert source(folder).fingerprint() != before


@pytest.fixture
def mixed(tmp_path):
    """Each side has a plain picture, one with a text, one of a person, and a text of its own."""
    for side in ("in", "out"):
        person = tmp_path / side / "Ada_Example"
        person.mkdir(parents=True)
        for path in (tmp_path / side / "plain.png", tmp_path / side / "told.png", person / "1.png"):
            Pillow.new("RGB", (4, 4)).save(path)
        (tmp_path / side / "told.txt").write_text(f"a caption of {side}")
        (tmp_path / side / "alone.txt").write_text(f"a text of {side}")
    return {"members_path": str(tmp_path / "in"), "non_members_path": str(tmp_path / "out")}


def test_one_folder_serves_texts_captioned_pictures_and_persons(mixed):
    def ids(**options):
        return [row.id for row in MemberFolders(**mixed, **options).rows()][::2]

    assert ids(optional=True) == ["members/alone.txt"]
    assert ids(holds="images", only_with="text") == ["members/told.png"]
    assert ids(holds="images", only_with="name") == ["members/Ada_Example/1.png"]
    assert len(ids(holds="images")) == 3
    (first, *_) = MemberFolders(**mixed, holds="images", only_with="name").rows()
    assert first["name"] == "Ada Example"


def test_folders_may_hold_none_of_a_kind_only_where_that_is_said_and_both_do(mixed, tmp_path):
    MemberFolders(**mixed, holds="clips", optional=True).check()
    with pytest.raises(DataError, match="holds no audio file"):
        MemberFolders(**mixed, holds="clips").check()
    (tmp_path / "out" / "told.txt").unlink()
    with pytest.raises(DataError, match="holds no image file with a text"):
        MemberFolders(**mixed, holds="images", only_with="text", optional=True).check()


def test_a_folder_kind_that_is_none_is_refused(mixed):
    with pytest.raises(ValueError, match="only_with must be text or name"):
        MemberFolders(**mixed, only_with="caption")


def test_texts_with_a_prompt_may_be_taken_alone(folder):
    rows = ['{"prompt": "ask", "text": "told"}', '{"text": "alone"}', '{"prompt": "ask"}']
    (folder / "in" / "p.jsonl").write_text("\n".join(rows))
    found = list(source(folder, only_with="prompt", optional=True).rows())
    assert [row.get("text") for row in found] == ["told", None]
    assert "has no text" in found[1].broken


def test_folders_without_prompts_hold_no_prompted_text(folder):
    assert source(folder, only_with="prompt", optional=True).count() == 0


@pytest.mark.parametrize(("holds", "other"), [("texts", "name"), ("clips", "prompt")])
def test_what_files_of_a_kind_cannot_have_is_refused(folder, holds, other):
    with pytest.raises(ValueError, match="only_with must be"):
        source(folder, holds=holds, only_with=other)
