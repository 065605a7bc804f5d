"""A run on disk, written so that ``kill -9`` at any moment loses at most the batch in flight.

    plan.json          what was to run, fully resolved; resuming and the report read this
    fingerprints.json  which answers belong to which model
    responses.sqlite   every answer, one transaction per batch (see response_store.py)
    samples/JOB.parquet  one row per sample: its record, or why there is none, and what was asked
    media/SHA256       encoded images and clips of a seeded subset of samples, for the report
    estimates.json     every estimate of every job
    manifest.json      versions, plugins, hardware, seeds, times, and the sha256 of every file

Every file but the database is written whole to a temporary name and then renamed.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from evalsuite.documents import finite, read_json, storable, write_atomically, write_json
from evalsuite.errors import StoreError
from evalsuite.metric import Estimate, Null
from evalsuite.response_store import Responses

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class SampleRow:
    """What happened to one sample: ``status`` is ``ok`` or ``failed``, with the ``reason``.

    ``secrets`` are the texts that its probe declared secret; see ``redaction.py``.
    """

    id: str
    content_hash: str
    status: str
    reason: str = ""
    record: Mapping[str, Any] = field(default_factory=dict)
    exchange: tuple[Mapping[str, Any], ...] = ()
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True)
class JobResult:
    """One probe on one model: its estimates, or why there are none.

    ``status`` is ``finished``, ``partial`` (of a limited run), ``failed``, ``interrupted``,
    ``not applicable`` or ``pending``.
    """

    id: str
    model: str
    probe: str
    family: str
    source: str
    status: str
    reason: str = ""
    label: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    n_samples: int = 0
    n_failed: int = 0
    failures: Mapping[str, int] = field(default_factory=dict)
    estimates: tuple[Estimate, ...] = ()
    card: Mapping[str, str] = field(default_factory=dict)
    sensitive: bool = False
    seconds: float = 0.0
    variant: Mapping[str, Any] = field(default_factory=dict)
    base: str = ""


def estimate_to_json(estimate: Estimate) -> dict[str, Any]:
    """An estimate as a JSON object; its verdict is written out for readers without this code."""
    document = asdict(estimate)
    document["verdict"] = estimate.verdict
    cleaned: dict[str, Any] = finite(document)
    return cleaned


def estimate_from_json(document: Mapping[str, Any]) -> Estimate:
    """The inverse of estimate_to_json."""
    facts = {key: value for key, value in document.items() if key != "verdict"}
    for name in ("value", "low", "high"):
        facts[name] = math.nan if facts.get(name) is None else float(facts[name])
    if facts.get("null") is not None:
        facts["null"] = Null(**facts["null"])
    return Estimate(**facts)


def result_from_json(document: Mapping[str, Any]) -> JobResult:
    """One entry of estimates.json."""
    facts = dict(document)
    facts["estimates"] = tuple(estimate_from_json(e) for e in facts.get("estimates", ()))
    return JobResult(**facts)


def samples_parquet(rows: Sequence[SampleRow]) -> bytes:
    """Samples as a Parquet file; records and exchanges are JSON texts in it."""
    import io

    import pyarrow as arrow
    import pyarrow.parquet as parquet

    def as_json(value: Any) -> str:
        try:  # a long column is checked in C; most hold nothing that JSON has no word for
            text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        except (TypeError, ValueError):
            text = json.dumps(finite(value), ensure_ascii=False, allow_nan=False)
        return storable(text)

    columns = {
        "id": arrow.array([storable(row.id) for row in rows], arrow.string()),
        "content_hash": arrow.array([row.content_hash for row in rows], arrow.string()),
        "status": arrow.array([row.status for row in rows], arrow.string()),
        "reason": arrow.array([storable(row.reason) for row in rows], arrow.string()),
        "record": arrow.array([as_json(row.record) for row in rows], arrow.string()),
        "exchange": arrow.array([as_json(row.exchange) for row in rows], arrow.string()),
    }
    if any(row.secrets for row in rows):
        columns["secrets"] = arrow.array([as_json(row.secrets) for row in rows], arrow.string())
    buffer = io.BytesIO()
    parquet.write_table(arrow.table(columns), buffer, compression="zstd")
    return buffer.getvalue()


class Store:
    """The writing side of a run directory."""

    def __init__(self, path: Path) -> None:
        """Open (or begin) a run directory; raises StoreError when it cannot be written."""
        self.path = path
        self._results: dict[str, JobResult] = {}
        self._order: dict[str, int] = {}
        try:
            path.mkdir(parents=True, exist_ok=True)
            (path / "samples").mkdir(exist_ok=True)
            (path / "media").mkdir(exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"The run directory {path} cannot be created: {error.strerror or error}. "
                "Choose another with `--output DIR`."
            ) from error
        self.responses = Responses(path / "responses.sqlite")
        if (path / "estimates.json").exists():
            for document in read_json(path / "estimates.json")["jobs"]:
                self._results[document["id"]] = result_from_json(document)

    def write_plan(self, plan: Mapping[str, Any]) -> None:
        """Write plan.json; results are listed in its order from then on."""
        write_json(self.path / "plan.json", plan)
        self._order = {job["id"]: place for place, job in enumerate(plan.get("jobs", ()))}

    def write_fingerprint(self, model: str, fingerprint: str) -> None:
        """Remember which answers in responses.sqlite are a model's."""
        path = self.path / "fingerprints.json"
        known = read_json(path) if path.exists() else {}
        write_json(path, {**known, model: fingerprint})

    def fingerprints(self) -> dict[str, str]:
        """Fingerprint of every model that was loaded, by name."""
        path = self.path / "fingerprints.json"
        return dict(read_json(path)) if path.exists() else {}

    def write_samples(self, job_id: str, rows: Sequence[SampleRow]) -> None:
        """Write the samples of one job as Parquet (records and exchanges as JSON text)."""
        write_atomically(self.path / "samples" / f"{job_id}.parquet", samples_parquet(rows))

    def write_media(self, sha256: str, data: bytes) -> None:
        """Keep one image or clip for the report."""
        path = self.path / "media" / sha256
        if not path.exists():
            write_atomically(path, data)

    def write_result(self, result: JobResult) -> None:
        """Record the outcome of one job; estimates.json is rewritten whole."""
        self._results[result.id] = result
        self.write_estimates()

    def write_estimates(self) -> None:
        """Write estimates.json."""
        jobs = []
        for result in self.results:
            document = asdict(result)
            document["estimates"] = [estimate_to_json(e) for e in result.estimates]
            jobs.append(document)
        write_json(self.path / "estimates.json", {"schema_version": SCHEMA_VERSION, "jobs": jobs})

    def write_manifest(self, manifest: Mapping[str, Any]) -> None:
        """Write manifest.json with the sha256 of every other file of the run."""
        files = {
            str(path.relative_to(self.path)): _sha256(path)
            for path in sorted(self.path.rglob("*"))
            if path.is_file() and path.name != "manifest.json" and "sqlite" not in path.name
        }
        write_json(
            self.path / "manifest.json",
            {"schema_version": SCHEMA_VERSION, **manifest, "files": files},
        )

    @property
    def results(self) -> tuple[JobResult, ...]:
        """The outcome of every job so far, in the plan's order."""
        last = len(self._order)
        return tuple(sorted(self._results.values(), key=lambda r: self._order.get(r.id, last)))

    def close(self) -> None:
        """Close the database."""
        self.responses.close()


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@dataclass(frozen=True)
class Run:
    """The reading side of a run directory; what reports and comparisons work on."""

    path: Path
    name: str
    plan: Mapping[str, Any]
    manifest: Mapping[str, Any]
    results: tuple[JobResult, ...]

    @classmethod
    def open(cls, path: str | Path) -> Run:
        """Read a run directory; raises StoreError when it is not one."""
        directory = Path(path)
        plan = read_json(directory / "plan.json")
        results: tuple[JobResult, ...] = ()
        if (directory / "estimates.json").exists():
            jobs = read_json(directory / "estimates.json")["jobs"]
            results = tuple(result_from_json(document) for document in jobs)
        manifest = {}
        if (directory / "manifest.json").exists():
            manifest = read_json(directory / "manifest.json")
        return cls(directory, directory.name, plan, manifest, results)

    def samples(
        self,
        job_id: str,
        *,
        only: Container[tuple[str, str]] | None = None,
        with_exchange: bool = True,
    ) -> Iterator[SampleRow]:
        """The samples of one job, in source order; none when the job has not finished.

        Args:
            job_id: Of the job.
            only: The (id, content_hash) of those to read; others cost next to nothing.
            with_exchange: Whether to read what was asked and said, which is most of a run.
        """
        import pyarrow as arrow
        import pyarrow.parquet as parquet

        path = self.path / "samples" / f"{job_id}.parquet"
        if not path.exists():
            return
        names = ["id", "content_hash", "status", "reason", "record"]
        with parquet.ParquetFile(path) as stored:
            further = (["exchange"] if with_exchange else []) + ["secrets"]
            wanted = [*names, *(name for name in further if name in stored.schema_arrow.names)]
            for batch in stored.iter_batches(batch_size=512, columns=wanted):
                if only is not None:
                    keys = zip(*(batch.column(name).to_pylist() for name in names[:2]), strict=True)
                    found = [place for place, key in enumerate(keys) if key in only]
                    batch = batch.take(arrow.array(found, arrow.int64()))
                yield from _rows(batch)

    def outlines(self, job_id: str) -> Iterator[SampleRow]:
        """The samples without their exchanges, to choose among and not to show."""
        yield from self.samples(job_id, with_exchange=False)

    def outcomes(self, job_id: str) -> Iterator[tuple[str, bool, Mapping[str, Any]]]:
        """Content hash, whether answered, and record of each sample of a job, in source order.

        Reads no exchange and decodes records a batch at a time: many times as fast as samples.
        """
        import pyarrow.parquet as parquet

        path = self.path / "samples" / f"{job_id}.parquet"
        if not path.exists():
            return
        with parquet.ParquetFile(path) as stored:
            names = ["content_hash", "status", "record"]
            for batch in stored.iter_batches(batch_size=4096, columns=names):
                hashes, statuses, texts = (batch.column(name).to_pylist() for name in names)
                records = json.loads(f"[{','.join(texts)}]")
                yield from zip(hashes, (s == "ok" for s in statuses), records, strict=True)

    def media(self, sha256: str) -> bytes | None:
        """Encoded bytes of a kept image or clip, or None."""
        path = self.path / "media" / sha256
        return path.read_bytes() if path.is_file() else None


def _rows(batch: Any) -> Iterator[SampleRow]:
    """The rows of one batch; its documents are parsed as one, which is faster than one by one."""
    known = batch.schema.names

    def parsed(name: str) -> Iterator[tuple[Any, ...]]:
        if name not in known:
            return iter([()] * len(batch))
        return map(tuple, json.loads(f"[{','.join(batch.column(name).to_pylist())}]"))

    columns = [batch.column(n).to_pylist() for n in ("id", "content_hash", "status", "reason")]
    records = json.loads(f"[{','.join(batch.column('record').to_pylist())}]")
    yield from map(SampleRow, *columns, records, parsed("exchange"), parsed("secrets"))


def with_distinct_names(runs: Sequence[Run]) -> list[Run]:
    """The runs, numbered where two directories have one name."""
    counts = Counter(run.name for run in runs)
    return [
        run if counts[run.name] == 1 else replace(run, name=f"{run.name} #{place}")
        for place, run in enumerate(runs, 1)
    ]
