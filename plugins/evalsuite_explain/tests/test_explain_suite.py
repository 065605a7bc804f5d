"""The suite explainability: what fits each model runs, everything else says why not."""

from __future__ import annotations

import json

import pytest

from evalsuite.cli import run
from evalsuite.store import Run
from evalsuite_controls.data import digits, sounds

REASONING = {
    f"explain/{probe}{where}"
    for probe in ("early-answering", "mistake-injection", "unmentioned-hint")
    for where in ("", " on stairs")
}


def asked(what, *further, choice=True):
    """Sanity checks, the agreement, and attributions of what a model answers."""
    kinds = ("sanity", "agreement", "attribution", *(["random-logit"] if choice else []))
    found = {f"explain/{kind} of {what}" for kind in kinds}
    return found | {f"explain/attribution of {name}" for name in further}


@pytest.mark.parametrize(
    ("model", "applicable"),
    [
        ("classifier-clean", asked("labels", "labels by occlusion")),
        (
            "text-clean",
            REASONING | asked("last words", "last words by occlusion", choice=False),
        ),
        ("digits-clean", asked("pictures")),
        ("sounds-clean", asked("sounds") - {"explain/agreement of sounds"}),
        ("asr-clean", {"explain/attribution of transcripts"}),
    ],
)
def test_each_model_is_asked_what_it_can_answer(capsys, model, applicable):
    assert run(["check", "explainability", "-m", f"control:{model}", "--json"]) == 0
    jobs = json.loads(capsys.readouterr().out)["plan"]["jobs"]
    assert {job["label"] for job in jobs if job["applicable"]} == applicable


def test_a_users_own_file_is_explained_in_one_command(tmp_path, capsys):
    path = tmp_path / "reviews.jsonl"
    path.write_text('{"text": "a good film"}\n{"text": "a bad film with a bad end"}\n')
    told = ["run", "explain", "-m", "control:classifier-clean", "--set", f"path={path}"]
    assert run([*told, "-q", "-o", str(tmp_path / "run")]) == 0
    (done,) = Run.open(tmp_path / "run").results
    rows = list(Run.open(tmp_path / "run").samples(done.id))
    assert [row.status for row in rows] == ["ok", "ok"]
    assert all({"word_scores", "curve", "insertion_curve"} <= row.record.keys() for row in rows)


@pytest.mark.parametrize(("medium", "file"), [("image", "digit.png"), ("audio", "bell.wav")])
def test_own_pictures_and_clips_are_taken_by_the_name_of_their_column(
    tmp_path, capsys, medium, file
):
    part = (
        next(digits.digit_rows())["image"]
        if medium == "image"
        else next(sounds.sound_rows())["audio"]
    )
    (tmp_path / file).write_bytes(part)
    path = tmp_path / "mine.jsonl"
    path.write_text(json.dumps({"file": file, "text": "the digit five"}))
    model = "control:digits-clean" if medium == "image" else "control:sounds-clean"
    settings = {"path": path, medium: "file", "medium": medium, "target": "match"}
    told = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    assert run(["check", "explain", "-m", model, *told, "--json"]) == 0
    (job,) = json.loads(capsys.readouterr().out)["plan"]["jobs"]
    assert job["applicable"]


PUBLISHED = {
    "ngram:{data}/wikitext2/test.txt": {"lambada plausibility", "lambada attribution"},
    "control:classifier-clean": {
        "reviews", "reviews under text/contrast-pair pair=pair", "reviews under all changes",
        "edited words", "reviews attribution",
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
