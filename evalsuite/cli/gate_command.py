"""``evalsuite gate``: hold a run against a policy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.text import Text

from evalsuite.cli.conventions import (
    answer,
    installed_file,
    json_option,
    notes,
    print_json,
)
from evalsuite.documents import write_atomically

if TYPE_CHECKING:
    from evalsuite.gate import Check, Gate

STYLES = {"passed": "green", "failed": "bold red", "skipped": "dim", "incomplete": "bold red"}


@click.command("gate", short_help="Hold a run against a policy; exit 1 where it fails.")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--policy", required=True, help="A policy file, or the name of an installed one.")
@click.option("--baseline", type=click.Path(path_type=Path), help="The run to compare with.")
@click.option("--junit", type=click.Path(path_type=Path), help="Also write JUnit XML there.")
@click.option("--markdown", type=click.Path(path_type=Path), help="Also write Markdown there.")
@click.option("--allow-incomplete", is_flag=True, help="Judge a run that did not end.")
@click.option("--allow-different-data", is_flag=True, help="Compare what both runs have.")
@json_option
def command(
    run: Path,
    policy: str,
    baseline: Path | None,
    junit: Path | None,
    markdown: Path | None,
    allow_incomplete: bool,
    allow_different_data: bool,
    as_json: bool,
) -> int:
    """Hold every estimate of RUN that a policy names against what it demands.

    \b
    evalsuite gate runs/new --policy release.yaml
    evalsuite gate runs/new --policy release.yaml --baseline runs/old --junit gate.xml
    evalsuite show policy:quickstart                 an example of a policy

    Exits with 0 when every check passes, 1 when one fails, 3 when the run is not complete.
    """  # noqa: D301
    from evalsuite.exports.gate_report import gate_junit, gate_markdown
    from evalsuite.gate import judge
    from evalsuite.policy import read_policy
    from evalsuite.store import Run

    judged = Run.open(run)
    gate = judge(
        read_policy(installed_file("policy", policy)),
        judged,
        Run.open(baseline) if baseline else None,
        allow_incomplete=allow_incomplete,
        allow_different_data=allow_different_data,
    )
    if junit is not None:
        write_atomically(junit, gate_junit(gate, str(judged.manifest.get("started", ""))))
    if markdown is not None:
        write_atomically(markdown, gate_markdown(gate))
    if as_json:
        print_json(gate.to_json())
    else:
        _print(answer(), gate)
    if gate.verdict == "failed":
        notes().print(f"Next: evalsuite report {run} -o report.html", soft_wrap=True)
    return int(gate.exit_code)


def _print(console: Console, gate: Gate) -> None:
    """All checks by rule, why some fail, and the verdict last."""
    from evalsuite.exports import one_line

    widths = _Widths(
        max(len(one_line(check.model)) for check in gate.checks),
        max(len(one_line(check.subject)) for check in gate.checks),
        max(len(check.demand) for check in gate.checks),
    )
    rule = None
    for check in gate.checks:
        if check.rule != rule:
            rule = check.rule
            console.print(Text(one_line(rule), style="bold"), soft_wrap=True)
        console.print(_line(check, widths), soft_wrap=True)
    console.print(Text(one_line(gate.sentence), style=STYLES[gate.verdict]), soft_wrap=True)


@dataclass(frozen=True)
class _Widths:
    """Characters of three columns."""

    model: int
    subject: int
    demand: int


def _line(check: Check, widths: _Widths) -> Text:
    """Outcome, model, estimate, demand, figure, margin, and why it does not hold, in columns."""
    from evalsuite.exports import one_line
    from evalsuite.gate import SIGNS

    line = Text(f"  {SIGNS[check.outcome]:<9}", style=STYLES[check.outcome])
    told = (
        f"  {one_line(check.model):<{widths.model}}  {one_line(check.subject):<{widths.subject}}  "
        f"{check.demand:<{widths.demand}}  {_figure(check.figure):>8}"
    )
    margin = "" if math.isnan(check.margin) else f"  margin {check.margin:+.3g}"
    because = f"  {one_line(check.why)}" if check.why else ""
    return line.append(f"{told}{margin:<16}{because}".rstrip(), style="")


def _figure(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.4g}"
