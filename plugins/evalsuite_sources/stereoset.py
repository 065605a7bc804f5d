"""StereoSet's JSON: contexts with three completions each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from evalsuite import DataError, Sample
from evalsuite_sources.files import fingerprint_of, read_json, require_file

_LABELS = {
    "stereotype": "stereotype",
    "anti-stereotype": "anti_stereotype",
    "unrelated": "unrelated",
}


@dataclass(frozen=True)
class StereoSetFile:
    """StereoSet's dev.json: data > intrasentence or intersentence.

    Fields: context (with BLANK, within sentences), target, bias_type, and the three completions
    stereotype, anti_stereotype, unrelated.

    Attributes:
        path: The file.
        part: ``intrasentence`` or ``intersentence``.
    """

    path: str
    part: Literal["intrasentence", "intersentence"] = "intrasentence"

    def __post_init__(self) -> None:
        """Refuse another part."""
        if self.part not in ("intrasentence", "intersentence"):
            raise ValueError(f"part must be intrasentence or intersentence (got {self.part!r})")

    def rows(self) -> Iterator[Sample]:
        """The triples in file order; one without all three completions is broken."""
        for number, item in enumerate(self._items()):
            try:
                yield _sample(str(item.get("id", number)), item)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                told = f"no key {error}" if isinstance(error, KeyError) else str(error)
                yield Sample(str(number), broken=f"not StereoSet's form: {told}")

    def check(self) -> None:
        """Refuse a missing file, another format, and one without triples."""
        require_file(Path(self.path))
        if not self._items():
            raise DataError(f"Data file {self.path} has no {self.part} items.")

    def count(self) -> int | None:
        """The number of triples."""
        return len(self._items())

    def fingerprint(self) -> str:
        """Sha256 of the file."""
        return fingerprint_of([Path(self.path)])

    def _items(self) -> list[Any]:
        document = read_json(Path(self.path))
        try:
            found: list[Any] = document["data"][self.part]
        except (KeyError, TypeError) as error:
            raise DataError(
                f"Data file {self.path} is not in StereoSet's format (data > {self.part} > items "
                f"with context, target, bias_type, sentences): {type(error).__name__} {error}."
            ) from error
        return found


def _sample(sample_id: str, item: Mapping[str, Any]) -> Sample:
    """One item; raises KeyError or ValueError where a completion is missing or double."""
    completions: dict[str, str] = {}
    for sentence in item["sentences"]:
        name = _LABELS[sentence["gold_label"]]
        if name in completions:
            raise ValueError(f"two completions are {sentence['gold_label']}")
        completions[name] = str(sentence["sentence"])
    if len(completions) < len(_LABELS):
        missing = min(set(_LABELS.values()) - set(completions))
        raise ValueError(f"no completion is {missing}")
    fields = {name: str(item[name]) for name in ("context", "target", "bias_type")}
    return Sample(sample_id, {**fields, **completions})
