"""Puts the page together: data from the other modules, markup from the template."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalsuite import __version__
from evalsuite.documents import write_atomically
from evalsuite.redaction import RedactedRun, redacted
from evalsuite.report.comparisons import comparisons
from evalsuite.report.controls import validations
from evalsuite.report.downloads import downloads, files_of
from evalsuite.report.explorer import MAX_MEDIA, MAX_SAMPLES, explore
from evalsuite.report.methods import methods
from evalsuite.report.panels import panels
from evalsuite.report.provenance import provenance
from evalsuite.report.scorecard import blocks
from evalsuite.report.sections import sections
from evalsuite.report.shell import assets, environment, policy
from evalsuite.report.subjects import with_distinct_models
from evalsuite.report.verdicts import plain_account, verdicts
from evalsuite.report.wording import plain_utf8
from evalsuite.sealing import is_sealed
from evalsuite.store import Run, with_distinct_names

# The order matters: rules for print override those above them.
_STYLES = ("explorer.css", "forest.css", "scorecard.css", "report.css")
_EXPLORER = "text samples filters words pictures clips faithful sample gallery link keys start"
_SCRIPTS = ("theme.js", "sorting.js", *(f"explorer/{name}.js" for name in _EXPLORER.split()))
# Of a page that is served while a run goes on.
_LIVE_STYLES, _LIVE_SCRIPTS = ("live.css",), ("live.js",)


@dataclass(frozen=True)
class Budget:
    """How large a page may grow.

    Attributes:
        max_bytes: Of the whole page.
        media: Pictures and clips of each probe.
        samples: Of all probes together.
    """

    max_bytes: int = 5 * 2**20
    media: int = MAX_MEDIA
    samples: int = MAX_SAMPLES


def write(
    runs: Sequence[Run],
    path: Path,
    budget: Budget | None = None,
    *,
    allow_different_data: bool = False,
    show_private: bool = False,
) -> Path:
    """Render runs into a file, whole or not at all; raises StoreError when it cannot be written."""
    page = render(
        runs, budget, allow_different_data=allow_different_data, show_private=show_private
    )
    write_atomically(path, plain_utf8(page))
    return path


def render(
    runs: Sequence[Run],
    budget: Budget | None = None,
    *,
    allow_different_data: bool = False,
    live: str = "",
    show_private: bool = False,
) -> str:
    """The page of one or more runs, the first model of those that share a probe as the baseline.

    Samples and media take what the rest leaves of the budget, and the page says which are in it.
    Larger than the budget it is only where estimates and charts alone are.

    Args:
        runs: Run directories, opened.
        budget: How large the page may grow; 5 MiB without.
        allow_different_data: Compare the common part of what runs saw, where it is not the same;
            without, the page says that they were not compared, and why.
        live: Names this state of the runs, for a page whose server is asked for a newer one.
        show_private: Show secrets and personal data, which are hidden by span otherwise; the page
            says so.
    """
    budget = budget or Budget()
    privacy = _privacy(runs, show_private)
    originals = with_distinct_names(runs if show_private else [redacted(run) for run in runs])
    named = with_distinct_models(originals)
    facts = _facts(originals, named, allow_different_data, live)
    template = environment().get_template("report.html.j2")
    limit, before = budget.max_bytes * 4 // 5, math.inf
    while True:
        explorer = explore(named, limit, budget.samples, budget.media)
        page = template.render(
            facts,
            privacy=privacy,
            explorer=explorer,
            downloads=downloads(facts["files"], explorer.lines),
        )
        size = len(plain_utf8(page))
        if size <= budget.max_bytes or size >= before:
            return page
        limit, before = max(0, explorer.n_bytes - (size - budget.max_bytes)), size


def _facts(
    originals: Sequence[Run], named: Sequence[Run], allow_different_data: bool, live: str
) -> dict[str, Any]:
    """What the template shows beside samples, by the names that it uses."""
    everything = [result for run in named for result in run.results]
    results = [result for result in everything if not result.variant]
    specifications: dict[str, Any] = {}
    validated = validations(results, _models(named))
    compared = comparisons(named, results, allow_different_data)
    found = verdicts(results)
    style = assets(_STYLES + (_LIVE_STYLES if live else ()))
    script = assets(_SCRIPTS + (_LIVE_SCRIPTS if live else ()))
    made = panels(results, validated, compared, specifications)
    families = {panel.family for panel in made}
    drawn = sections(named, everything, specifications)
    return {
        "title": _title(originals),
        "descriptions": _descriptions(originals),
        "version": __version__,
        "live": live,
        "policy": policy(style, script, may_ask_its_server=bool(live)),
        "style": style,
        "script": script,
        "account": plain_account(results),
        "verdicts": [v for v in found if v.is_about_anything],
        "unasked": [v.model for v in found if not v.is_about_anything],
        "standings": compared.standings,
        "refusals": compared.refusals,
        "blocks": blocks(results, compared.letters),
        "panels": made,
        "validations": validated,
        "methods": methods(results, compared),
        "family_sections": [section for section in drawn if section.family in families],
        "sections": [section for section in drawn if section.family not in families],
        "provenance": provenance(originals),
        "files": files_of(everything, specifications, compared.comparisons),
        "is_partial": any(result.status == "partial" for result in results),
        "is_complete": all(run.manifest.get("complete", True) for run in originals),
    }


def _privacy(runs: Sequence[Run], show_private: bool) -> str:
    """What the page says about secrets: ``shown``, ``sealed``, ``hidden``, or nothing to say."""
    if all(is_sealed(run) for run in runs):
        return "sealed"
    if not any(isinstance(redacted(run), RedactedRun) for run in runs):
        return ""
    return "shown" if show_private else "hidden"


def _title(runs: Sequence[Run]) -> str:
    names = dict.fromkeys(str(run.plan.get("suite_name", run.name)) for run in runs)
    return ", ".join(names)


def _descriptions(runs: Sequence[Run]) -> list[str]:
    """What the suites say of themselves."""
    return [t for t in dict.fromkeys(str(run.plan.get("description", "")) for run in runs) if t]


def _models(runs: Sequence[Run]) -> list[Mapping[str, Any]]:
    return [model for run in runs for model in run.plan.get("models", ())]
