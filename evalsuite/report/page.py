"""Puts the page together: data from the other modules, markup from the template."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from evalsuite import __version__
from evalsuite.documents import write_atomically
from evalsuite.report.charts import draw
from evalsuite.report.comparisons import comparisons
from evalsuite.report.controls import validations
from evalsuite.report.curves import curves
from evalsuite.report.downloads import downloads
from evalsuite.report.explorer import explore
from evalsuite.report.forest import Forest
from evalsuite.report.gaps import gaps
from evalsuite.report.intersections import intersections
from evalsuite.report.methods import methods
from evalsuite.report.panels import panels
from evalsuite.report.provenance import provenance
from evalsuite.report.scorecard import blocks
from evalsuite.report.section import Section
from evalsuite.report.subjects import with_distinct_models
from evalsuite.report.verdicts import plain_account, verdicts
from evalsuite.report.wording import plain_utf8, visible
from evalsuite.store import JobResult, Run, with_distinct_names

# The order matters: rules for print override those above them.
_STYLES = ("explorer.css", "forest.css", "scorecard.css", "report.css")
_EXPLORER = "text samples filters words pictures clips sample gallery link keys start"
_SCRIPTS = ("theme.js", "sorting.js", *(f"explorer/{name}.js" for name in _EXPLORER.split()))


def write(runs: Sequence[Run], path: Path) -> Path:
    """Render runs into a file, whole or not at all; raises StoreError when it cannot be written."""
    write_atomically(path, plain_utf8(render(runs)))
    return path


def render(runs: Sequence[Run]) -> str:
    """The page of one or more runs."""
    originals = with_distinct_names(runs)
    named = with_distinct_models(originals)
    everything = [result for run in named for result in run.results]
    results = [result for result in everything if not result.variant]
    specifications: dict[str, Any] = {}
    validated = validations(results, _models(named))
    compared = comparisons(named, results)
    explorer = explore(named)
    found = verdicts(results)
    style, script = _assets(_STYLES), _assets(_SCRIPTS)
    return _template().render(
        title=_title(runs),
        version=__version__,
        policy=_policy(style, script),
        style=style,
        script=script,
        account=plain_account(results),
        verdicts=[v for v in found if v.is_about_anything],
        unasked=[v.model for v in found if not v.is_about_anything],
        standings=compared.standings,
        blocks=blocks(results, compared.letters),
        panels=panels(results, validated, compared, specifications),
        validations=validated,
        methods=methods(results, compared),
        explorer=explorer,
        sections=[*_own_sections(everything, specifications), *_plugin_sections(runs)],
        provenance=provenance(originals),
        downloads=downloads(everything, explorer.lines, specifications, compared.comparisons),
        is_partial=any(result.status == "partial" for result in results),
        is_complete=all(run.manifest.get("complete", True) for run in runs),
        not_applicable=_not_applicable(results),
    )


def _template() -> Template:
    """The page's template; whatever it prints is escaped and has no hidden characters."""
    environment = Environment(
        loader=PackageLoader("evalsuite.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=visible,
    )
    return environment.get_template("report.html.j2")


def _title(runs: Sequence[Run]) -> str:
    names = dict.fromkeys(str(run.plan.get("suite_name", run.name)) for run in runs)
    return ", ".join(names)


def _models(runs: Sequence[Run]) -> list[Mapping[str, Any]]:
    return [model for run in runs for model in run.plan.get("models", ())]


def _not_applicable(results: Sequence[JobResult]) -> list[tuple[str, str, str]]:
    return [
        (result.label, result.model, result.reason)
        for result in results
        if result.status == "not applicable"
    ]


def _assets(names: Sequence[str]) -> str:
    """Several files as the one style or script that the page's policy lets apply."""
    folder = files("evalsuite.report") / "assets"
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in names)


def _policy(style: str, script: str) -> str:
    """Nothing may load; exactly one style and one script, both by their hash, may apply."""

    def hash_of(text: str) -> str:
        digest = hashlib.sha256(text.encode()).digest()
        return f"'sha256-{base64.b64encode(digest).decode()}'"

    return (
        "default-src 'none'; img-src data:; media-src data:; base-uri 'none'; form-action 'none'; "
        f"style-src {hash_of(style)}; script-src {hash_of(script)}"
    )


def _own_sections(
    results: Sequence[JobResult], specifications: dict[str, Any]
) -> list[dict[str, Any]]:
    """Gaps, intersections, and curves over harder data; their charts join the downloads."""
    sections = [*gaps(results), *intersections(results), *curves(results)]
    for chart in (chart for section in sections for chart in section.charts):
        specification = chart.specification if isinstance(chart, Forest) else chart
        specifications[str(specification["description"])] = dict(specification)
    return [_drawn(section) for section in sections]


def _plugin_sections(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """What plugins add, drawn; a section that fails becomes a note instead of costing the page."""
    from evalsuite.registry import installed

    sections: list[dict[str, Any]] = []
    for entry in installed().report_sections:
        try:
            sections += [_drawn(section) for section in entry.load()(runs)]
        except Exception as error:  # noqa: BLE001  a stranger's section must not cost the report
            note = f"The section of plugin {entry.plugin!r} failed: {type(error).__name__}: {error}"
            sections.append(_drawn(Section(entry.name, (note,))))
    return sections


def _drawn(section: Section) -> dict[str, Any]:
    return {
        "title": section.title,
        "paragraphs": section.paragraphs,
        "tables": section.tables,
        "charts": [c.svg if isinstance(c, Forest) else draw(c) for c in section.charts],
    }
