"""Runs -> a static site: reports that stay, leaderboards, the history of each model, feeds.

    site.json              what is on the site, in the order in which it came
    runs/ID/               the public part of each run, a run directory again
    reports/ID.html        one page that never changes
    index.html, leaderboards/, models/, feed.atom, feed.json    made anew of all runs each time

Links are relative and nothing is fetched, so that the site works on any host of static files and
from a folder. The same runs published in the same order give the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from evalsuite.documents import write_atomically
from evalsuite.report import Budget, render
from evalsuite.report.wording import plain_utf8
from evalsuite.site import archive, catalogue
from evalsuite.site.pages import pages
from evalsuite.store import Run

__all__ = ["Published", "publish"]


@dataclass(frozen=True)
class Published:
    """What came of publishing.

    Attributes:
        index: The site's first page.
        added: Pages of reports that are new.
        kept: Pages of reports that were there already, and stay as they were.
    """

    index: Path
    added: tuple[Path, ...]
    kept: tuple[Path, ...]


def publish(
    runs: Sequence[Run],
    folder: Path,
    *,
    together: bool = False,
    title: str | None = None,
    url: str | None = None,
    budget: Budget | None = None,
) -> Published:
    """Add runs to a site, which is begun where there is none.

    Args:
        runs: Run directories, opened.
        folder: Of the site.
        together: One report that compares all runs, instead of one for each.
        title: Of the site; without, as it was.
        url: Where it will be served, for its feeds; without, as it was.
        budget: How large each report may grow.

    Raises:
        UsageError: The folder holds something else, or a run is none that can be published.
        StoreError: The disk is full or read-only, or a part of the site is damaged.
    """
    site = catalogue.read(folder)
    site = replace(
        site,
        title=site.title if title is None else title,
        url=site.url if url is None else _with_slash(url),
    )
    ids = [archive.run_id(run) for run in runs]
    for run, name in zip(runs, ids, strict=True):
        if not (folder / "runs" / name / "plan.json").exists():
            archive.keep(run, folder / "runs" / name)
    groups = [tuple(range(len(runs)))] if together else [(place,) for place in range(len(runs))]
    reports = [catalogue.report_of([ids[place] for place in group]) for group in groups]
    added: list[Path] = []
    for group, report in zip(groups, reports, strict=True):
        path = folder / report.path
        if not path.exists():
            own = [runs[place] for place in group]
            write_atomically(path, plain_utf8(render(own, budget)))
            added.append(path)
        site = site.with_report(report)
    catalogue.write(site, folder)
    kept = {name: replace(Run.open(folder / "runs" / name), name=name) for name in site.runs}
    for place, page in pages(site, kept).items():
        write_atomically(folder / place, page)
    before = tuple(folder / r.path for r in reports if folder / r.path not in added)
    return Published(folder / "index.html", tuple(added), before)


def _with_slash(url: str) -> str:
    return url if not url or url.endswith("/") else f"{url}/"
