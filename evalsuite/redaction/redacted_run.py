"""Runs whose samples, results and plan are hidden as they are read."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from evalsuite.redaction.redactor import Redactor, Secrets
from evalsuite.store import JobResult, Run, SampleRow

# What a plan and a manifest hold of the user's own words.
_TELLING = frozenset({"suite_text", "parameters", "command", "models"})


def is_private(result: JobResult) -> bool:
    """Whether the texts of a job may hold personal data: a privacy probe's, or sensitive ones."""
    return result.sensitive or result.family == "privacy"


@dataclass(frozen=True)
class RedactedRun(Run):
    """A run whose samples, results and plan are hidden as they are read.

    Attributes:
        secrets: Those of all its probes.
        private_jobs: Ids of the jobs in which personal data are hidden as well.
        hidden_media: Hashes of pictures and clips that privacy probes were about.
        whole: The run as it was recorded.
    """

    secrets: Secrets = field(default_factory=lambda: Secrets(frozenset()))
    private_jobs: frozenset[str] = frozenset()
    hidden_media: frozenset[str] = frozenset()
    whole: Run | None = field(default=None, repr=False)

    def redactor(self, job_id: str) -> Redactor:
        """What hides the texts of one job."""
        return Redactor(self.secrets, job_id in self.private_jobs)

    def samples(
        self,
        job_id: str,
        *,
        only: Container[tuple[str, str]] | None = None,
        with_exchange: bool = True,
    ) -> Iterator[SampleRow]:
        """As of any run, hidden; ``only`` holds the ids that this run shows."""
        redactor = self.redactor(job_id)
        wanted = None if only is None else _Shown(only, redactor)
        for row in super().samples(job_id, only=wanted, with_exchange=with_exchange):
            shown = redactor.row(row)
            if only is None or (shown.id, shown.content_hash) in only:
                yield shown

    def outlines(self, job_id: str) -> Iterator[SampleRow]:
        """Their ids as they are shown; their records, of which only marks are taken, are not."""
        redactor = self.redactor(job_id)
        for row in super().samples(job_id, with_exchange=False):
            of_row = replace(redactor, own=row.secrets) if row.secrets else redactor
            shown = of_row.text(row.id)
            # Most rows are as they were, and copying a hundred thousand of them takes seconds.
            yield replace(row, id=shown, secrets=()) if row.secrets or shown != row.id else row

    def media(self, sha256: str) -> bytes | None:
        """A kept picture or clip, unless a privacy probe was about it."""
        return None if sha256 in self.hidden_media else super().media(sha256)

    @property
    def private_results(self) -> tuple[JobResult, ...]:
        """The results of private jobs, as they are shown."""
        return tuple(r for r in self.results if r.id in self.private_jobs)

    @property
    def recorded(self) -> Run:
        """The run as it was recorded, under the names of this one, for what is computed of it."""
        if self.whole is None:
            return self
        names = {result.id: result.model for result in self.results}
        results = tuple(replace(r, model=names[r.id]) for r in self.whole.results if r.id in names)
        planned = {k: v for k, v in self.whole.plan.items() if k in ("jobs", "sources")}
        return Run(self.path, self.name, {**self.plan, **planned}, self.manifest, results)


@dataclass(frozen=True)
class _Shown:
    """The recorded ids of samples that are wanted by the ids under which they are shown.

    An id that holds its own sample's secret within a word is not known yet here and let through.
    """

    only: Container[tuple[str, str]]
    redactor: Redactor

    def __contains__(self, key: object) -> bool:
        if not isinstance(key, tuple):
            return False
        recorded, content_hash = key
        return (self.redactor.text(recorded), content_hash) in self.only or self._is_inside(
            recorded
        )

    def _is_inside(self, recorded: str) -> bool:
        lowered = recorded.casefold()
        return any(text.strip().casefold() in lowered for text in self.redactor.secrets.texts)


def redacted(run: Run) -> Run:
    """A run as it may be shown; the run itself where it has nothing to hide."""
    if isinstance(run, RedactedRun):
        return run
    secrets = Secrets(frozenset(text for r in run.results for text in _secrets_of(run, r)))
    private = frozenset(r.id for r in run.results if is_private(r))
    if not private and not secrets.texts:
        return run
    results = tuple(Redactor(secrets, r.id in private).result(r) for r in run.results)
    return RedactedRun(
        run.path,
        run.name,
        hidden_plan(run.plan, secrets, private),
        {**run.manifest, **_told_in(run.manifest, secrets)},
        results,
        secrets,
        private,
        frozenset(_media_of(run, (r for r in run.results if r.family == "privacy"))),
        run,
    )


def hidden_plan(
    plan: Mapping[str, Any], secrets: Secrets, private: Container[str]
) -> dict[str, Any]:
    """A plan without secrets, the options of private jobs without personal data; names stay."""
    everywhere = Redactor(secrets)
    told = {key: everywhere.value(plan[key]) for key in _TELLING & plan.keys()}
    for kind in ("models", "sources"):
        told[kind] = [
            {**everywhere.value(dict(entry)), "name": entry.get("name")}
            for entry in plan.get(kind, ())
        ]
    told["jobs"] = [
        {**job, "options": Redactor(secrets, job.get("id") in private).value(job["options"])}
        if job.get("options")
        else job
        for job in plan.get("jobs", ())
    ]
    return {**plan, **told}


def _told_in(manifest: Mapping[str, Any], secrets: Secrets) -> dict[str, Any]:
    return {key: Redactor(secrets).value(manifest[key]) for key in _TELLING & manifest.keys()}


def _secrets_of(run: Run, result: JobResult) -> Iterator[str]:
    """What a job's probe declared secret, from the one column that holds it."""
    import pyarrow.parquet as parquet

    path = run.path / "samples" / f"{result.id}.parquet"
    if not path.exists():
        return
    with parquet.ParquetFile(path) as stored:
        if "secrets" in stored.schema_arrow.names:
            for batch in stored.iter_batches(columns=["secrets"]):
                for text in batch.column("secrets").to_pylist():
                    yield from (secret for secret in json.loads(text) if secret.strip())


def media_asked(row: SampleRow) -> Iterator[str]:
    """Hashes of the pictures and clips that a sample's questions showed."""
    for entry in row.exchange:
        for part in entry.get("parts", ()):
            yield from (part[kind] for kind in ("image", "audio") if kind in part)


def _media_of(run: Run, results: Iterable[JobResult]) -> Iterator[str]:
    folder = run.path / "media"
    if folder.is_dir() and any(folder.iterdir()):
        for result in results:
            for row in run.samples(result.id):
                yield from media_asked(row)
