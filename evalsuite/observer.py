"""Who is told how a run goes on: progress bars, or nobody."""

from __future__ import annotations

from typing import Protocol

from evalsuite.plan import Job
from evalsuite.store import JobResult, SampleRow


class Observer(Protocol):
    """Told what happens, for progress bars; every method may do nothing."""

    def model_loading(self, model: str) -> None:
        """A model's weights are about to be read."""

    def job_started(self, job: Job, n_samples: int, column: str | None) -> None:
        """The samples are about to be asked; ``column`` is the record's entry worth averaging."""

    def sample_finished(self, job: Job, row: SampleRow) -> None:
        """One sample has its record, or a reason why not."""

    def job_finished(self, result: JobResult) -> None:
        """The estimates of a job are on disk."""


class Silent:
    """An observer that shows nothing."""

    def model_loading(self, model: str) -> None:
        """Nothing."""

    def job_started(self, job: Job, n_samples: int, column: str | None) -> None:
        """Nothing."""

    def sample_finished(self, job: Job, row: SampleRow) -> None:
        """Nothing."""

    def job_finished(self, result: JobResult) -> None:
        """Nothing."""
