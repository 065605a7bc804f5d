r"""``latex``: a booktabs table of the primary estimates with their intervals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evalsuite.exports.files import Export, ExportedFile
from evalsuite.exports.texts import latex_text
from evalsuite.metric import Estimate
from evalsuite.report.subjects import with_distinct_models
from evalsuite.report.verdicts import shown
from evalsuite.report.wording import interval, null, number
from evalsuite.store import JobResult, Run

HEAD = r"""% Needs \usepackage{booktabs}. LuaLaTeX and XeLaTeX take letters of any script;
% pdfLaTeX needs an encoding for those beyond Latin.
\begin{tabular}{@{}llrlrl@{}}
\toprule
Measure & Model & Estimate & Interval & $n$ & Null \\
"""
FOOT = "\\bottomrule\n\\end{tabular}\n"


def export(runs: Sequence[Run]) -> Export:
    """One table: a group of rows for each measure, a row in it for each model.

    An undefined estimate is a dash. Intervals at another level than 95 % say theirs.
    """
    named = with_distinct_models(runs)
    table = HEAD + "".join(_groups([r for run in named for r in run.results])) + FOOT
    return Export((ExportedFile("table.tex", [table.encode()]),), tuple(_notes(named)))


def _groups(results: Sequence[JobResult]) -> Iterator[str]:
    measures: dict[tuple[str, str], list[tuple[JobResult, Estimate]]] = {}
    for result in results:
        for estimate in shown(result):
            measures.setdefault((result.label, estimate.metric), []).append((result, estimate))
    for (label, metric), rows in measures.items():
        yield "\\midrule\n"
        for place, (result, estimate) in enumerate(rows):
            yield _row("" if place else f"{label}: {metric}", result.model, estimate)


def _row(measure: str, model: str, estimate: Estimate) -> str:
    bounds = interval(estimate)
    if bounds and estimate.level != 0.95:
        bounds += f" at {estimate.level:g}"
    written = number(estimate.value)
    cells = (
        latex_text(measure),
        latex_text(model),
        "---" if written == "n/a" else _figure(written),
        _signed(latex_text(bounds)),
        f"{estimate.n}",
        _signed(latex_text(null(estimate)).replace("±", r"$\pm$")),
    )
    return " & ".join(cells) + " \\\\\n"


def _figure(written: str) -> str:
    return f"${written}$".replace(",", "{,}")


def _signed(written: str) -> str:
    return written.replace("-", "$-$")


def _notes(runs: Sequence[Run]) -> Iterator[str]:
    results = [result for run in runs for result in run.results]
    silent = sum(not r.estimates and r.status != "not applicable" for r in results)
    if silent:
        yield f"{silent} jobs without any estimate are left out of the table."
