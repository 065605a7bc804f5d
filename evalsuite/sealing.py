"""A sealed copy of a run directory: what its samples hold in secret is no longer in it."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets as randomness
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evalsuite.documents import read_json, write_json
from evalsuite.errors import StoreError
from evalsuite.redaction import RedactedRun, is_private, media_asked, redacted
from evalsuite.store import Run, SampleRow, Store

_SHA256 = re.compile(r"[0-9a-f]{64}")


def seal(runs: Sequence[Run], folders: Sequence[Path]) -> None:
    """Write a sealed copy of each run into its folder.

    Hidden are the spans that reports hide. Left out are the stored answers (their keys are hashes
    of whole prompts, from which a short secret could be guessed) and the media of private probes.
    For the same reason hashes of what private probes saw are replaced by keyed ones, under a key
    that is forgotten: runs that are sealed together can be compared, and runs sealed apart cannot.

    Raises:
        StoreError: A folder holds something already, or cannot be written.
    """
    for folder in folders:
        if folder.exists() and any(folder.iterdir() if folder.is_dir() else [folder]):
            raise StoreError(
                f"{folder} holds something already; a sealed copy goes into a new folder. Name "
                "another with `-o DIR`."
            )
    key = randomness.token_bytes(32)
    for run, folder in zip(runs, folders, strict=True):
        _Seal(run, key).write(folder)


def is_sealed(run: Run) -> bool:
    """Whether a run directory is a sealed copy."""
    return bool(run.manifest.get("sealed"))


def refuse_sealed(path: Path) -> None:
    """Raise StoreError for a sealed copy, which holds no answers to go on from."""
    if (path / "manifest.json").exists() and read_json(path / "manifest.json").get("sealed"):
        raise StoreError(
            f"{path} is a sealed copy of a run: it holds no answers, so it can be read, reported "
            "and compared, but neither resumed nor scored anew. Use the run that it was made from."
        )


@dataclass(frozen=True)
class _Seal:
    """One run on its way into a folder; ``key`` replaces hashes of what was private."""

    run: Run
    key: bytes

    def write(self, folder: Path) -> None:
        """Write all files, the manifest last."""
        shown = redacted(self.run)
        store = Store(folder)
        try:
            store.write_plan(self._plan(shown))
            for result in shown.results:
                store.write_result(result)
                rows = list(self._rows(shown, result.id))
                if (self.run.path / "samples" / f"{result.id}.parquet").exists():
                    store.write_samples(result.id, rows)
            for sha256 in self._kept_media():
                data = self.run.media(sha256)
                if data is not None:
                    store.write_media(sha256, data)
        finally:
            store.close()
        for path in folder.glob("responses.sqlite*"):
            path.unlink()
        fingerprints = self.run.path / "fingerprints.json"
        if fingerprints.exists():
            write_json(folder / "fingerprints.json", read_json(fingerprints))
        facts = {k: v for k, v in shown.manifest.items() if k not in ("files", "schema_version")}
        store.write_manifest({**facts, "sealed": True})

    def _plan(self, shown: Run) -> dict[str, Any]:
        """The plan, its sources' hashes replaced: that of a file of one secret would tell it."""
        private = {result.source for result in shown.results if is_private(result)}
        sources = [
            {**source, "fingerprint": self._keyed(str(source.get("fingerprint") or ""))}
            if source.get("name") in private
            else source
            for source in shown.plan.get("sources", ())
        ]
        return {**shown.plan, "sources": sources}

    def _rows(self, shown: Run, job_id: str) -> Iterator[SampleRow]:
        """The samples; recorded beside shown ones, to see which have lost something."""
        is_hidden = isinstance(shown, RedactedRun) and job_id in shown.private_jobs
        recorded = self.run.samples(job_id)
        for before, row in zip(recorded, shown.samples(job_id), strict=True):
            told = (row.id, row.record, row.exchange) == (before.id, before.record, before.exchange)
            if is_hidden or before.secrets or not told:
                row = replace(row, content_hash=self._keyed(row.content_hash))
            yield row

    def _keyed(self, value: str) -> str:
        if not value:
            return value
        return hmac.new(self.key, value.encode(), hashlib.sha256).hexdigest()

    def _kept_media(self) -> Iterator[str]:
        """What was kept for the report and no private probe showed."""
        folder = self.run.path / "media"
        kept = {path.name for path in folder.glob("*")} if folder.is_dir() else set()
        if kept:
            for result in self.run.results:
                if is_private(result):
                    for row in self.run.samples(result.id):
                        kept.difference_update(media_asked(row))
        yield from sorted(name for name in kept if _SHA256.fullmatch(name))
