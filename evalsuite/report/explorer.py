"""The samples inside the page: what was asked, what was answered, and the record, by model."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from typing import Any

from evalsuite.report.choice import Job, candidates, in_order_of_want, shares
from evalsuite.report.entries import samples_of
from evalsuite.report.listing import Listed, listed
from evalsuite.report.media import small_media
from evalsuite.report.noteworthy import headline
from evalsuite.report.wording import plain_utf8
from evalsuite.store import Run

# Above these a page holds a part only, and says so: samples of all probes, media of each.
MAX_SAMPLES = 2400
MAX_MEDIA = 16
# What samples and media may take together of a page that stays under 5 MiB.
MAX_BYTES = 4 * 2**20


@dataclass(frozen=True)
class Explorer:
    """What the page's script shows, and what stands there without it.

    Attributes:
        probes: JSON-able, of each probe: label, family, whether its texts are sensitive, models
            with their mean seconds a sample, headline column, and ``n``, how many samples its
            runs have.
        samples: JSON-able: the samples of each probe, in the order of ``probes``.
        media: By sha256: the data: URI of a picture, or what the player of a clip needs.
    """

    probes: tuple[Mapping[str, Any], ...]
    samples: tuple[tuple[Mapping[str, Any], ...], ...]
    media: Mapping[str, Any]

    @cached_property
    def packed(self) -> str:
        """Probes and media as base64 of gzip; the same data give the same bytes."""
        document = {"probes": self.probes, "media": self.media}
        return base64.b64encode(_gzip(json.dumps(document, ensure_ascii=False))).decode()

    @cached_property
    def lines(self) -> bytes:
        """The samples as gzip of JSON Lines, for the script and for the download alike.

        A sample's questions stand once in its line, whichever of its models were asked them.
        """
        made = [
            json.dumps({"probe": probe["label"], **sample}, ensure_ascii=False)
            for probe, samples in zip(self.probes, self.samples, strict=True)
            for sample in samples
        ]
        return _gzip("\n".join(made))

    @property
    def n_bytes(self) -> int:
        """What all of it takes of the page."""
        return len(self.packed) + 4 * len(self.lines) // 3

    @property
    def left_out(self) -> int:
        """How many samples are not in the page."""
        return sum(int(probe["n"]) for probe in self.probes) - sum(map(len, self.samples))

    @property
    def note(self) -> str:
        """What was left out and how the rest was chosen; empty when nothing was."""
        if not self.left_out:
            return ""
        most = max(len(samples) for samples in self.samples)
        return (
            f"{self.left_out:,} samples are not in this page, which keeps at most {most:,} of "
            "each probe. Up to half of these are noteworthy, by turns: failed, refused, flagged, "
            "and such on which models differ; the others were drawn by the run's seed (in the "
            "order of the sha256 of seed and id). The run directory has all of them, and every "
            "estimate is made of all of them."
        )

    def listed(self, kind: str) -> list[Listed]:
        """The first samples of a kind: ``failed``, ``refused``, ``flagged`` or ``differs``.

        Besides, where models do not differ, the first transcripts with errors (``erring``).
        """
        return listed(self.probes, self.samples, kind)


def explore(
    runs: Sequence[Run], limit: int = MAX_BYTES, most: int = MAX_SAMPLES, media: int = MAX_MEDIA
) -> Explorer:
    """Gather the samples of all jobs of all runs: ``most``, and as many as ``limit`` bytes hold.

    ``media`` pictures and clips of each probe come with them, as long as they fit.
    """
    found = _gather(runs, most)
    kept = sum(len(samples) for _, samples in found)
    small = cache(partial(small_media, tuple(runs)))  # made once, however often the page is packed
    while True:
        explorer = _pack(small, found, kept, media)
        of_samples = 4 * len(explorer.lines) // 3
        if explorer.n_bytes <= limit or (kept <= len(found) and media <= 0):
            return explorer
        media //= 2
        if media == 0 or of_samples > limit // 2:
            kept = int(kept * min(0.9, limit / 2 / of_samples))


# A probe's facts, and its chosen samples, most wanted first.
_Found = tuple[dict[str, Any], list[dict[str, Any]]]


def _gather(runs: Sequence[Run], most: int) -> list[_Found]:
    jobs: dict[str, list[Job]] = {}
    for run in runs:
        for job in run.results:
            if job.n_samples:
                jobs.setdefault(job.label, []).append((run, job))
    known = {label: candidates(own) for label, own in jobs.items()}
    labels = [label for label in jobs if known[label]]
    found = []
    for label, share in zip(labels, shares([len(known[name]) for name in labels], most)):
        all_of_it, own = known[label], jobs[label]
        order = in_order_of_want(all_of_it, own[0][0].plan.get("seed", 0))[:share]
        samples = samples_of(own, {key: all_of_it[key] for key in order})
        found.append((_probe(label, own, len(all_of_it), samples), samples))
    return found


def _probe(
    label: str, jobs: Sequence[Job], n: int, samples: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    records = [entry["record"] for sample in samples for entry in sample["models"].values()]
    return {
        "label": label,
        "family": jobs[0][1].family,
        "sensitive": any(job.sensitive for _, job in jobs),
        "models": {job.model: float(f"{job.seconds / job.n_samples:.3g}") for _, job in jobs},
        "headline": headline(records),
        "n": n,
    }


def _in_source_order(
    samples: Sequence[Mapping[str, Any]], media: Mapping[str, Any]
) -> tuple[Mapping[str, Any], ...]:
    """Those whose picture or clip can be seen or heard first, then as the source has them."""
    return tuple(sorted(samples, key=lambda s: (not _is_seen(s, media), s["place"])))


# A picture or clip made small, by kind and sha256; None where the runs have not kept it.
_Small = Callable[[str, str], Any]


def _pack(small: _Small, found: Sequence[_Found], kept: int, n_media: int) -> Explorer:
    media: dict[str, Any] = {}
    samples = []
    for (_, chosen), share in zip(found, shares([len(own) for _, own in found], kept)):
        part = chosen[:share]
        _add_media(small, part, media, n_media)
        samples.append(_in_source_order(part, media))
    return Explorer(tuple(probe for probe, _ in found), tuple(samples), media)


def _parts(sample: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What the first question of each model about a sample carried."""
    firsts = {
        entry["exchange"][0]["question"] for entry in sample["models"].values() if entry["exchange"]
    }
    return [part for index in sorted(firsts) for part in sample["questions"][index]["parts"]]


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
