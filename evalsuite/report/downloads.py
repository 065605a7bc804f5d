"""Files inside the page: CSV, JSON Lines, report.json and BibTeX."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalsuite.compare import Comparison
from evalsuite.estimate_rows import COLUMNS, csv_bytes, estimate_rows
from evalsuite.report.references import bibtex
from evalsuite.report.wording import plain_utf8
from evalsuite.store import JobResult, estimate_to_json


@dataclass(frozen=True)
class Download:
    """One link; ``id`` is how the page's script finds the samples."""

    id: str
    name: str
    holds: str
    uri: str
    bytes: int


def files_of(
    results: Sequence[JobResult], charts: Mapping[str, Any], comparisons: Sequence[Comparison]
) -> list[Download]:
    """Everything but the samples."""
    report = {
        "schema_version": 1,
        "jobs": [_job(result) for result in results],
        "comparisons": [comparison.to_json() for comparison in comparisons],
        "charts": charts,
    }
    report_json = gzip.compress(plain_utf8(json.dumps(report, sort_keys=True)), mtime=0)
    table = csv_bytes(COLUMNS, (row.values() for row in estimate_rows(results)))
    return [
        _link("file-estimates", "estimates.csv", "every estimate", "text/csv", table),
        _link(
            "file-report",
            "report.json.gz",
            "every estimate and paired difference, and every chart as Vega-Lite",
            "application/gzip",
            report_json,
        ),
        _link(
            "file-references",
            "references.bib",
            "what the probes of this report cite",
            "application/x-bibtex",
            plain_utf8(bibtex(results)),
        ),
    ]


def downloads(files: Sequence[Download], samples: bytes) -> list[Download]:
    """All links, in the order they are shown."""
    link = _link(
        "file-samples", "samples.jsonl.gz", "the samples above", "application/gzip", samples
    )
    return [*files, link]


def _job(result: JobResult) -> dict[str, Any]:
    names = ("model", "probe", "label", "family", "status", "reason", "n_samples", "n_failed")
    facts = {name: getattr(result, name) for name in names}
    return {**facts, "estimates": [estimate_to_json(estimate) for estimate in result.estimates]}


def _link(identifier: str, name: str, holds: str, kind: str, data: bytes) -> Download:
    uri = f"data:{kind};base64,{base64.b64encode(data).decode()}"
    return Download(identifier, name, holds, uri, len(data))
