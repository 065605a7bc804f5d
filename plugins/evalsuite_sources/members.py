"""Folders of members and non-members of a model's training data: texts, images or clips."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal

from evalsuite import Audio, DataError, Image, Sample
from evalsuite_sources.files import fingerprint_of, require_folder
from evalsuite_sources.folders import AudioFolder, ImageFolder
from evalsuite_sources.tables import JsonLines
from evalsuite_sources.texts import TextFile

_TEXTS = frozenset({".txt"})
_ROWS = frozenset({".jsonl", ".ndjson"})
_KINDS = {"texts": "text", "images": "image", "clips": "audio"}


@dataclass(frozen=True)
class MemberFolders:
    """Two folders of files, told apart by the field ``member``.

    Texts are ``.txt`` files (see ``split``) and ``.jsonl`` files, a row each with a ``text``, and
    perhaps the ``prompt`` that it was written to (a question, a text to translate or to sum up);
    images and clips may have a ``.txt`` of the same name, their ``text``; one that lies in a folder
    of its own within the side's has that folder's name as ``name``. Fields: what the files hold,
    ``member``, and ``document``, the file's path without its ending; a row is a document of its
    own, unless it names another.

    Attributes:
        members_path: Folder of samples that the model was trained on.
        non_members_path: Folder of samples that it was not trained on, drawn from the same pool:
            of the same dates, topics, lengths and formats.
        holds: ``texts``, ``images`` or ``clips``.
        split: How a ``.txt`` of texts is cut: ``file``, ``line``, ``paragraph`` or ``article``.
        only_with: ``text`` or ``name``: images or clips that have it, the others left out;
            ``prompt``: texts that have one.
        optional: Whether the folders may hold none; probes are then not applicable to them.
    """

    members_path: str
    non_members_path: str
    holds: Literal["texts", "images", "clips"] = "texts"
    split: Literal["file", "line", "paragraph", "article"] = "file"
    only_with: Literal["", "text", "name", "prompt"] = ""
    optional: bool = False

    def __post_init__(self) -> None:
        """Refuse another kind of files, and one folder for both."""
        if self.holds not in _KINDS:
            raise ValueError(f"holds must be texts, images or clips (got {self.holds!r})")
        allowed = ("prompt",) if self.holds == "texts" else ("text", "name")
        if self.only_with not in ("", *allowed):
            raise ValueError(
                "only_with must be text or name for images and clips, and prompt for texts "
                f"(got {self.only_with!r} for {self.holds})"
            )
        if Path(self.members_path).resolve() == Path(self.non_members_path).resolve():
            raise ValueError("members_path and non_members_path must be two folders")

    def rows(self) -> Iterator[Sample]:
        """Members and non-members by turns, so that a limited run has both; each side by path."""
        sides = [self._side(*side) for side in self._sides()]
        for pair in zip_longest(*sides):
            yield from (sample for sample in pair if sample is not None)

    def _side(self, side: str, root: Path, is_member: bool) -> Iterator[Sample]:
        """The samples of one folder; ids begin with the side."""
        for path in self._files(root):
            document = f"{side}/{path.relative_to(root).with_suffix('')}"
            for place, sample in self._samples(path, root):
                name = f"{side}/{path.relative_to(root)}{place}"
                own = name if path.suffix.lower() in _ROWS else document
                told = {"document": own, **sample.fields, "member": is_member}
                yield Sample(name, {} if sample.broken else told, sample.broken)

    def check(self) -> None:
        """Refuse a missing folder, and one without a file of the kind where there must be some."""
        roots = [root for _, root, _ in self._sides()]
        for root in roots:
            require_folder(root)
        empty = [root for root in roots if not self._files(root)]
        # Any row may lack a prompt, so that files of rows do not say whether there are some.
        may_lack = self.only_with == "prompt" or len(empty) == len(roots)
        if empty and not (self.optional and may_lack):
            kept = f" with a {self.only_with}" if self.only_with else ""
            raise DataError(
                f"Data folder {empty[0]} holds no {_KINDS[self.holds]} file{kept} (looked for "
                f"{', '.join(sorted(self._suffixes()))}). Say with `holds: texts`, `images` or "
                "`clips` what the folders of members and non-members hold."
            )

    def count(self) -> int | None:
        """The number of samples; of texts only by reading them."""
        if self.holds == "texts":
            return sum(1 for _ in self.rows())
        return sum(len(self._files(root)) for _, root, _ in self._sides())

    def fingerprint(self) -> str:
        """Sha256 over all files, members first."""
        return fingerprint_of(path for _, root, _ in self._sides() for path in self._files(root))

    def _sides(self) -> Iterator[tuple[str, Path, bool]]:
        yield "members", Path(self.members_path), True
        yield "non-members", Path(self.non_members_path), False

    def _suffixes(self) -> frozenset[str]:
        if self.holds == "texts":
            return _ROWS if self.only_with == "prompt" else _TEXTS | _ROWS
        return ImageFolder.suffixes if self.holds == "images" else AudioFolder.suffixes

    def _files(self, root: Path) -> list[Path]:
        """The files that count.

        Where a folder may hold anything, a text beside an image or a clip is none of its own.
        """
        found = [path for path in root.rglob("*") if path.is_file()]
        own = [path for path in found if path.suffix.lower() in self._suffixes()]
        if self.holds == "texts" and self.optional:
            media = ImageFolder.suffixes | AudioFolder.suffixes
            taken = {p.with_suffix(".txt") for p in found if p.suffix.lower() in media}
            own = [path for path in own if path not in taken]
        elif self.only_with == "text":
            own = [path for path in own if path.with_suffix(".txt").is_file()]
        elif self.only_with == "name":
            own = [path for path in own if path.parent != root]
        return sorted(own)

    def _samples(self, path: Path, root: Path) -> Iterator[tuple[str, Sample]]:
        """The samples of a file, each with what its id ends with."""
        if self.holds != "texts":
            yield "", Sample("", _medium(path, root, self.holds))
        elif path.suffix.lower() in _ROWS:
            for row in JsonLines(str(path)).rows():
                if self.only_with != "prompt" or row.get("prompt"):
                    yield f"#{row.id}", _with_text(row, path)
        else:
            for row in TextFile(str(path), self.split).rows():
                yield "" if self.split == "file" else f"#{row.id}", row


def _medium(path: Path, root: Path, holds: str) -> dict[str, Any]:
    """An image or a clip, with the text beside it and the name of its folder."""
    part = Image(path=path) if holds == "images" else Audio(path=path)
    fields: dict[str, Any] = {_KINDS[holds]: part}
    if path.parent != root:
        fields["name"] = path.parent.name.replace("_", " ")
    beside = path.with_suffix(".txt")
    if beside.is_file():
        fields["text"] = beside.read_text(encoding="utf-8").strip()
    return fields


def _with_text(row: Sample, path: Path) -> Sample:
    """A row that has a text; without one it is broken."""
    if row.broken is None and not isinstance(row.get("text"), str):
        named = ", ".join(sorted(row.fields)) or "nothing"
        return Sample(row.id, {}, f"{path}: row {row.id} has no text; it has {named}")
    return row
