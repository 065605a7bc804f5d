"""``jsonl``: every sample of every job as one line of JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evalsuite.exports.files import Export, ExportedFile
from evalsuite.exports.texts import json_line
from evalsuite.store import Run


def export(runs: Sequence[Run]) -> Export:
    """One line for each sample, answered or failed, in the order of the runs.

    Keys: ``run``, ``model``, ``probe``, ``label``, ``family``, ``sample`` (its id),
    ``content_hash`` (equal for equal data, whoever answered), ``status`` (``ok`` or ``failed``),
    ``reason``, ``sensitive`` (may hold secrets or offend), ``record`` and ``exchange`` (what was
    asked and answered). NaN is null; a lone surrogate is its JSON escape.
    """
    return Export((ExportedFile("samples.jsonl", _lines(runs)),))


def _lines(runs: Sequence[Run]) -> Iterator[bytes]:
    for run in runs:
        for result in run.results:
            for row in run.samples(result.id):
                yield json_line(
                    {
                        "run": run.name,
                        "model": result.model,
                        "probe": result.probe,
                        "label": result.label,
                        "family": result.family,
                        "sample": row.id,
                        "content_hash": row.content_hash,
                        "status": row.status,
                        "reason": row.reason,
                        "sensitive": result.sensitive,
                        "record": row.record,
                        "exchange": row.exchange,
                    }
                )
