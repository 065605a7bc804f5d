"""What another model says of the same texts: asked now, or read from a run that asked it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from evalsuite import Failure, Probe, Request, Sample, UsageError
from evalsuite.second_model import SecondModel
from evalsuite.store import Run
from evalsuite_privacy.membership.scored_text import ScoredText


@dataclass(frozen=True)
class Asked:
    """One text: how to ask for it, and by what a run knows it.

    Attributes:
        request: What the model at hand was asked.
        content_hash: Of the sample.
    """

    request: Request
    content_hash: str


@dataclass(frozen=True)
class Reference:
    """A second model by name, or a run directory in which it answered the same probe.

    Attributes:
        name: ``scheme:reference``; or a run's folder, with ``#MODEL`` where the run had several.
        probe: What the names of the run's probes begin with that may have asked it.
        column: Of their records, without which a job is of no use.
    """

    name: str
    probe: str = "privacy/"
    column: str = "log_likelihood"

    @property
    def is_run(self) -> bool:
        """Whether it is a folder."""
        return Path(self.name.rpartition("#")[0] or self.name).is_dir() or Path(self.name).is_dir()

    def check(self, *requests: type[Request]) -> None:
        """Refuse a model that cannot be asked, and a run that does not say; loads no weights.

        Raises:
            UsageError: With what is legal.
        """
        if self.is_run:
            self.records()
        else:
            SecondModel(self.name).check(*requests)

    def totals(self, asked: Sequence[Asked]) -> list[float | None]:
        """Log-likelihood of each text in nats, in order; None where the reference has none."""
        if self.is_run:
            known = self.records()
            found = [known.get(one.content_hash) for one in asked]
            values = [None if record is None else record[self.column] for record in found]
            return [None if value is None else float(value) for value in values]
        answers, _ = SecondModel(self.name).answers([one.request for one in asked])
        given = [answers[one.request.digest] for one in asked]
        return [
            None if isinstance(answer, Failure) else ScoredText.of(answer).total  # type: ignore[arg-type]
            for answer in given
        ]

    def records(self) -> Mapping[str, Mapping[str, Any]]:
        """The run's records that have the column, by the content hash of their samples.

        Raises:
            UsageError: It has probes of several models, or no such record.
        """
        folder, _, model = (
            (self.name, "", "") if Path(self.name).is_dir() else (self.name.rpartition("#"))
        )
        run = Run.open(folder)
        jobs = [r for r in run.results if r.probe.startswith(self.probe)]
        models = sorted({job.model for job in jobs})
        if not model and len(models) != 1:
            raise UsageError(
                f"The reference run {folder} has privacy probes of {len(models)} models"
                f"{' (' + ', '.join(models) + ')' if models else ''}; name one as {folder}#MODEL."
            )
        found = {
            content_hash: record
            for job in jobs
            if job.model == (model or models[0])
            for content_hash, is_answered, record in run.outcomes(job.id)
            if is_answered and self.column in record
        }
        if not found:
            probe = self.probe if self.probe != "privacy/" else "privacy/membership-inference"
            raise UsageError(
                f"The reference run {folder} holds no {self.column.replace('_', '-')} of "
                f"{model or models[0]}; run {probe} on the reference model and the same data first."
            )
        return found


@dataclass(frozen=True, kw_only=True)
class ReferredProbe(Probe):
    """Base of probes that may take off what a reference model says of the same samples.

    Args:
        reference: A second model, or the directory of a run of this probe with one (``RUN#MODEL``
            where it had several).
    """

    reference: str = ""

    column: ClassVar[str] = "log_likelihood"

    def prepare(self, samples: Sequence[Sample]) -> Any:
        """Look at the reference before anything is asked."""
        del samples
        if self.reference:
            self.referred().check(*self.needs[:1])
        return None
        yield  # makes this a generator

    def referred(self) -> Reference:
        """The reference, which knows of a run what the probe's own records hold in ``column``."""
        return Reference(self.reference, self.name, self.column)
