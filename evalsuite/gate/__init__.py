"""Run x policy -> Gate: whether every rule holds, with the exit code that says so."""

from __future__ import annotations

from evalsuite.gate.judging import judge
from evalsuite.gate.records import SIGNS, Check, Gate

__all__ = ["SIGNS", "Check", "Gate", "judge"]
