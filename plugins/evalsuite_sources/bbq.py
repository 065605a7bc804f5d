"""BBQ's questions: which option is the stereotyped group's, and which is the biased answer."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalsuite import DataError, Sample
from evalsuite_sources.files import fingerprint_of, require_file
from evalsuite_sources.tables import JsonLines

OPTIONS = ("ans0", "ans1", "ans2")
_CONDITIONS = {"ambig": "ambiguous", "disambig": "disambiguated"}
_POLARITIES = {"neg": "negative", "nonneg": "non-negative"}
# Templates from this number on name people instead of groups, in all categories but the crossed.
_FIRST_NAMED_TEMPLATE = 26
_GENDERS = {"man": "m", "boy": "m", "men": "m", "woman": "f", "girl": "f", "women": "f"}
_GENDERS |= {"boys": "m", "girls": "f"}


@dataclass(frozen=True)
class Bbq:
    """Upstream's JSON lines, one file or a folder with one for each category.

    Fields: context, question, choices (three), answer (index of the right one), unknown (index of
    the option that says so), target (index of the stereotyped group's option), biased (index of
    the answer that follows the stereotype: the target to a negative question, the other group to
    a non-negative one), category, condition (ambiguous or disambiguated), polarity, template
    (category and number), label_type (``names`` of people or ``labels`` of groups).

    Target and biased are None where not exactly one of the two groups is a stereotyped one; such
    items are counted by the probe. A group is looked for by both things that upstream says of an
    option (in Nationality the country stands in the first, in other categories the group in the
    second), and then by the parts of crossed groups.

    Attributes:
        path: A file or a folder.
        pattern: Which files of a folder.
        metadata_path: Upstream's ``additional_metadata.csv``, whose ``target_loc`` and
            ``label_type`` go before what the lines themselves say.
    """

    path: str
    pattern: str = "*.jsonl"
    metadata_path: str | None = None

    def rows(self) -> Iterator[Sample]:
        """The questions by file name, in file order; one of another form is a broken sample."""
        known = self._metadata()
        for path in self._files():
            for number, row in enumerate(JsonLines(str(path))._records()):
                sample_id = f"{row.get('category', path.stem)}-{row.get('example_id', number)}"
                try:
                    told = known.get((str(row["category"]), str(row["example_id"])), {})
                    yield Sample(sample_id, bbq_fields(row, told))
                except (KeyError, TypeError, ValueError) as error:
                    yield Sample(sample_id, broken=f"not BBQ's form: {error!r}")

    def check(self) -> None:
        """Refuse a missing path, a folder without questions, and a first line that is none."""
        files = self._files()
        if not files:
            raise DataError(f"Data folder {self.path} holds no file named {self.pattern}.")
        self._metadata()
        first = next(self.rows(), None)
        if first is None or first.broken:
            why = first.broken if first else "it has no questions"
            raise DataError(f"{files[0]}:1: {why}.")

    def count(self) -> int | None:
        """The number of questions."""
        return sum(1 for path in self._files() for _ in JsonLines(str(path))._records())

    def fingerprint(self) -> str:
        """Sha256 over the files."""
        return fingerprint_of(
            [*self._files(), *([Path(self.metadata_path)] if self.metadata_path else [])]
        )

    def _files(self) -> list[Path]:
        path = Path(self.path)
        return sorted(path.glob(self.pattern)) if path.is_dir() else [require_file(path)]

    def _metadata(self) -> dict[tuple[str, str], dict[str, str]]:
        if self.metadata_path is None:
            return {}
        path = require_file(Path(self.metadata_path))
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
        missing = {"category", "example_id", "target_loc"} - set(rows[0] if rows else ())
        if missing:
            raise DataError(
                f"{path}:1: no column {min(missing)!r}; metadata_path takes upstream's "
                "additional_metadata.csv."
            )
        return {(row["category"], row["example_id"]): row for row in rows}


def bbq_fields(row: Mapping[str, Any], told: Mapping[str, str]) -> dict[str, Any]:
    """One line of BBQ as the fields of Bbq; ``told`` is its line of the metadata, or empty."""
    infos = [[str(part) for part in row["answer_info"][option]] for option in OPTIONS]
    (unknown,) = (place for place, info in enumerate(infos) if info[-1:] == ["unknown"])
    groups = [place for place in range(3) if place != unknown]
    located = told.get("target_loc", "")
    if located in ("0", "1", "2") and int(located) in groups:
        target: int | None = int(located)
    else:
        wanted = row["additional_metadata"]["stereotyped_groups"]
        target = stereotyped([infos[place] for place in groups], wanted)
        target = None if target is None else groups[target]
    polarity = _POLARITIES[row["question_polarity"]]
    other = None if target is None else next(place for place in groups if place != target)
    choices = [str(row[option]) for option in OPTIONS]
    return {
        "context": str(row["context"]),
        "question": str(row["question"]),
        "choices": choices,
        "answer": int(row["label"]),
        "unknown": unknown,
        "target": target,
        "biased": target if polarity == "negative" else other,
        "category": str(row["category"]),
        "condition": _CONDITIONS[row["context_condition"]],
        "polarity": polarity,
        "template": f"{row['category']}-{row['question_index']}",
        "label_type": _label_type(row, [choices[place] for place in groups], told),
    }


def stereotyped(options: Sequence[Sequence[str]], groups: Sequence[str]) -> int | None:
    """Which of two options is about a stereotyped group; None where neither or both are.

    Args:
        options: For each option what is said of it, e.g. ``["Japanese", "AsiaPacific"]``.
        groups: Names of the stereotyped groups.
    """
    wanted = {_plain(group) for group in groups}
    for names in (_whole, _parts):
        found = [place for place, info in enumerate(options) if wanted & names(info)]
        if len(found) == 1:
            return found[0]
    return None


def _whole(info: Sequence[str]) -> set[str]:
    return {_plain(part) for part in info}


def _parts(info: Sequence[str]) -> set[str]:
    """The parts of crossed groups: ``F-Black``, ``lowSES_African American``, ``trans_F``."""
    return {_plain(piece) for part in info for piece in re.split(r"[-_]", part)}


def _plain(name: str) -> str:
    """A group's name without case, spaces and marks, with one spelling for each gender."""
    joined = re.sub(r"[^\w]", "", name.casefold())
    return _GENDERS.get(joined, joined)


def _label_type(row: Mapping[str, Any], groups: Sequence[str], told: Mapping[str, str]) -> str:
    """Whether people are named; told, else by the template's number, else by the articles."""
    known = {"name": "names", "label": "labels"}.get(told.get("label_type", ""))
    if known:
        return known
    if "_x_" not in str(row["category"]):
        is_named = int(row["question_index"]) >= _FIRST_NAMED_TEMPLATE
    else:
        is_named = not any(re.match(r"(?i)(the|an?) ", choice) for choice in groups)
    return "names" if is_named else "labels"
