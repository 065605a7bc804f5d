"""Registers the ``api:`` scheme."""

from __future__ import annotations

api_version = 1
