"""Puts the page together: data from the other modules, markup from the template."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from evalsuite import __version__
from evalsuite.documents import write_atomically
from evalsuite.report.charts import draw
from evalsuite.report.controls import validations
from evalsuite.report.downloads import downloads
from evalsuite.report.explorer import explore
from evalsuite.report.panels import panels
from evalsuite.report.provenance import provenance
from evalsuite.report.scorecard import blocks
from evalsuite.report.section import Section
from evalsuite.report.verdicts import plain_account, verdicts
from evalsuite.report.wording import short
from evalsuite.store import JobResult, Run


def write(runs: Sequence[Run], path: Path) -> Path:
    """Render runs into a file, whole or not at all; raises StoreError when it cannot be written."""
    write_atomically(path, render(runs).encode("utf-8", "replace"))
    return path


def render(runs: Sequence[Run]) -> str:
    """The page of one or more runs."""
    results = [result for run in runs for result in run.results]
    specifications: dict[str, Any] = {}
    family_panels = panels(results, specifications)
    explorer = explore(runs)
    found = verdicts(results)
    style, script = _asset("report.css"), _asset("report.js")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["short"] = short
    template = environment.from_string(_asset("report.html.j2", folder="templates"))
    return template.render(
        title=_title(runs),
        version=__version__,
        policy=_policy(style, script),
        style=style,
        script=script,
        account=plain_account(results),
        verdicts=found,
        unasked=[short(v.model) for v in found if not (v.findings or v.silent or v.unmeasured)],
        blocks=blocks(results),
        panels=family_panels,
        validations=validations(results, _models(runs)),
        explorer=explorer,
        sections=[_drawn(section) for section in _plugin_sections(runs)],
        provenance=provenance(runs),
        downloads=downloads(results, explorer.data, specifications),
        is_partial=any(result.status == "partial" for result in results),
        not_applicable=_not_applicable(results),
    )


def _title(runs: Sequence[Run]) -> str:
    names = dict.fromkeys(str(run.plan.get("suite_name", run.name)) for run in runs)
    return ", ".join(names)


def _models(runs: Sequence[Run]) -> list[Mapping[str, Any]]:
    return [model for run in runs for model in run.plan.get("models", ())]


def _not_applicable(results: Sequence[JobResult]) -> list[tuple[str, str, str]]:
    return [
        (result.label, short(result.model), result.reason)
        for result in results
        if result.status == "not applicable"
    ]


def _asset(name: str, folder: str = "assets") -> str:
    return files("evalsuite.report").joinpath(folder, name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """Nothing may load; exactly one style and one script, both by their hash, may apply."""

    def hash_of(text: str) -> str:
        digest = hashlib.sha256(text.encode()).digest()
        return f"'sha256-{base64.b64encode(digest).decode()}'"

    return (
        "default-src 'none'; img-src data:; media-src data:; base-uri 'none'; form-action 'none'; "
        f"style-src {hash_of(style)}; script-src {hash_of(script)}"
    )


def _plugin_sections(runs: Sequence[Run]) -> list[Section]:
    """What plugins add; one that fails becomes a note instead of costing the report."""
    from evalsuite.registry import installed

    sections: list[Section] = []
    for entry in installed().report_sections:
        try:
            sections += list(entry.load()(runs))
        except Exception as error:  # noqa: BLE001  a stranger's section must not cost the report
            note = f"The section of plugin {entry.plugin!r} failed: {type(error).__name__}: {error}"
            sections.append(Section(entry.name, (note,)))
    return sections


def _drawn(section: Section) -> dict[str, Any]:
    return {
        "title": section.title,
        "paragraphs": section.paragraphs,
        "tables": section.tables,
        "charts": [draw(chart) for chart in section.charts],
    }
