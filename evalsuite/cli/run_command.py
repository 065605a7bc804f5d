"""``evalsuite run``: run a suite, leaving a run directory."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from evalsuite.cli.conventions import answer, echo, json_option, notes, print_json
from evalsuite.cli.estimates import estimates_document, print_estimates
from evalsuite.cli.progress import make_observer
from evalsuite.cli.selection import Selection, plan_of, selection_options
from evalsuite.documents import read_json
from evalsuite.errors import ExitCode, StoreError, UsageError
from evalsuite.executor import cache_directory
from evalsuite.foreign_text import MAX_REASON, beginning
from evalsuite.plan import Plan
from evalsuite.planner import command_line, make_plan
from evalsuite.redaction import redacted
from evalsuite.registry import installed
from evalsuite.response_store import Responses
from evalsuite.run import Settings, execute
from evalsuite.sealing import refuse_sealed
from evalsuite.store import JobResult, Run, Store
from evalsuite.suite import parse_suite


@click.command("run", short_help="Run a suite, leaving a run directory.")
@click.argument("suite", required=False)
@selection_options
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The run directory.")
@click.option(
    "--resume", type=click.Path(path_type=Path), help="Go on with an unfinished run directory."
)
@click.option(
    "--max-failures",
    type=click.FloatRange(0, 1),
    default=0.1,
    show_default=True,
    help="Share of a job's samples that may fail before the run counts as incomplete.",
)
@click.option("--cache", is_flag=True, help="Reuse answers of earlier runs of the same model.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@json_option
def command(
    suite: str | None,
    output: Path | None,
    resume: Path | None,
    max_failures: float,
    cache: bool,
    quiet: bool,
    as_json: bool,
    **selection: Any,
) -> int:
    """Run SUITE (a name from `evalsuite list suites`, or a YAML file).

    \b
    evalsuite run quickstart
    evalsuite run suite.yaml -m hf:gpt2 --limit 100
    evalsuite run --resume runs/2026-01-01-quickstart

    Everything that was asked and answered is kept in the run directory, whose path is printed
    last. Ctrl-C finishes the batch in flight; the run can then be resumed.
    """  # noqa: D301
    plan, directory = _plan_and_directory(suite, output, resume, Selection(**selection))
    return run_plan(
        plan, directory, max_failures=max_failures, cache=cache, quiet=quiet, as_json=as_json
    )


def run_suite_text(
    text: str, directory: Path, *, quiet: bool = False, as_json: bool = False
) -> int:
    """Run the text of a suite into a new run directory, as ``evalsuite run`` does.

    For commands of plugins that write a suite instead of reading one.
    """
    refuse_known_run(directory)
    plan = make_plan(parse_suite(text), installed(), command=command_line())
    return run_plan(plan, directory, quiet=quiet, as_json=as_json)


def run_plan(
    plan: Plan,
    directory: Path,
    *,
    max_failures: float = 0.1,
    cache: bool = False,
    quiet: bool = False,
    as_json: bool = False,
) -> int:
    """Run a plan, print its estimates and the directory; returns the exit status."""
    store = Store(directory)
    shared = Responses(_made(cache_directory()) / "responses.sqlite") if cache else None
    try:
        with _graceful_interrupt() as interrupted:
            observer = make_observer(quiet)
            settings = Settings(should_stop=lambda: bool(interrupted), shared_cache=shared)
            with observer:
                complete = execute(plan, store, installed(), observer, settings)
    finally:
        store.close()
    results = redacted(Run.open(directory)).results  # a terminal is read by whoever passes
    if as_json:
        print_json(
            {"run": str(directory), "complete": complete, "jobs": estimates_document(results)}
        )
    else:
        print_estimates(answer(), results)
    code = exit_code(results, complete, max_failures)
    _explain(results, code, directory)
    if not as_json:
        echo(str(directory))
    return int(code)


def exit_code(results: tuple[JobResult, ...], complete: bool, max_failures: float) -> ExitCode:
    """The one function from which both the message and the exit status come."""
    if not complete:
        return ExitCode.INTERRUPTED
    for result in results:
        too_many = result.n_samples and result.n_failed > max_failures * result.n_samples
        if result.status in ("failed", "interrupted") or too_many:
            return ExitCode.INCOMPLETE
    return ExitCode.OK


def _plan_and_directory(
    suite: str | None, output: Path | None, resume: Path | None, selection: Selection
) -> tuple[Plan, Path]:
    if resume is not None:
        if suite is not None or output is not None:
            raise UsageError("--resume reads the plan in the run directory; give no suite or -o.")
        refuse_sealed(resume)
        return Plan.from_json(read_json(resume / "plan.json")), resume
    if suite is None:
        raise UsageError("Name a suite (`evalsuite list suites`), a suite file, or --resume RUN.")
    if output is not None:
        refuse_known_run(output)
    plan = plan_of(suite, selection)
    return plan, output or _new_directory(plan.suite_name)


def refuse_known_run(directory: Path) -> None:
    """Raise StoreError when a directory already holds a run."""
    if (directory / "plan.json").exists():
        raise StoreError(
            f"{directory} already holds a run. Go on with `evalsuite run --resume {directory}`, or "
            "choose another directory with -o."
        )


def _new_directory(name: str) -> Path:
    """runs/DATE-TIME-NAME, numbered when it exists."""
    stamp = datetime.now().astimezone().strftime("%Y-%m-%dT%H-%M-%S")
    base = Path("runs") / f"{stamp}-{re.sub(r'[^A-Za-z0-9_-]+', '-', name)}"
    candidate, number = base, 2
    while candidate.exists():
        candidate, number = base.with_name(f"{base.name}-{number}"), number + 1
    return candidate


def _made(directory: Path) -> Path:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"The cache {directory} cannot be created: {error}.") from error
    return directory


@contextmanager
def _graceful_interrupt() -> Iterator[list[int]]:
    """A list that is filled by the first Ctrl-C; the second one interrupts at once."""
    caught: list[int] = []

    def on_signal(number: int, frame: Any) -> None:
        if caught:
            raise KeyboardInterrupt
        caught.append(number)
        notes().print("Finishing the batch in flight; press Ctrl-C again to stop at once.")

    before = signal.signal(signal.SIGINT, on_signal)
    try:
        yield caught
    finally:
        signal.signal(signal.SIGINT, before)


def _explain(results: tuple[JobResult, ...], code: ExitCode, directory: Path) -> None:
    """Say on stderr what did not work, and the command to type next."""
    console = notes()
    for reason in dict.fromkeys(r.reason for r in results if r.status == "failed"):
        names = ", ".join(f"{r.label} on {r.model}" for r in results if r.reason == reason)
        console.print(Text.assemble(("Failed:", "bold"), f" {names}."), soft_wrap=True)
        console.print(f"  {beginning(reason, MAX_REASON)}", soft_wrap=True)
    for result in results:
        if result.status != "failed" and result.n_failed:
            kinds = ", ".join(f"{n} x {kind}" for kind, n in result.failures.items())
            console.print(
                f"{result.label} on {result.model}: {result.n_failed} of {result.n_samples} "
                f"samples failed ({kinds}); each is in the run with its reason.",
                soft_wrap=True,
            )
    if code is ExitCode.INTERRUPTED:
        console.print(f"Interrupted. Go on with: evalsuite run --resume {directory}")
    else:
        console.print(f"Next: evalsuite report {directory} -o report.html", soft_wrap=True)
