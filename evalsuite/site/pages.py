"""The pages of a site, from what its runs found: index, leaderboards, models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evalsuite import __version__
from evalsuite.report.shell import assets, environment, policy
from evalsuite.report.verdicts import plain_account
from evalsuite.report.wording import plain_utf8, short
from evalsuite.site import feeds
from evalsuite.site.catalogue import Catalogue, Report
from evalsuite.site.history import History, histories
from evalsuite.site.leaderboard import Leaderboard, leaderboard
from evalsuite.site.measurements import date_of, day, measures
from evalsuite.store import Run

_PACKAGE = "evalsuite.site"


@dataclass(frozen=True)
class Listed:
    """One report in the index.

    Attributes:
        report: Its page.
        title: Names of its suites.
        date: When its newest run was planned; ``day`` is the day of it.
        models: What the site calls its models.
        account: Its findings in one sentence.
    """

    report: Report
    title: str
    date: str
    models: tuple[str, ...]
    account: str

    @property
    def day(self) -> str:
        """The date without the time of day."""
        return day(self.date)


def pages(catalogue: Catalogue, runs: Mapping[str, Run]) -> dict[str, bytes]:
    """Every page and feed that follows from the runs, by its path below the site's folder."""
    names = names_of(list(runs.values()))
    boards, past = _found(catalogue, runs, names)
    listed = _listed(catalogue, runs, names)
    write = _Writer(catalogue.title)
    made = {
        "index.html": write("index", "", listed=listed, leaderboards=boards, histories=past),
        **{
            f"leaderboards/{board.measure.slug}.html": write(
                "leaderboard", "../", leaderboard=board, histories={h.model: h for h in past}
            )
            for board in boards
        },
        **{f"models/{h.slug}.html": write("model", "../", history=h) for h in past},
    }
    entries = [_entry(item) for item in listed]
    return {
        **made,
        feeds.ATOM: feeds.atom(catalogue.title, catalogue.url, entries),
        feeds.JSON_FEED: feeds.json_feed(catalogue.title, catalogue.url, entries),
    }


def names_of(runs: Sequence[Run]) -> dict[str, str]:
    """What a site calls each model: its short name, where no other model has the same."""
    models = dict.fromkeys(result.model for run in runs for result in run.results)
    counts = Counter(short(model) for model in models)
    return {model: short(model) if counts[short(model)] == 1 else model for model in models}


def _found(
    catalogue: Catalogue, runs: Mapping[str, Run], names: dict[str, str]
) -> tuple[list[Leaderboard], list[History]]:
    """Leaderboards and histories; each run leads to the first report that it is in."""
    home = {name: report.path for report in reversed(catalogue.reports) for name in report.runs}
    found = measures([(runs[name], home[name]) for name in catalogue.runs])
    return [leaderboard(measure, names) for measure in found], histories(found, names)


def _listed(
    catalogue: Catalogue, runs: Mapping[str, Run], names: Mapping[str, str]
) -> list[Listed]:
    """All reports, the newest first."""
    made = []
    for report in catalogue.reports:
        own = [runs[name] for name in report.runs]
        results = [result for run in own for result in run.results if not result.variant]
        models = dict.fromkeys(names[result.model] for result in results)
        titles = dict.fromkeys(str(run.plan.get("suite_name", "")) or run.name for run in own)
        newest = max(date_of(run) for run in own)
        account = plain_account(results)
        made.append(Listed(report, ", ".join(titles), newest, tuple(models), account))
    return sorted(made, key=lambda item: (item.date, item.report.id), reverse=True)


def _entry(item: Listed) -> feeds.Entry:
    return feeds.Entry(item.report.id, item.title, item.date, item.report.path, item.account)


class _Writer:
    """Writes pages of one site, whose style and script are the same everywhere."""

    def __init__(self, title: str) -> None:
        self._environment = environment(_PACKAGE)
        style = "\n".join((assets(("forest.css",)), assets(("report.css",)), _own("site.css")))
        script = assets(("theme.js", "sorting.js"))
        self._shared = {
            "site_title": title,
            "version": __version__,
            "policy": policy(style, script),
            "style": style,
            "script": script,
        }

    def __call__(self, name: str, root: str, **facts: object) -> bytes:
        template = self._environment.get_template(f"{name}.html.j2")
        return plain_utf8(template.render(self._shared, root=root, **facts))


def _own(name: str) -> str:
    return assets((name,), _PACKAGE)
