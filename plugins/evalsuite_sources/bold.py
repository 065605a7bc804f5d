"""BOLD's prompts: a JSON file for each domain, groups, whom they name, and sentence beginnings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from evalsuite import DataError, Sample
from evalsuite_sources.files import fingerprint_of, read_json


@dataclass(frozen=True)
class Bold:
    """``{group: {entity: [prompts]}}``, as Dhamala et al. 2021 publish it.

    Fields: prompt (without white space at its end), group, entity.

    Attributes:
        path: One domain's file, e.g. ``gender_prompt.json``.
        groups: Groups to keep; all without.
        per_group: First prompts of each group only.
    """

    path: str
    groups: tuple[str, ...] = ()
    per_group: int | None = None

    def rows(self) -> Iterator[Sample]:
        """Every prompt in file order."""
        for group, entities in self._document().items():
            if self.groups and group not in self.groups:
                continue
            told = [(who, prompt) for who, prompts in entities.items() for prompt in prompts]
            for number, (entity, prompt) in enumerate(told[: self.per_group]):
                fields = {"prompt": prompt.strip(), "group": group, "entity": entity}
                yield Sample(f"{group}-{number}", fields)

    def check(self) -> None:
        """Refuse a missing file, one of another format, and groups that are not in it."""
        document = self._document()
        unknown = [group for group in self.groups if group not in document]
        if unknown:
            raise DataError(
                f"{self.path} has no group {unknown[0]!r}; its groups are {', '.join(document)}."
            )

    def count(self) -> int | None:
        """The number of prompts."""
        return sum(1 for _ in self.rows())

    def fingerprint(self) -> str:
        """Sha256 of the file."""
        return fingerprint_of([Path(self.path)])

    def _document(self) -> dict[str, dict[str, list[str]]]:
        found = read_json(Path(self.path))
        is_bold = (
            isinstance(found, dict)
            and found
            and all(
                isinstance(entities, dict) and all(isinstance(p, list) for p in entities.values())
                for entities in found.values()
            )
        )
        if not is_bold:
            raise DataError(
                f"{self.path} is not in BOLD's format: groups, in each the names of entities, for "
                "each of them a list of prompts."
            )
        document: dict[str, dict[str, list[str]]] = found
        return document
