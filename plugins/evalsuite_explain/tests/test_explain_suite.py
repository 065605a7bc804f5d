"""The suite explainability: what fits each model runs, everything else says why not."""

from __future__ import annotations

import json

import pytest

from evalsuite.cli import run

TEXT = {f"explain/text-{kind}" for kind in ("faithfulness", "fidelity", "sanity", "agreement")}
CONTINUATION = {f"explain/continuation-{kind}" for kind in ("fidelity", "sanity", "agreement")}
REASONING = {"explain/early-answering", "explain/mistake-injection", "explain/unmentioned-hint"}
IMAGE = {f"explain/image-{kind}" for kind in ("occlusion", "fidelity", "sanity", "agreement")}
AUDIO = {f"explain/audio-{kind}" for kind in ("occlusion", "fidelity", "sanity")}


@pytest.mark.parametrize(
    ("model", "applicable"),
    [
        ("classifier-clean", TEXT | {"explain/text-fidelity by occlusion"}),
        ("text-clean", CONTINUATION | REASONING | {"explain/continuation-fidelity by occlusion"}),
        ("digits-clean", IMAGE),
        ("sounds-clean", AUDIO),
        ("asr-clean", {"explain/transcript-fidelity"}),
    ],
)
def test_each_model_is_asked_what_it_can_answer(capsys, model, applicable):
    assert run(["check", "explainability", "-m", f"control:{model}", "--json"]) == 0
    jobs = json.loads(capsys.readouterr().out)["plan"]["jobs"]
    assert {job["label"] for job in jobs if job["applicable"]} == applicable
