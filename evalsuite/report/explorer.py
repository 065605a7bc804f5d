"""The samples inside the page: what was asked, what was answered, and the record, by model."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

from evalsuite.probe import ANSWERS, answer_of
from evalsuite.report.compared import COLUMN, shortened
from evalsuite.report.listing import Listed, listed
from evalsuite.report.media import small_media
from evalsuite.report.wording import plain_utf8
from evalsuite.store import JobResult, Run, SampleRow

# Above these a page holds a seeded subset, and says so.
MAX_SAMPLES = 400
MAX_MEDIA = 16
MAX_TEXT = 600
MAX_EXCHANGES = 4
# What samples and media may take together of a page that stays under 5 MiB.
MAX_BYTES = 4 * 2**20

_PICTURES = ("word_scores", "map", "map_hz", COLUMN)


@dataclass(frozen=True)
class Explorer:
    """What the page's script shows, and what stands there without it.

    Attributes:
        probes: JSON-able: label, family, models and headline column of each probe.
        samples: JSON-able: the samples of each probe, in the order of ``probes``.
        media: By sha256: the data: URI of a picture, or what the player of a clip needs.
        left_out: How many samples are not in the page.
    """

    probes: tuple[Mapping[str, Any], ...]
    samples: tuple[tuple[Mapping[str, Any], ...], ...]
    media: Mapping[str, Any]
    left_out: int = 0

    @property
    def packed(self) -> str:
        """Probes and media as base64 of gzip; the same data give the same bytes."""
        document = {"probes": self.probes, "media": self.media}
        return base64.b64encode(_gzip(json.dumps(document, ensure_ascii=False))).decode()

    @property
    def lines(self) -> bytes:
        """The samples as gzip of JSON Lines."""
        made = [
            json.dumps({"probe": probe["label"], **sample}, ensure_ascii=False)
            for probe, samples in zip(self.probes, self.samples, strict=True)
            for sample in samples
        ]
        return _gzip("\n".join(made))

    @property
    def note(self) -> str:
        """What was left out, in one sentence; empty when nothing was."""
        if not self.left_out:
            return ""
        most = max(len(samples) for samples in self.samples)
        return (
            f"{self.left_out:,} samples are not in this page, which keeps at most {most:,} of "
            "each probe: failed ones first, up to half of them, then a subset drawn by the run's "
            "seed. The run directory has all of them, and every estimate is made of all of them."
        )

    def listed(self, kind: str) -> list[Listed]:
        """The first samples that failed (``failed``) or on which models differ (``differs``).

        Besides, where models do not differ, the first transcripts with errors (``erring``).
        """
        return listed(self.probes, self.samples, kind)


def explore(runs: Sequence[Run], limit: int = MAX_BYTES) -> Explorer:
    """Gather the samples of all jobs of all runs, as many as ``limit`` bytes hold."""
    found, total = _gather(runs)
    kept, media = MAX_SAMPLES, MAX_MEDIA
    small = cache(partial(small_media, tuple(runs)))  # made once, however often the page is packed
    while True:
        explorer = _pack(small, found, total, kept, media)
        of_media, of_samples = len(explorer.packed), 4 * len(explorer.lines) // 3
        if of_media + of_samples <= limit or (kept <= 1 and media <= 0):
            return explorer
        media //= 2
        if media == 0 or of_samples > limit // 2:
            kept = max(1, kept // 2)


def _gather(runs: Sequence[Run]) -> tuple[list[tuple[dict[str, Any], list[dict[str, Any]]]], int]:
    """Every probe with its chosen samples, most wanted first, and how many samples there are."""
    found, total = [], 0
    jobs = [(run, job) for run in runs for job in run.results if job.n_samples]
    for label in dict.fromkeys(job.label for _, job in jobs):
        here = [(run, job) for run, job in jobs if job.label == label]
        places = _places(here)
        if not places:
            continue
        total += len(places)
        order = _order(places, here[0][0].plan.get("seed", 0))[:MAX_SAMPLES]
        samples = _samples(here, {key: places[key].place for key in order})
        probe = {
            "label": label,
            "family": here[0][1].family,
            "sensitive": any(job.sensitive for _, job in here),
            "models": list(dict.fromkeys(job.model for _, job in here)),
            "headline": _headline(samples),
        }
        found.append((probe, [_judged(sample) for sample in samples]))
    return found, total


# A sample is the same in two runs when its id and its content are.
_Key = tuple[str, str]


@dataclass
class _Place:
    """Where a sample stands in its source, and whether some model could not answer it."""

    place: int
    has_failed: bool = False


def _places(jobs: Sequence[tuple[Run, JobResult]]) -> dict[_Key, _Place]:
    places: dict[_Key, _Place] = {}
    for run, job in jobs:
        for row in run.samples(job.id):
            found = places.setdefault((row.id, row.content_hash), _Place(len(places)))
            found.has_failed = found.has_failed or row.status == "failed"
    return places


def _order(places: Mapping[_Key, _Place], seed: int) -> list[_Key]:
    """All samples, the most wanted first: failed and seeded ones by turns, then the other seeded.

    The seeded order is that by which a run keeps media, so that what is shown can be seen.
    """

    def drawn(key: _Key) -> str:
        return hashlib.sha256(plain_utf8(f"{seed}:{key[0]}")).hexdigest()

    seeded = sorted(places, key=drawn)
    failed = [key for key in seeded if places[key].has_failed]
    first = [key for pair in zip(failed, seeded, strict=False) for key in pair]
    return list(dict.fromkeys([*first, *failed, *seeded]))


def _samples(
    jobs: Sequence[tuple[Run, JobResult]], places: Mapping[_Key, int]
) -> list[dict[str, Any]]:
    models: dict[_Key, dict[str, Any]] = {key: {} for key in places}
    for run, job in jobs:
        for row in run.samples(job.id):
            if (row.id, row.content_hash) in models:
                models[row.id, row.content_hash][job.model] = _entry(row)
    return [
        {"id": key[0], "place": places[key], "models": entries} for key, entries in models.items()
    ]


def _in_source_order(
    samples: Sequence[Mapping[str, Any]], media: Mapping[str, Any]
) -> tuple[Mapping[str, Any], ...]:
    """Those whose picture or clip can be seen or heard first, then as the source has them."""
    return tuple(sorted(samples, key=lambda s: (not _is_seen(s, media), s["place"])))


def _headline(samples: Sequence[Mapping[str, Any]]) -> str:
    """The column that says most in one line: the answer, else the first number of the record."""
    records = [e["record"] for s in samples for e in s["models"].values() if e["record"]]
    columns = records[0] if records else {}
    numbers = [name for name, value in columns.items() if isinstance(value, float)]
    wanted = (*ANSWERS, "correct", *numbers, *columns)
    return next((n for n in wanted if n in columns and n not in _PICTURES), "")


def _judged(sample: Mapping[str, Any]) -> dict[str, Any]:
    entries = list(sample["models"].values())
    failed = any(entry["status"] == "failed" for entry in entries)
    said = {json.dumps(_telling(entry), sort_keys=True) for entry in entries}
    return {**sample, "failed": failed, "differs": len(said) > 1}


def _telling(entry: Mapping[str, Any]) -> Any:
    """What two models must share to agree: the answer, else everything that is no measurement."""
    if entry["status"] == "failed":
        return "failed"
    record = entry["record"]
    answer = answer_of(record)
    if answer is None:
        answer = record.get("correct")
    if answer is not None:
        return answer
    return {
        name: value
        for name, value in record.items()
        if name not in _PICTURES and (not isinstance(value, float) or value in (0.0, 0.5, 1.0))
    }


# A picture or clip made small, by kind and sha256; None where the runs have not kept it.
_Small = Callable[[str, str], Any]


def _pack(
    small: _Small,
    found: Sequence[tuple[dict[str, Any], list[dict[str, Any]]]],
    total: int,
    kept: int,
    n_media: int,
) -> Explorer:
    media: dict[str, Any] = {}
    samples = []
    for _, chosen in found:
        part = chosen[:kept]
        _add_media(small, part, media, n_media)
        samples.append(_in_source_order(part, media))
    probes = tuple(probe for probe, _ in found)
    explorer = Explorer(probes, tuple(samples), media)
    return replace(explorer, left_out=total - sum(map(len, samples)))


def _entry(row: SampleRow) -> dict[str, Any]:
    return {
        "status": row.status,
        "reason": _short(row.reason),
        "record": _record(row.record),
        "exchange": [_short_exchange(entry) for entry in row.exchange[:MAX_EXCHANGES]],
    }


def _record(record: Mapping[str, Any]) -> dict[str, Any]:
    """What the page keeps of a record: pictures whole, alignments and texts shortened."""
    kept = {**record, COLUMN: shortened(record)}
    return {
        key: value if key in _PICTURES else _short(value)
        for key, value in kept.items()
        if value is not None
    }


def _short(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, str) and len(value) > MAX_TEXT:
        return value[:MAX_TEXT] + " …"
    return value


def _short_exchange(entry: Mapping[str, Any]) -> dict[str, Any]:
    parts = [{key: _short(value) for key, value in p.items()} for p in entry.get("parts", ())]
    answer = entry.get("answer", {})
    brief = {
        key: _short(value)
        for key, value in answer.items()
        if value is not None and (not isinstance(value, list) or 0 < len(value) <= 12)
    }
    return {
        "asked": entry.get("asked", ""),
        "parts": parts,
        "detail": {k: _short(v) for k, v in entry.get("detail", {}).items() if v},
        "answer": brief,
    }


def _parts(sample: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What the first question about a sample carried, by any model."""
    return [
        part
        for entry in sample["models"].values()
        for exchange in entry["exchange"][:1]
        for part in exchange["parts"]
    ]


def _add_media(
    small: _Small, samples: Sequence[Mapping[str, Any]], media: dict[str, Any], most: int
) -> None:
    """Inline the kept pictures and clips of the first samples that have any."""
    added = 0
    for part in (part for sample in samples for part in _parts(sample)):
        kind = "image" if "image" in part else "audio"
        sha256 = part.get(kind)
        if sha256 is None or sha256 in media or added >= most:
            continue
        made = small(kind, sha256)
        if made is not None:
            media[sha256] = made
            added += 1


def _is_seen(sample: Mapping[str, Any], media: Mapping[str, Any]) -> bool:
    """Whether what was asked about a sample is in the page; true for text."""
    names = ((part.get("image") or part.get("audio") or "") for part in _parts(sample))
    return all(name == "" or name in media for name in names)


def _gzip(text: str) -> bytes:
    return gzip.compress(plain_utf8(text), mtime=0)
