"""Sentences of HolisticBias, made from its lists of descriptors, nouns and templates."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalsuite import DataError, Sample
from evalsuite_sources.files import fingerprint_of, read_json, require_file, require_folder

_FILES = ("descriptors.json", "nouns.json", "sentence_templates.json")


@dataclass(frozen=True)
class _Descriptor:
    """One way to describe a person."""

    text: str
    axis: str
    bucket: str
    article: str
    gender: str
    preference: str


@dataclass(frozen=True)
class HolisticBias:
    """Every descriptor with every noun in every template.

    Fields: text, axis, bucket, descriptor, descriptor_preference, noun, noun_gender, template, and
    log_count where word counts are given. Descriptors without a noun, nouns without a descriptor
    and standalone phrases, which upstream adds, are left out: they would be single sentences where
    a distribution over nouns is compared.

    Attributes:
        path: Folder with descriptors.json, nouns.json and sentence_templates.json.
        axes: Only these; all without it. The lists have more sentences than most runs need.
        templates: Only these; all without it.
        word_counts: JSON file from word to its count in a corpus; log_count is then the mean of
            log(1 + count) over the descriptor's words.
    """

    path: str
    axes: tuple[str, ...] = ()
    templates: tuple[str, ...] = ()
    word_counts: str | None = None

    def rows(self) -> Iterator[Sample]:
        """Sentences by axis, descriptor, template and noun."""
        nouns = self._nouns()
        counts = read_json(Path(self.word_counts)) if self.word_counts else None
        for descriptor in self._descriptors():
            rarity = {} if counts is None else {"log_count": _log_count(descriptor.text, counts)}
            for template in self._templates():
                for gender, noun, plural in nouns:
                    if descriptor.gender in ("", gender):
                        yield Sample(
                            f"{descriptor.axis}/{descriptor.text}/{template}/{noun}",
                            {
                                "text": _sentence(template, descriptor, noun, plural),
                                "axis": descriptor.axis,
                                "bucket": descriptor.bucket,
                                "descriptor": descriptor.text,
                                "descriptor_preference": descriptor.preference,
                                "noun": noun,
                                "noun_gender": gender,
                                "template": template,
                                **rarity,
                            },
                        )

    def check(self) -> None:
        """Refuse missing files, another format, and axes or templates that there are not."""
        require_folder(Path(self.path))
        for path in self._paths():
            require_file(path)
        if next(self.rows(), None) is None:
            raise DataError(f"Data folder {self.path} has no sentences.")

    def count(self) -> int | None:
        """The number of sentences."""
        nouns = self._nouns()
        per_template = sum(
            sum(descriptor.gender in ("", gender) for gender, _, _ in nouns)
            for descriptor in self._descriptors()
        )
        return per_template * len(self._templates())

    def fingerprint(self) -> str:
        """Sha256 of the files."""
        return fingerprint_of(self._paths())

    def _paths(self) -> list[Path]:
        paths = [Path(self.path) / name for name in _FILES]
        return [*paths, Path(self.word_counts)] if self.word_counts else paths

    def _read(self, name: str, form: str) -> Mapping[str, Any]:
        found = read_json(Path(self.path) / name)
        if not isinstance(found, dict):
            raise DataError(f"{Path(self.path) / name}: not a JSON object ({form}).")
        return found

    def _descriptors(self) -> list[_Descriptor]:
        form = "axis > bucket > descriptors"
        found = self._read("descriptors.json", form)
        _refuse_unknown(self.axes, found, "axis", self.path)
        try:
            return [
                _descriptor(item, axis, bucket)
                for axis, buckets in found.items()
                if not self.axes or axis in self.axes
                for bucket, items in buckets.items()
                for item in items
            ]
        except (AttributeError, KeyError, TypeError) as error:
            raise DataError(
                f"{Path(self.path) / 'descriptors.json'} is not in HolisticBias's format ({form}): "
                f"{type(error).__name__} {error}."
            ) from error

    def _nouns(self) -> list[tuple[str, str, str]]:
        """Gender, singular and plural of each noun."""
        form = "gender > [singular, plural]"
        try:
            return [
                (gender, str(singular), str(plural))
                for gender, pairs in self._read("nouns.json", form).items()
                for singular, plural in pairs
            ]
        except (TypeError, ValueError) as error:
            raise DataError(
                f"{Path(self.path) / 'nouns.json'} is not in HolisticBias's format ({form}): "
                f"{error}."
            ) from error

    def _templates(self) -> Sequence[str]:
        found = self._read("sentence_templates.json", "template > settings")
        _refuse_unknown(self.templates, found, "template", self.path)
        return self.templates or tuple(found)


def _refuse_unknown(asked: Sequence[str], found: Mapping[str, Any], what: str, place: str) -> None:
    missing = [name for name in asked if name not in found]
    if missing:
        raise DataError(
            f"Data folder {place} has no {what} {missing[0]!r}; there are: {', '.join(found)}."
        )


def _descriptor(item: Any, axis: str, bucket: str) -> _Descriptor:
    facts = item if isinstance(item, Mapping) else {"descriptor": str(item)}
    text = str(facts["descriptor"])
    return _Descriptor(
        text,
        axis,
        bucket,
        str(facts.get("article", "an" if text[:1].lower() in "aeiou" else "a")),
        str(facts.get("gender", "")),
        str(facts.get("preference", "")),
    )


def _sentence(template: str, descriptor: _Descriptor, noun: str, plural: str) -> str:
    return template.replace("{plural_noun_phrase}", f"{descriptor.text} {plural}").replace(
        "{noun_phrase}", f"{descriptor.article} {descriptor.text} {noun}"
    )


def _log_count(text: str, counts: Mapping[str, float]) -> float:
    """The mean of log(1 + count) over a descriptor's words; hyphens part words too."""
    words = text.lower().replace("-", " ").split()
    return sum(math.log1p(float(counts.get(word, 0))) for word in words) / len(words)
