"""What a run shows while it goes on: bars on a terminal, one line per job elsewhere."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Protocol

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from evalsuite.cli.conventions import notes
from evalsuite.cli.estimates import figure, interval, primary
from evalsuite.foreign_text import MAX_REASON, beginning, written_out
from evalsuite.observer import Observer, Silent
from evalsuite.plan import Job
from evalsuite.store import JobResult, SampleRow


class ObserverContext(Observer, Protocol):
    """An observer that is switched on and off."""

    def __enter__(self) -> ObserverContext:
        """Begin to show."""
        ...

    def __exit__(self, *error: object) -> None:
        """Stop showing."""
        ...


def make_observer(quiet: bool) -> ObserverContext:
    """Bars on a terminal, lines elsewhere, nothing when quiet."""
    if quiet:
        return _Nothing()
    return Bars(notes()) if sys.stderr.isatty() else Lines(notes())


class _Nothing(Silent):
    def __enter__(self) -> _Nothing:
        return self

    def __exit__(self, *error: object) -> None:
        return None


def _summary(result: JobResult) -> str:
    """A finished job in one line."""
    if result.status == "failed":
        return f"failed: {beginning(result.reason, MAX_REASON)}"
    parts = [f"{e.metric} {figure(e.value)} {interval(e)}".strip() for e in primary(result)]
    failed = f"; {result.n_failed} of {result.n_samples} failed" if result.n_failed else ""
    return "; ".join(parts) + failed


class Lines(Silent):
    """One line for each model and finished job."""

    def __init__(self, console: Console) -> None:
        """Write to a console."""
        self.console = console

    def __enter__(self) -> Lines:
        """Nothing to begin."""
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing to end."""

    def model_loading(self, model: str) -> None:
        """Name the model."""
        self.console.print(f"loading {model}", soft_wrap=True)

    def job_finished(self, result: JobResult) -> None:
        """Name the job and its primary estimates."""
        line = f"{result.model}  {result.label}: {_summary(result)} ({result.seconds:.1f} s)"
        self.console.print(line, soft_wrap=True)


class _Rate(ProgressColumn):
    """Samples per second since the job's first sample finished."""

    def render(self, task: Task) -> Text:
        """The rate, or nothing yet."""
        speed = task.speed or task.finished_speed
        return Text(f"{speed:6.1f}/s" if speed else "      –", style="dim")


@dataclass
class _Tally:
    """Failures and the running mean of one job."""

    column: str | None
    n_failed: int = 0
    n: int = 0
    total: float = 0.0

    def add(self, row: SampleRow) -> None:
        self.n_failed += row.status == "failed"
        value = row.record.get(self.column) if self.column else None
        if isinstance(value, int | float):
            self.n += 1
            self.total += value

    def text(self) -> str:
        mean = f"{escape(str(self.column))} {self.total / self.n:.3f}" if self.n else ""
        failed = f"[red]{self.n_failed} failed[/red]" if self.n_failed else ""
        return "  ".join(part for part in (mean, failed) if part)


class Bars(Silent):
    """A bar for each job: done, rate, time left, failures and the running mean."""

    def __init__(self, console: Console) -> None:
        """Draw on a console."""
        self.console = console
        self.progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            _Rate(),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[note]}"),
            console=console,
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}
        self._tallies: dict[str, _Tally] = {}

    def __enter__(self) -> Bars:
        """Begin to draw."""
        self.progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Leave a clean terminal."""
        self.progress.stop()

    def model_loading(self, model: str) -> None:
        """Name the model above the bars."""
        self.progress.print(Text(f"loading {model}", style="dim"))

    def job_started(self, job: Job, n_samples: int, column: str | None) -> None:
        """Add a bar."""
        name = written_out(f"{job.model}  {job.label}")
        self._tasks[job.id] = self.progress.add_task(name, total=n_samples, note="")
        self._tallies[job.id] = _Tally(column)

    def sample_finished(self, job: Job, row: SampleRow) -> None:
        """Advance a bar."""
        tally = self._tallies[job.id]
        tally.add(row)
        self.progress.update(self._tasks[job.id], advance=1, note=tally.text())

    def job_finished(self, result: JobResult) -> None:
        """Replace the bar by a line with the result."""
        task = self._tasks.pop(result.id, None)
        if task is not None:
            self.progress.remove_task(task)
        line = f"{result.model}  {result.label}: {_summary(result)}"
        self.progress.print(Text(line))
