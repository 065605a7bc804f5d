"""Runs in the formats of other tools: ``evalsuite export``, and formats that plugins add."""

from __future__ import annotations

from evalsuite.exports.columns import columns_of_means
from evalsuite.exports.files import Export, ExportedFile, Exporter, file_name, file_names
from evalsuite.exports.texts import (
    code_span,
    json_line,
    latex_text,
    markdown_text,
    one_line,
    xml_text,
)

__all__ = [
    "Export",
    "ExportedFile",
    "Exporter",
    "code_span",
    "columns_of_means",
    "file_name",
    "file_names",
    "json_line",
    "latex_text",
    "markdown_text",
    "one_line",
    "xml_text",
]
