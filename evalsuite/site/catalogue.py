"""What is on a site: ``site.json``, from which with the kept runs every page is built anew."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from evalsuite.documents import read_json, write_json
from evalsuite.errors import StoreError, UsageError

_FILE = "site.json"
_SCHEMA_VERSION = 1
DEFAULT_TITLE = "Model evaluations"
_ID_LENGTH = 16


@dataclass(frozen=True)
class Report:
    """One page that stays: ``reports/ID.html``.

    Attributes:
        id: Follows from the runs, and from nothing else.
        runs: Ids of the runs that are in it, the baseline first.
    """

    id: str
    runs: tuple[str, ...]

    @property
    def path(self) -> str:
        """Where it stands on the site."""
        return f"reports/{self.id}.html"


@dataclass(frozen=True)
class Catalogue:
    """All reports of a site, in the order in which they were published.

    Attributes:
        title: Of the site.
        url: Where it is served, for the feeds, ending in a slash; empty where nobody said.
        reports: The pages.
    """

    title: str = DEFAULT_TITLE
    url: str = ""
    reports: tuple[Report, ...] = ()

    @property
    def runs(self) -> tuple[str, ...]:
        """Ids of all runs, in the order in which they came."""
        return tuple(dict.fromkeys(run for report in self.reports for run in report.runs))

    def with_report(self, report: Report) -> Catalogue:
        """With one more; one that is there already stays where it is."""
        if any(known.id == report.id for known in self.reports):
            return self
        return replace(self, reports=(*self.reports, report))


def report_of(runs: Sequence[str]) -> Report:
    """The report of some runs, by their ids."""
    if len(runs) == 1:
        return Report(runs[0], tuple(runs))
    return Report(hashlib.sha256("\n".join(runs).encode()).hexdigest()[:_ID_LENGTH], tuple(runs))


def read(folder: Path) -> Catalogue:
    """The catalogue of a site, an empty one where there is no site yet.

    Raises:
        UsageError: The folder holds something else.
        StoreError: The catalogue is damaged.
    """
    path = folder / _FILE
    if not path.exists():
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UsageError(
                f"{folder} is no site of evalsuite: it is not empty and has no {_FILE}. Name a "
                "new folder, an empty one, or one that `evalsuite publish` wrote."
            )
        return Catalogue()
    try:
        return _from_json(read_json(path))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise StoreError(
            f"{path} is not what `evalsuite publish` wrote ({type(error).__name__}: {error}). Put "
            "back a former version of it, or publish all runs into a new folder."
        ) from error


def write(catalogue: Catalogue, folder: Path) -> None:
    """Write it; raises StoreError when it cannot be written."""
    write_json(folder / _FILE, {"schema_version": _SCHEMA_VERSION, **asdict(catalogue)})


def _from_json(document: dict[str, Any]) -> Catalogue:
    if document["schema_version"] != _SCHEMA_VERSION:
        raise ValueError(f"schema version {document['schema_version']} is not {_SCHEMA_VERSION}")
    reports = tuple(Report(str(r["id"]), tuple(map(str, r["runs"]))) for r in document["reports"])
    if not all(name.isalnum() for report in reports for name in (report.id, *report.runs)):
        raise ValueError("an id has other characters than letters and digits")
    return Catalogue(str(document["title"]), str(document["url"]), reports)
