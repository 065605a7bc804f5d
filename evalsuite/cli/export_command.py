"""``evalsuite export``: runs in the format of another tool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from evalsuite.cli.conventions import echo, emit, notes
from evalsuite.errors import NothingSelectedError, UnknownNameError, UsageError
from evalsuite.redaction import redacted
from evalsuite.registry import installed
from evalsuite.sealing import seal
from evalsuite.store import Run, with_distinct_names


@click.command("export", short_help="Write runs in the format of another tool.")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--to", "form", metavar="FORMAT", help="See `list exporters`.")
@click.option("--redact", is_flag=True, help="Write sealed copies of the run directories.")
@click.option(
    "--show-private",
    is_flag=True,
    help="Write secrets and personal data too, which are hidden otherwise.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="The file, or the folder of several; one file goes to stdout without it.",
)
@click.option("-m", "--model", "models", multiple=True, help="Only this model; may be repeated.")
def command(
    runs: tuple[Path, ...],
    form: str | None,
    redact: bool,
    show_private: bool,
    output: Path | None,
    models: tuple[str, ...],
) -> None:
    """Write RUNS in another tool's FORMAT, or sealed; prints the paths of what it wrote.

    \b
    evalsuite export runs/first --to csv -o estimates.csv
    evalsuite export runs/first --to markdown >> "$GITHUB_STEP_SUMMARY"
    evalsuite export runs/first --to model-card -m hf:gpt2 -o README.md
    evalsuite export runs/first --to lm-eval -o lm-eval-output
    evalsuite export runs/first --redact -o runs/first-sealed

    A sealed copy is a run directory without secrets, personal data and stored answers: it can be
    opened, reported and compared (with what was sealed in the same command), but not resumed.
    """  # noqa: D301
    if redact:
        _seal(runs, form, show_private, output, models)
        return
    if form is None:
        raise UsageError("Say what to write: `--to FORMAT` (see `list exporters`) or `--redact`.")
    from evalsuite.exports.files import Export, write

    exporter = installed().require("exporter", form).load()
    named = with_distinct_names([Run.open(run) for run in runs])
    opened = named if show_private else [redacted(run) for run in named]
    exported: Export = exporter(_of_models(opened, models))
    if not exported.files:
        raise NothingSelectedError(
            f"There is nothing to write as {form!r}: "
            f"{' '.join(exported.notes) or 'the runs have no results yet.'}"
        )
    for note in exported.notes:
        notes().print(f"Note: {note}", soft_wrap=True)
    if output is not None:
        for path in write(exported, output):
            echo(str(path))
        return
    if not exported.is_one_file:
        raise UsageError(
            f"The format {form!r} is several files of these runs; name a folder with `-o DIR`."
        )
    for part in exported.files[0].parts:
        emit(part)


def _seal(
    runs: Sequence[Path],
    form: str | None,
    show_private: bool,
    output: Path | None,
    models: Sequence[str],
) -> None:
    """One run into the folder itself, several into folders of their names within it."""
    if form is not None or show_private or models:
        raise UsageError("--redact copies whole runs: it takes no --to, --show-private or --model.")
    if output is None:
        raise UsageError("A sealed copy is a folder; name it with `-o DIR`.")
    opened = [Run.open(run) for run in runs]
    names = [f"{place}-{run.path.resolve().name}" for place, run in enumerate(opened, 1)]
    folders = [output] if len(opened) == 1 else [output / name for name in names]
    seal(opened, folders)
    for folder in folders:
        echo(str(folder))


def _of_models(runs: Sequence[Run], models: Sequence[str]) -> list[Run]:
    """The runs with the results of some models only; refuses a model that no run has."""
    if not models:
        return list(runs)
    known = {result.model for run in runs for result in run.results}
    for model in models:
        if model not in known:
            raise UnknownNameError(
                f"No run has a model {model!r}. They have: {', '.join(sorted(known)) or 'none'}."
            )
    return [
        replace(run, results=tuple(r for r in run.results if r.model in models)) for run in runs
    ]
