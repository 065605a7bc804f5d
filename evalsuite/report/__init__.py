"""Runs -> one self-contained HTML page.

``render`` returns the page as text, ``write`` puts it on disk. The page opens from a double-click,
without a network, and is the same bytes whenever it is made of the same runs.
"""

from __future__ import annotations

from evalsuite.report.charts import CONFIG as CHART_CONFIG
from evalsuite.report.forest import Forest
from evalsuite.report.page import Budget, render, write
from evalsuite.report.section import Cell, Section, Table

__all__ = ["CHART_CONFIG", "Budget", "Cell", "Forest", "Section", "Table", "render", "write"]
