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


PUBLISHED = {
    "ngram:{data}/wikitext2/test.txt": {"lambada plausibility", "lambada fidelity"},
    "control:classifier-clean": {
        "reviews", "reviews under text/contrast-pair pair=pair", "reviews under all changes",
        "edited words", "reviews faithfulness",
    },
    "control:shapes-clean": {"drawn objects"},
    "control:sounds-clean": {"sounds"},
    "control:asr-clean": {"spoken words"},
}  # fmt: skip


@pytest.mark.parametrize("model", PUBLISHED)
def test_each_model_is_asked_what_it_can_answer_on_published_data(capsys, data, model):
    found = ["check", "explainability-published", "--set", f"data={data}", "--json"]
    assert run([*found, "-m", model.format(data=data)]) == 0
    jobs = json.loads(capsys.readouterr().out)["plan"]["jobs"]
    assert {job["label"] for job in jobs if job["applicable"]} == PUBLISHED[model]
