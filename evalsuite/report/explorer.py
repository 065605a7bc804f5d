"""The samples inside the page: what was asked, what was answered, and the record, by model."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalsuite.report.media import audio_uri, image_uri
from evalsuite.report.wording import short
from evalsuite.store import JobResult, Run, SampleRow

# Above this a job's samples are a seeded subset, which the page says.
MAX_SAMPLES = 400
MAX_MEDIA = 16
MAX_TEXT = 600


@dataclass(frozen=True)
class Explorer:
    """What the page's script shows, and what stands there without it.

    Attributes:
        data: JSON-able: probes -> samples -> models.
        failed: The first failed samples, for readers without scripts.
        note: What was left out, in one sentence; empty when nothing was.
    """

    data: Mapping[str, Any]
    failed: tuple[tuple[str, str, str, str], ...]
    note: str

    @property
    def packed(self) -> str:
        """The data as base64 of gzip; the same data give the same bytes."""
        text = json.dumps(self.data, ensure_ascii=False, sort_keys=True).encode()
        return base64.b64encode(gzip.compress(text, mtime=0)).decode()


def explore(runs: Sequence[Run]) -> Explorer:
    """Gather the samples of all finished jobs of all runs."""
    probes: list[dict[str, Any]] = []
    failed: list[tuple[str, str, str, str]] = []
    left_out = 0
    media: dict[str, str] = {}
    for run in runs:
        for label in dict.fromkeys(r.label for r in run.results):
            jobs = [r for r in run.results if r.label == label and r.n_samples]
            if not jobs:
                continue
            samples, dropped = _samples(run, jobs, failed)
            left_out += dropped
            _add_media(run, samples, media)
            # Stable: those whose picture or clip can be seen or heard come first.
            samples.sort(key=lambda sample: not _is_seen(sample, media))
            probes.append(
                {
                    "label": label if len(runs) == 1 else f"{label} ({run.name})",
                    "family": jobs[0].family,
                    "sensitive": any(job.sensitive for job in jobs),
                    "models": [short(job.model) for job in jobs],
                    "samples": samples,
                }
            )
    note = ""
    if left_out:
        note = (
            f"{left_out:,} samples are not in this page, which keeps at most {MAX_SAMPLES} of each "
            "probe, chosen by the hash of their id and all failed ones first; the run directory "
            "has all of them."
        )
    return Explorer({"probes": probes, "media": media}, tuple(failed[:20]), note)


def _samples(
    run: Run, jobs: Sequence[JobResult], failed: list[tuple[str, str, str, str]]
) -> tuple[list[dict[str, Any]], int]:
    """Samples of one probe with every model's row, and how many were left out."""
    rows: dict[str, dict[str, SampleRow]] = {}
    for job in jobs:
        for row in run.samples(job.id):
            rows.setdefault(row.id, {})[short(job.model)] = row
            if row.status == "failed":
                failed.append((job.label, short(job.model), row.id, row.reason))
    kept = sorted(rows, key=lambda name: (not _is_failed(rows[name]), _order(name)))[:MAX_SAMPLES]
    chosen = set(kept)
    samples = [
        {"id": name, "models": {model: _entry(row) for model, row in by_model.items()}}
        for name, by_model in rows.items()
        if name in chosen
    ]
    return samples, len(rows) - len(samples)


def _is_failed(by_model: Mapping[str, SampleRow]) -> bool:
    return any(row.status == "failed" for row in by_model.values())


def _order(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _entry(row: SampleRow) -> dict[str, Any]:
    return {
        "status": row.status,
        "reason": row.reason,
        "record": {key: _short(value) for key, value in row.record.items() if value is not None},
        "exchange": [_short_exchange(entry) for entry in row.exchange[:4]],
    }


def _short(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, str) and len(value) > MAX_TEXT and not value.startswith("[["):
        return value[:MAX_TEXT] + " …"
    return value


def _short_exchange(entry: Mapping[str, Any]) -> dict[str, Any]:
    parts = [{key: _short(value) for key, value in p.items()} for p in entry.get("parts", ())]
    answer = entry.get("answer", {})
    brief = {
        key: _short(value)
        for key, value in answer.items()
        if not isinstance(value, list) or len(value) <= 12
    }
    return {
        "asked": entry.get("asked", ""),
        "parts": parts,
        "detail": {k: _short(v) for k, v in entry.get("detail", {}).items() if v},
        "answer": brief,
    }


def _add_media(run: Run, samples: Sequence[Mapping[str, Any]], media: dict[str, str]) -> None:
    """Inline the kept pictures and clips of the first samples that have any."""
    added = 0
    for sample in samples:
        for entry in sample["models"].values():
            for exchange in entry["exchange"][:1]:
                for part in exchange["parts"]:
                    kind = "image" if "image" in part else "audio"
                    sha256 = part.get(kind)
                    if sha256 is None or sha256 in media or added >= MAX_MEDIA:
                        continue
                    data = run.media(sha256)
                    uri = None if data is None else _uri(kind, data)
                    if uri is not None:
                        media[sha256] = uri
                        added += 1


def _is_seen(sample: Mapping[str, Any], media: Mapping[str, str]) -> bool:
    """Whether what was asked about a sample is in the page; true for text."""
    parts = [
        part
        for entry in sample["models"].values()
        for exchange in entry["exchange"][:1]
        for part in exchange["parts"]
    ]
    return all((part.get("image") or part.get("audio") or "") in ("", *media) for part in parts)


def _uri(kind: str, data: bytes) -> str | None:
    return image_uri(data) if kind == "image" else audio_uri(data)
