"""Files inside the page: estimates as CSV, samples as JSON Lines, everything as report.json."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalsuite.estimate_rows import COLUMNS, csv_bytes, estimate_rows
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


def downloads(
    results: Sequence[JobResult], samples: bytes, charts: Mapping[str, Any]
) -> list[Download]:
    """All links, in the order they are shown."""
    report = {
        "schema_version": 1,
        "jobs": [
            {
                "model": r.model,
                "probe": r.probe,
                "label": r.label,
                "family": r.family,
                "status": r.status,
                "reason": r.reason,
                "n_samples": r.n_samples,
                "n_failed": r.n_failed,
                "estimates": [estimate_to_json(estimate) for estimate in r.estimates],
            }
            for r in results
        ],
        "charts": charts,
    }
    report_json = gzip.compress(plain_utf8(json.dumps(report, sort_keys=True)), mtime=0)
    table = csv_bytes(COLUMNS, (row.values() for row in estimate_rows(results)))
    return [
        _link("file-estimates", "estimates.csv", "every estimate", "text/csv", table),
        _link(
            "file-report",
            "report.json.gz",
            "every estimate, and every chart as Vega-Lite",
            "application/gzip",
            report_json,
        ),
        _link("file-samples", "samples.jsonl.gz", "the samples above", "application/gzip", samples),
    ]


def _link(identifier: str, name: str, holds: str, kind: str, data: bytes) -> Download:
    uri = f"data:{kind};base64,{base64.b64encode(data).decode()}"
    return Download(identifier, name, holds, uri, len(data))
