"""Plain text: documents of a corpus, lines of a translation, and labelled words."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from evalsuite import DataError, Sample
from evalsuite_sources.files import fingerprint_of, require_file

# A heading of the first order in WikiText: " = Title = ".
_HEADING = re.compile(r"^ = [^=].* = $")


def lines_of(path: Path) -> list[str]:
    """The lines of a UTF-8 file, plain or .gz, without their ends."""
    require_file(path)
    try:
        if path.suffix == ".gz":
            with gzip.open(path, "rt", encoding="utf-8-sig") as stream:
                text = stream.read()
        else:
            text = path.read_text(encoding="utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise DataError(f"Data file {path} is not readable as UTF-8 text: {error}.") from error
    return text.split("\n")[:-1] if text.endswith("\n") else text.split("\n")


@dataclass(frozen=True)
class TextFile:
    """A text file cut into documents, each in the field ``text``.

    Attributes:
        path: The file, plain or .gz.
        split: ``file`` is one document; ``line``, ``paragraph`` (between blank lines) or
            ``article`` (WikiText's headings) make several. Blank ones are left out.
    """

    path: str
    split: Literal["file", "line", "paragraph", "article"] = "file"

    def __post_init__(self) -> None:
        """Refuse another way to cut."""
        if self.split not in ("file", "line", "paragraph", "article"):
            raise ValueError(f"split must be file, line, paragraph or article (got {self.split!r})")

    def rows(self) -> Iterator[Sample]:
        """The documents in file order, numbered."""
        documents = ("\n".join(lines) for lines in self._pieces(lines_of(Path(self.path))))
        kept = (document for document in documents if document.strip())
        for number, document in enumerate(kept):
            yield Sample(str(number), {"text": document})

    def check(self) -> None:
        """Refuse a missing or blank file."""
        if next(self.rows(), None) is None:
            raise DataError(f"Data file {self.path} holds no text.")

    def count(self) -> int | None:
        """The number of documents."""
        return sum(1 for _ in self.rows())

    def fingerprint(self) -> str:
        """Sha256 of the file."""
        return fingerprint_of([Path(self.path)])

    def _pieces(self, lines: Sequence[str]) -> Iterator[list[str]]:
        if self.split == "file":
            yield list(lines)
            return
        piece: list[str] = []
        for line in lines:
            begins = self.split == "article" and _HEADING.match(line)
            if self.split == "line" or begins or (self.split == "paragraph" and not line.strip()):
                yield piece
                piece = []
            piece.append(line)
        yield piece


@dataclass(frozen=True)
class ParallelLines:
    """Sentences and their translations in files of equally many lines.

    Fields: source, target (the first translation), targets (all of them).

    Attributes:
        path: File of the sources, plain or .gz.
        target_path: File of the translations.
        more_target_paths: Files of further reference translations.
    """

    path: str
    target_path: str
    more_target_paths: tuple[str, ...] = ()

    def rows(self) -> Iterator[Sample]:
        """A sample for each line."""
        columns = [lines_of(path) for path in self._paths()]
        lengths = {str(path): len(lines) for path, lines in zip(self._paths(), columns)}
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"{path} has {n}" for path, n in lengths.items())
            raise DataError(f"Parallel files must have equally many lines: {told}.")
        for number, (source, *targets) in enumerate(zip(*columns)):
            yield Sample(
                str(number), {"source": source, "target": targets[0], "targets": list(targets)}
            )

    def check(self) -> None:
        """Refuse missing files, and files of unequal length."""
        if next(self.rows(), None) is None:
            raise DataError(f"Data file {self.path} has no lines.")

    def count(self) -> int | None:
        """The number of lines."""
        return len(lines_of(Path(self.path)))

    def fingerprint(self) -> str:
        """Sha256 of the files."""
        return fingerprint_of(self._paths())

    def _paths(self) -> list[Path]:
        return [Path(path) for path in (self.path, self.target_path, *self.more_target_paths)]


@dataclass(frozen=True)
class LabelledWords:
    """Sentences as a word a line with its label, blank lines between them (CoNLL's formats).

    Fields: words, labels. Comments (``#``), document marks and CoNLL-U's ranges of words are left
    out.

    Attributes:
        path: The file.
        word_column: Which column holds the word, from 0.
        label_column: Which holds the label; negative counts from the end.
        delimiter: Between columns; any white space without it (CoNLL-U needs a tab).
    """

    path: str
    word_column: int = 0
    label_column: int = -1
    delimiter: str | None = None

    def rows(self) -> Iterator[Sample]:
        """The sentences in file order."""
        words: list[str] = []
        labels: list[str] = []
        count = 0
        for number, line in enumerate([*lines_of(Path(self.path)), ""], start=1):
            columns = line.split(self.delimiter)
            if not line.strip():
                if words:
                    yield Sample(str(count), {"words": words, "labels": labels})
                    words, labels, count = [], [], count + 1
            elif not line.startswith(("#", "-DOCSTART-")) and not _is_range(columns[0]):
                words.append(self._column(columns, self.word_column, number))
                labels.append(self._column(columns, self.label_column, number))

    def check(self) -> None:
        """Refuse a missing file, and one without sentences."""
        if next(self.rows(), None) is None:
            raise DataError(f"Data file {self.path} has no sentences.")

    def count(self) -> int | None:
        """The number of sentences."""
        return sum(1 for _ in self.rows())

    def fingerprint(self) -> str:
        """Sha256 of the file."""
        return fingerprint_of([Path(self.path)])

    def _column(self, columns: Sequence[str], index: int, number: int) -> str:
        if not -len(columns) <= index < len(columns) or len(columns) < 2:
            raise DataError(
                f"{self.path}:{number}: the line has {len(columns)} columns, and column {index} "
                "was asked for; set word_column, label_column and delimiter."
            )
        return columns[index]


def _is_range(first: str) -> bool:
    """CoNLL-U's ids of contracted words (1-2) and of empty nodes (1.1)."""
    return bool(re.fullmatch(r"\d+[-.]\d+", first))
