"""Runs as logs of lm-evaluation-harness."""
