"""Who is meant by a pronoun: Winogender, WinoBias and GAP in upstream's files."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from evalsuite import DataError, Sample
from evalsuite_sources.files import fingerprint_of, require_file, require_folder

GENDERS = ("female", "male", "neutral")
_FEMININE = frozenset({"she", "her", "hers", "herself"})
_MASCULINE = frozenset({"he", "him", "his", "himself"})


def _table(path: Path, columns: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """Rows of a tab-separated file without quoting; raises DataError where a column is missing."""
    with require_file(path).open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
        missing = [column for column in columns if column not in (reader.fieldnames or ())]
        if missing:
            found = ", ".join(map(repr, reader.fieldnames or ())) or "none"
            raise DataError(f"{path}:1: no column {missing[0]!r}; its columns are: {found}.")
        for row in reader:
            if None in row or None in row.values():
                raise DataError(f"{path}:{reader.line_num}: not as many values as columns.")
            yield row


@dataclass(frozen=True)
class _Pronouns:
    """What the three sources share.

    Attributes:
        path: Upstream's file or folder.
    """

    path: str

    def rows(self) -> Iterator[Sample]:
        """The samples in file order."""
        raise TypeError(f"{type(self).__name__} reads no rows")

    def check(self) -> None:
        """Refuse missing files, others' formats, and files without sentences."""
        if next(self.rows(), None) is None:
            raise DataError(f"Data file {self.path} has no sentences.")

    def count(self) -> int | None:
        """The number of samples."""
        return sum(1 for _ in self.rows())

    def fingerprint(self) -> str:
        """Sha256 over the files."""
        return fingerprint_of(self._files())

    def _files(self) -> list[Path]:
        return [require_file(Path(self.path))]


@dataclass(frozen=True)
class Winogender(_Pronouns):
    """``all_sentences.tsv``, with ``occupations-stats.tsv`` beside it.

    One sample holds the sentence with a female, a male and a neutral pronoun. Fields: occupation,
    participant (a word, or ``someone``), answer (``occupation`` or ``participant``), template,
    and for each gender ``sentence_<gender>`` and ``pronoun_<gender>``; female_percent (of the
    occupation in the USA, Bureau of Labor Statistics) and female_percent_text (in text, Bergsma
    and Lin 2006).

    Attributes:
        statistics_path: Where the percentages are; beside the sentences without it.
    """

    statistics_path: str | None = None

    def rows(self) -> Iterator[Sample]:
        """One sample for each occupation, participant and answer."""
        shares = {
            row["occupation"]: row
            for row in _table(self._statistics(), ("occupation", "bls_pct_female"))
        }
        found: dict[tuple[str, str, str], dict[str, str]] = {}
        for row in _table(Path(self.path), ("sentid", "sentence")):
            occupation, participant, answer, gender, *_ = row["sentid"].split(".")
            found.setdefault((occupation, participant, answer), {})[gender] = row["sentence"]
        for (occupation, participant, answer), sentences in found.items():
            sample_id = f"{occupation}.{participant}.{answer}"
            missing = [gender for gender in GENDERS if gender not in sentences]
            if missing or occupation not in shares:
                why = f"no {missing[0]} sentence" if missing else "no statistics of its occupation"
                yield Sample(sample_id, broken=why)
                continue
            yield Sample(
                sample_id,
                {
                    "occupation": occupation,
                    "participant": participant,
                    "answer": "participant" if answer == "1" else "occupation",
                    "template": f"{occupation}.{answer}",
                    **{f"sentence_{g}": sentences[g] for g in GENDERS},
                    **{f"pronoun_{g}": word for g, word in _differing(sentences).items()},
                    "female_percent": float(shares[occupation]["bls_pct_female"]),
                    "female_percent_text": float(
                        shares[occupation].get("bergsma_pct_female") or "nan"
                    ),
                },
            )

    def _statistics(self) -> Path:
        if self.statistics_path:
            return Path(self.statistics_path)
        return Path(self.path).parent / "occupations-stats.tsv"

    def _files(self) -> list[Path]:
        return [require_file(Path(self.path)), require_file(self._statistics())]


def _differing(sentences: Mapping[str, str]) -> dict[str, str]:
    """The pronoun of each gender: the first word in which the sentences differ."""
    words = {gender: re.findall(r"[\w']+", sentences[gender]) for gender in GENDERS}
    for trio in zip(*words.values(), strict=False):
        if len(set(trio)) > 1:
            return dict(zip(GENDERS, trio, strict=True))
    raise DataError(f"the sentences of all genders are the same: {sentences['male']!r}")


@dataclass(frozen=True)
class WinoBias(_Pronouns):
    """The folder ``wino/data``: sentences that follow an occupation's stereotype, and do not.

    One sample is the pair with the same number. Fields: type (1 or 2), split, entity (whom the
    pronoun means), other (the other occupation), occupations (both, sorted), and of each half
    ``sentence_pro``, ``pronoun_pro``, ``sentence_anti``, ``pronoun_anti``. In 22 of upstream's
    1,584 pairs the halves differ in more than the pronoun.

    Attributes:
        split: ``dev``, ``test`` or ``all``.
    """

    split: Literal["dev", "test", "all"] = "all"

    def rows(self) -> Iterator[Sample]:
        """The pairs by type and split."""
        occupations = self._occupations()
        for kind in ("1", "2"):
            for split in ("dev", "test") if self.split == "all" else (self.split,):
                pro, anti = (
                    _numbered(self._file(f"{side}_stereotyped_type{kind}.txt.{split}"))
                    for side in ("pro", "anti")
                )
                for number, line in pro.items():
                    sample_id = f"type{kind}-{split}-{number}"
                    if number not in anti:
                        yield Sample(sample_id, broken="there is no half against the stereotype")
                        continue
                    yield _pair(sample_id, line, anti[number], occupations, (kind, split))

    def _file(self, name: str) -> Path:
        return require_file(require_folder(Path(self.path)) / name)

    def _occupations(self) -> list[str]:
        found = [
            line.strip()
            for gender in ("male", "female")
            for line in self._file(f"{gender}_occupations.txt").read_text("utf-8").splitlines()
        ]
        return sorted(filter(None, found), key=len, reverse=True)

    def _files(self) -> list[Path]:
        return sorted(path for path in Path(self.path).glob("*_*.txt*") if path.is_file())


def _numbered(path: Path) -> dict[int, str]:
    found = {}
    for place, line in enumerate(path.read_text("utf-8-sig").splitlines(), start=1):
        number, _, sentence = line.strip().partition(" ")
        if not line.strip():
            continue
        if not number.isdecimal() or "[" not in sentence:
            raise DataError(f"{path}:{place}: not WinoBias's form (number, sentence with [marks]).")
        found[int(number)] = sentence
    return found


def _pair(
    sample_id: str, pro: str, anti: str, occupations: list[str], kind: tuple[str, str]
) -> Sample:
    marked = [re.findall(r"\[([^\]]+)\]", line) for line in (pro, anti)]
    pronouns = [
        next((m for m in marks if m.casefold() in _FEMININE | _MASCULINE), None) for marks in marked
    ]
    entity = next((found for mark in marked[0] if (found := _mentioned(mark, occupations))), None)
    others = [name for name in _mentioned(pro, occupations) or () if name not in (entity or ())]
    if entity is None or not others or None in pronouns:
        return Sample(sample_id, broken=f"no two occupations and a marked pronoun in {pro!r}")
    return Sample(
        sample_id,
        {
            "type": kind[0],
            "split": kind[1],
            "entity": entity[0],
            "other": others[0],
            "occupations": " / ".join(sorted((entity[0], others[0]))),
            "sentence_pro": _plain(pro),
            "pronoun_pro": pronouns[0],
            "sentence_anti": _plain(anti),
            "pronoun_anti": pronouns[1],
        },
    )


def _mentioned(text: str, occupations: list[str]) -> list[str] | None:
    """The occupations in a text, in order, as the list writes them; None without any."""
    spelt = {name.casefold(): name for name in occupations}
    pattern = r"\b(" + "|".join(map(re.escape, occupations)) + r")\b"
    return [spelt[m.casefold()] for m in re.findall(pattern, text, re.IGNORECASE)] or None


def _plain(line: str) -> str:
    """A sentence without marks, and without the blank before a clitic or a mark."""
    return re.sub(r" ('s|[.,;?!])(?=\W|$)", r"\1", re.sub(r"[\[\]]", "", line))


@dataclass(frozen=True)
class Gap(_Pronouns):
    """GAP's ``.tsv`` files.

    Fields: text, pronoun, pronoun_offset, a, a_offset, a_is_meant, b, b_offset, b_is_meant, gender
    (``feminine`` or ``masculine``, by the pronoun), document (its address). Offsets count
    characters; a sample where they do not point at their words is broken.
    """

    def rows(self) -> Iterator[Sample]:
        """The snippets in file order."""
        names = [f"{name}{part}" for name in ("A", "B") for part in ("", "-offset", "-coref")]
        columns = ("ID", "Text", "Pronoun", "Pronoun-offset", *names, "URL")
        for row in _table(Path(self.path), columns):
            text = row["Text"]
            strays = [
                name
                for name in ("Pronoun", "A", "B")
                if not row[f"{name}-offset"].isdecimal()
                or not text.startswith(row[name], int(row[f"{name}-offset"]))
            ]
            gender = _gender(row["Pronoun"])
            if strays or gender is None:
                why = f"{strays[0]} is not at its offset" if strays else "its pronoun has no gender"
                yield Sample(row["ID"], broken=why)
                continue
            fields: dict[str, Any] = {
                "text": text,
                "pronoun": row["Pronoun"],
                "pronoun_offset": int(row["Pronoun-offset"]),
                "gender": gender,
                "document": row["URL"],
            }
            for name in ("A", "B"):
                fields[name.casefold()] = row[name]
                fields[f"{name.casefold()}_offset"] = int(row[f"{name}-offset"])
                fields[f"{name.casefold()}_is_meant"] = row[f"{name}-coref"].upper() == "TRUE"
            yield Sample(row["ID"], fields)


def _gender(pronoun: str) -> str | None:
    word = pronoun.casefold()
    return "feminine" if word in _FEMININE else "masculine" if word in _MASCULINE else None
