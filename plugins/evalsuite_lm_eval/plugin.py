"""Registers lm-evaluation-harness as a source of tasks, and the import of its logs."""

from __future__ import annotations

api_version = 1
