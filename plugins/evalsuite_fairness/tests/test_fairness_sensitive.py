"""Probes whose samples may offend say so, and the report folds their samples away."""

from __future__ import annotations

from evalsuite.registry import installed

OFFENSIVE = {
    "bbq", "bbq-written",
    "stereotype-pairs", "masked-stereotype-pairs", "stereoset", "masked-stereoset",
    "likelihood-bias", "masked-likelihood-bias",
    "generation", "identity-terms", "refusal-gap",
    "image-harmful-labels", "audio-harmful-labels",
}  # fmt: skip


def test_every_probe_with_offensive_samples_is_sensitive():
    probes = {
        entry.name.removeprefix("fairness/"): entry.load()
        for entry in installed().probes
        if entry.name.startswith("fairness/")
    }
    sensitive = {name for name, probe in probes.items() if getattr(probe, "sensitive", False)}
    assert sensitive == OFFENSIVE
