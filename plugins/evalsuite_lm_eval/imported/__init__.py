"""Logs of other harnesses as runs: lm-evaluation-harness and Inspect."""
