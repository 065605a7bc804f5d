"""``evalsuite power``: how many samples a difference takes."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path

import click
from rich.text import Text

from evalsuite.cli.conventions import answer, json_option, plain_table, print_json
from evalsuite.compare import Asked, Need, needs
from evalsuite.errors import UsageError
from evalsuite.report.wording import number, visible
from evalsuite.statistics import (
    Design,
    PairedMeans,
    PairedProportions,
    UnpairedMeans,
    UnpairedProportions,
    detectable_with,
    units_for,
)
from evalsuite.store import Run

SIZES = (30, 100, 300, 1000, 3000, 10_000)
Share = click.FloatRange(0, 1, min_open=True, max_open=True)


@click.command("power", short_help="Say how many samples a difference takes.")
@click.argument("runs", nargs=-1, type=click.Path(path_type=Path))
@click.option("--effect", type=click.FloatRange(0, min_open=True), default=0.02, show_default=True)
@click.option("--power", type=Share, default=0.8, show_default=True, help="Chance to find it.")
@click.option("--alpha", type=Share, default=0.05, show_default=True, help="Of the test.")
@click.option("--unpaired", is_flag=True, help="Each model on samples of its own.")
@click.option("--rate", type=Share, help="Yes/no answers: the share of right ones.")
@click.option("--discordance", type=Share, help="Yes/no, paired: share on which just one is right.")
@click.option("--sd", type=click.FloatRange(0, min_open=True), help="Scores: standard deviation.")
@click.option(
    "--correlation",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.5,
    show_default=True,
    help="Of the two models' scores, where no pairs were observed.",
)
@json_option
def command(
    runs: tuple[Path, ...],
    effect: float,
    power: float,
    alpha: float,
    unpaired: bool,
    rate: float | None,
    discordance: float | None,
    sd: float | None,
    correlation: float,
    as_json: bool,
) -> None:
    """Plan n: from the variance that RUNS observed, or from numbers of your own.

    \b
    evalsuite power runs/pilot --effect .02
    evalsuite power --rate .8 --effect .02 --unpaired
    evalsuite power --discordance .1 --effect .02
    evalsuite power --sd .3 --correlation .7 --effect .05
    """  # noqa: D301
    asked = Asked(effect, alpha, power, not unpaired, correlation)
    given = [value is not None for value in (rate, discordance, sd)]
    if bool(runs) == any(given) or sum(given) > 1:
        raise UsageError(
            "`evalsuite power` plans from run directories, or from one of --rate, --discordance "
            "and --sd; give one of these four."
        )
    if runs:
        _print_needs(needs([Run.open(run) for run in runs], asked), asked, as_json)
    else:
        _print_design(_design(rate, discordance, sd, asked), asked, as_json)


def _design(
    rate: float | None, discordance: float | None, sd: float | None, asked: Asked
) -> Design:
    shared = asked.correlation
    if discordance is not None:
        if not asked.paired:
            raise UsageError("--discordance is of pairs; with --unpaired give --rate.")
        return PairedProportions(discordance)
    if rate is not None:
        # Two equal rates whose answers correlate by ρ disagree on 2·p·(1 − p)·(1 − ρ).
        is_paired = asked.paired
        apart = 2 * rate * (1 - rate) * (1 - shared)
        return PairedProportions(apart) if is_paired else UnpairedProportions(rate)
    assert sd is not None
    return PairedMeans(sd * math.sqrt(2 * (1 - shared))) if asked.paired else UnpairedMeans(sd)


def _print_design(design: Design, asked: Asked, as_json: bool) -> None:
    chance = {"alpha": asked.alpha, "power": asked.power}
    needed = units_for(design, asked.effect, **chance)
    sizes = {n: detectable_with(design, n, **chance) for n in SIZES}
    kind = type(design).__name__
    if as_json:
        rows = [{"n": n, "detectable": value} for n, value in sizes.items()]
        facts = {name: v for name, v in asdict(design).items() if v != math.inf}  # type: ignore[call-overload]
        print_json({"design": kind, **facts, **asdict(asked), "n_needed": needed, "sizes": rows})
        return
    console = answer()
    table = plain_table("n", "smallest difference found")
    for n, value in sizes.items():
        table.add_row(f"{n:,}", "none" if math.isnan(value) else number(value))
    console.print(table)
    console.print(Text(_sentence(needed, asked)), soft_wrap=True)


def _sentence(needed: float, asked: Asked) -> str:
    of = "pairs" if asked.paired else "samples of each model"
    how = f"with {asked.power:.0%} power at alpha {asked.alpha:g}"
    if math.isnan(needed):
        return f"A difference of {asked.effect:g} is larger than any there can be."
    return f"{needed:,.0f} {of} find a difference of {asked.effect:g} {how}."


def _print_needs(found: list[Need], asked: Asked, as_json: bool) -> None:
    if as_json:
        print_json({**asdict(asked), "needs": [asdict(need) for need in found]})
        return
    console = answer()
    table = plain_table("probe: metric", "unit", "n now", "found now", f"n for {asked.effect:g}")
    for need in found:
        table.add_row(
            Text(visible(f"{need.label}: {need.metric}")),
            Text(visible(need.unit)),
            f"{need.n_now:,}",
            "none" if math.isnan(need.detectable_now) else number(need.detectable_now),
            "none" if math.isnan(need.n_needed) else f"{need.n_needed:,.0f}",
        )
    console.print(table)
    kinds = "on the same samples" if asked.paired else "on samples of their own"
    console.print(
        Text(
            f"Differences between two models {kinds} that are found with {asked.power:.0%} power "
            f"at alpha {asked.alpha:g}, one test by itself."
        ),
        soft_wrap=True,
    )
