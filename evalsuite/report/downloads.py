"""Files inside the page: estimates as CSV, samples as JSON Lines, everything as report.json."""

from __future__ import annotations

import base64
import csv
import gzip
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalsuite.store import JobResult, estimate_to_json

_COLUMNS = (
    "model", "probe", "label", "family", "metric", "slice", "value", "low", "high", "level",
    "method", "unit", "n", "n_failed", "null", "margin", "verdict", "reason",
)  # fmt: skip


@dataclass(frozen=True)
class Download:
    """One link."""

    name: str
    uri: str
    bytes: int


def downloads(
    results: Sequence[JobResult], samples: Mapping[str, Any], charts: Mapping[str, Any]
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
    return [
        _link("estimates.csv", "text/csv", _csv(results).encode()),
        _link("report.json.gz", "application/gzip", _gzip(json.dumps(report, sort_keys=True))),
        _link("samples.jsonl.gz", "application/gzip", _gzip(_lines(samples))),
    ]


def _link(name: str, kind: str, data: bytes) -> Download:
    return Download(name, f"data:{kind};base64,{base64.b64encode(data).decode()}", len(data))


def _gzip(text: str) -> bytes:
    return gzip.compress(text.encode(), mtime=0)


def _csv(results: Sequence[JobResult]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for result in results:
        for e in result.estimates:
            null = (e.null.value, e.null.margin) if e.null else ("", "")
            writer.writerow(
                (
                    result.model,
                    result.probe,
                    result.label,
                    result.family,
                    e.metric,
                    e.slice,
                    e.value,
                    e.low,
                    e.high,
                    e.level,
                    e.method,
                    e.unit,
                    e.n,
                    e.n_failed,
                    *null,
                    e.verdict,
                    e.reason or "",
                )
            )
    return stream.getvalue()


def _lines(samples: Mapping[str, Any]) -> str:
    lines = []
    for probe in samples["probes"]:
        for sample in probe["samples"]:
            lines.append(
                json.dumps({"probe": probe["label"], **sample}, ensure_ascii=False, sort_keys=True)
            )
    return "\n".join(lines)
