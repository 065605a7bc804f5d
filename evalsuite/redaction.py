"""Runs as reports, exports and terminals may show them: secrets and personal data hidden, by span.

Two things are hidden. What a probe declared secret (``Probe.secrets``) is hidden wherever it
occurs in its run: in questions, answers and records of any probe. What has the form of personal
data is hidden in the texts of privacy probes and of probes that are marked sensitive. The run
directory itself keeps everything; ``sealing.py`` writes a copy that does not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from evalsuite.personal_data import PatternDetector
from evalsuite.store import JobResult, Run, SampleRow

HIDDEN_SECRET = "[hidden secret]"
# A PIN has four digits; smaller numbers are counts.
_LEAST_TELLING = 1000
_WORD = re.compile(r"\w+")
_Span = tuple[int, int, str]
_PATTERNS = PatternDetector()
# What a plan and a manifest hold of the user's own words.
_TELLING = frozenset({"suite_text", "parameters", "command", "models"})


@dataclass(frozen=True)
class Secrets:
    """Texts to find again, whatever their case, spacing and punctuation; linear in a text.

    Found as whole words; the ``own`` ones of a sample are also found inside of words.
    """

    texts: frozenset[str]

    @cached_property
    def _by_first_word(self) -> Mapping[str, tuple[tuple[str, ...], ...]]:
        found: dict[str, set[tuple[str, ...]]] = {}
        for text in self.texts:
            words = tuple(word.casefold() for word in _WORD.findall(text))
            if words:
                found.setdefault(words[0], set()).add(words)
        return {first: tuple(sorted(some, key=len)) for first, some in found.items()}

    def spans(self, text: str) -> Iterator[_Span]:
        """Where a secret stands, word by word."""
        if not self.texts:
            return
        places = [(m.start(), m.end(), m[0].casefold()) for m in _WORD.finditer(text)]
        for start, (begin, _, first) in enumerate(places):
            for words in self._by_first_word.get(first, ()):
                said = places[start : start + len(words)]
                if tuple(word for _, _, word in said) == words:
                    yield begin, said[-1][1], HIDDEN_SECRET


@dataclass(frozen=True)
class Redactor:
    """Hides spans of texts.

    Attributes:
        secrets: All secrets of a run.
        with_patterns: Whether personal data are hidden too.
        own: The secrets of one sample, found as parts of words too.
    """

    secrets: Secrets = field(default_factory=lambda: Secrets(frozenset()))
    with_patterns: bool = False
    own: tuple[str, ...] = ()

    def text(self, text: str) -> str:
        """The text with ``[hidden KIND]`` in the place of every span; others may not be told."""
        spans = self._merged(text)
        if not spans:
            return text
        pieces, place = [], 0
        for start, end, shown in spans:
            pieces += [text[place:start], shown]
            place = end
        return "".join((*pieces, text[place:]))

    def value(self, value: Any) -> Any:
        """A JSON-able value, its texts hidden all the way down, keys and JSON in texts included."""
        if isinstance(value, str):
            return self._json(value) if value[:1] in ("[", "{") else self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(name)): self.value(item) for name, item in value.items()}
        if isinstance(value, list | tuple):
            pieces = self._pieces(value) if _are_texts(value) else map(self.value, value)
            return type(value)(pieces)
        if isinstance(value, int) and abs(value) >= _LEAST_TELLING:
            return value if self.text(str(value)) == str(value) else HIDDEN_SECRET
        return value

    def _json(self, text: str) -> str:
        """A text that holds JSON: what is escaped in it would not be found."""
        try:
            document = json.loads(text)
        except ValueError:
            return self.text(text)
        hidden = self.value(document)
        return text if hidden == document else json.dumps(hidden, ensure_ascii=False)

    def _pieces(self, pieces: Sequence[str]) -> list[str]:
        """Tokens or words: a span that only their sequence spells is hidden too."""
        shown = list(pieces)
        for between in ("", " "):
            joined = between.join(pieces)
            spans, place = self._merged(joined), 0
            for index, piece in enumerate(pieces):
                end = place + len(piece)
                kinds = [kind for start, stop, kind in spans if start < end and place < stop]
                shown[index] = kinds[0] if kinds and piece else shown[index]
                place = end + len(between)
        return shown

    def _merged(self, text: str) -> list[_Span]:
        """All spans; those that overlap become one, called after the first."""
        merged: list[_Span] = []
        for start, end, kind in sorted(self._spans(text)):
            if merged and start < merged[-1][1]:
                begin, last, first = merged.pop()
                start, end, kind = begin, max(end, last), first
            merged.append((start, end, kind))
        return merged

    def _spans(self, text: str) -> Iterator[_Span]:
        yield from self.secrets.spans(text)
        for own in self.own:
            if own.strip():
                pattern = re.compile(re.escape(own.strip()), re.IGNORECASE)
                yield from ((m.start(), m.end(), HIDDEN_SECRET) for m in pattern.finditer(text))
        if self.with_patterns:
            for found in _PATTERNS.find(text):
                yield found.start, found.end, f"[hidden {found.kind}]"

    def row(self, row: SampleRow) -> SampleRow:
        """A sample as it may be shown; what was secret of it is no longer told."""
        redactor = replace(self, own=row.secrets)
        return replace(
            row,
            id=redactor.text(row.id),
            reason=redactor.text(row.reason),
            record=redactor.value(dict(row.record)),
            exchange=redactor.value(tuple(row.exchange)),
            secrets=(),
        )

    def result(self, result: JobResult) -> JobResult:
        """A job's result, its reasons, slices and options hidden where they tell."""
        estimates = tuple(
            replace(
                e,
                slice=self.text(e.slice),
                reason=None if e.reason is None else self.text(e.reason),
                extra={k: self.text(v) if isinstance(v, str) else v for k, v in e.extra.items()},
            )
            for e in result.estimates
        )
        return replace(
            result,
            reason=self.text(result.reason),
            failures={self.text(kind): n for kind, n in result.failures.items()},
            options=self.value(dict(result.options)),
            estimates=estimates,
        )


def _are_texts(value: Sequence[Any]) -> bool:
    return bool(value) and all(isinstance(item, str) for item in value)


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
    """

    secrets: Secrets = field(default_factory=lambda: Secrets(frozenset()))
    private_jobs: frozenset[str] = frozenset()
    hidden_media: frozenset[str] = frozenset()

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

    def media(self, sha256: str) -> bytes | None:
        """A kept picture or clip, unless a privacy probe was about it."""
        return None if sha256 in self.hidden_media else super().media(sha256)

    @property
    def recorded(self) -> Run:
        """The same with its samples as they were recorded, for what is computed and not shown."""
        return Run(self.path, self.name, self.plan, self.manifest, self.results)


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
                    yield from json.loads(text)


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
