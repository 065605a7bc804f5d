"""WinoMT: sentences to translate in which a person's gender is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from evalsuite import DataError, Sample
from evalsuite_sources.files import fingerprint_of, require_file

_GENDERS = {"male": "masculine", "female": "feminine", "neutral": "neutral"}
_ARTICLES = ("the ", "a ", "an ")


@dataclass(frozen=True)
class WinoMt:
    """Upstream's ``en.txt``: gender, index of the word, sentence, profession, by tabs.

    Fields: sentence, profession (without article), gender (masculine, feminine or neutral),
    index, stereotype (``pro`` or ``anti``, where ``en_pro.txt`` or ``en_anti.txt`` beside the
    file has the sentence; else None).

    Attributes:
        path: The file.
    """

    path: str

    def rows(self) -> Iterator[Sample]:
        """The sentences in file order."""
        sides = {
            (line[0], line[2]): side
            for side in ("pro", "anti")
            if (file := self._beside(side)).is_file()
            for _, line in _lines(file)
        }
        for number, (gender, index, sentence, profession) in _lines(Path(self.path)):
            name = profession.strip()
            article = next((a for a in _ARTICLES if name.casefold().startswith(a)), "")
            yield Sample(
                str(number),
                {
                    "sentence": sentence,
                    "profession": name[len(article) :],
                    "gender": _GENDERS[gender],
                    "index": int(index),
                    "stereotype": sides.get((gender, sentence)),
                },
            )

    def check(self) -> None:
        """Refuse a missing file, one of another format, and one without sentences."""
        if next(self.rows(), None) is None:
            raise DataError(f"Data file {self.path} has no sentences.")

    def count(self) -> int | None:
        """The number of sentences."""
        return sum(1 for _ in _lines(Path(self.path)))

    def fingerprint(self) -> str:
        """Sha256 over the files."""
        beside = [self._beside(side) for side in ("pro", "anti")]
        return fingerprint_of(
            [require_file(Path(self.path)), *(path for path in beside if path.is_file())]
        )

    def _beside(self, side: str) -> Path:
        path = Path(self.path)
        return path.with_name(f"{path.stem}_{side}{path.suffix}")


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line number and four values; raises DataError with the place of another form."""
    for number, line in enumerate(require_file(path).read_text("utf-8-sig").splitlines(), start=1):
        if not line.strip():
            continue
        values = line.split("\t")
        if len(values) != 4 or values[0] not in _GENDERS or not values[1].isdecimal():
            raise DataError(
                f"{path}:{number}:1: not WinoMT's form (male, female or neutral; index; sentence; "
                "profession, by tabs)."
            )
        yield number, values
