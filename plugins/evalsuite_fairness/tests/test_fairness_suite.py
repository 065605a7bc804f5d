"""The suite fairness: what fits each model runs, everything else says why not."""

from __future__ import annotations

import json

import pytest

from evalsuite.cli import run


@pytest.fixture
def jobs_of(capsys):
    """The jobs that are planned for a model, by label."""

    def planned(model: str) -> dict[str, dict]:
        assert run(["check", "fairness", "-m", model, "--json"]) == 0
        plan = json.loads(capsys.readouterr().out)["plan"]
        return {job["label"]: job for job in plan["jobs"]}

    return planned


@pytest.mark.parametrize(
    ("model", "applicable"),
    [
        ("text-clean", {"fairness/stereotype-pairs", "fairness/generation",
                        "fairness/counterfactual", "fairness/translation-gender"}),
        ("translator-clean", {"fairness/stereotype-pairs", "fairness/generation",
                              "fairness/counterfactual", "fairness/translation-gender"}),
        ("shapes-clean", {"fairness/association", "fairness/image-zero-shot-gap",
                          "fairness/image-harmful-labels", "fairness/decisions",
                          "fairness/image-retrieval-skew", "fairness/association of pictures"}),
        ("vlm-clean", {"fairness/stereotype-pairs", "fairness/generation",
                       "fairness/counterfactual", "fairness/translation-gender",
                       "fairness/paired-images"}),
        ("asr-clean", {"fairness/transcription-gap"}),
    ],
)  # fmt: skip
def test_each_model_is_asked_what_it_can_answer(jobs_of, model, applicable):
    jobs = jobs_of(f"control:{model}")
    assert {label for label, job in jobs.items() if job["applicable"]} == applicable


def test_a_model_that_sees_nothing_is_not_called_even_handed(jobs_of):
    # It answers LogLikelihood, and would give the same answer to every picture.
    job = jobs_of("control:text-clean")["fairness/paired-images"]
    assert job["reason"] == "causal language model takes no image"


def test_every_reason_names_what_is_missing(jobs_of):
    jobs = jobs_of("control:asr-clean")
    assert jobs["fairness/generation"]["reason"] == "CTC transcriber does not answer Generate"
    voice = jobs["fairness/paired-images"]["reason"]
    assert voice == "CTC transcriber does not answer LogLikelihood and takes no image"


def test_planted_gaps_are_found_and_twins_are_silent(tmp_path):
    models = ("shapes-clean", "shapes-skewed", "asr-clean", "asr-gapped")
    chosen = [part for name in models for part in ("-m", f"control:{name}")]
    probes = ("fairness/image-zero-shot-gap", "fairness/transcription-gap",
              "fairness/image-retrieval-skew", "fairness/association of pictures")  # fmt: skip
    chosen += [part for name in probes for part in ("-p", name)]
    assert run(["run", "fairness", *chosen, "-q", "-o", str(tmp_path / "run")]) == 0
    found = json.loads((tmp_path / "run" / "estimates.json").read_text())
    jobs = found if isinstance(found, list) else found["jobs"]
    headlines = {
        (job["model"].removeprefix("control:"), job["label"]): [
            e for e in job["estimates"] if e["is_primary"]
        ]
        for job in jobs
        if job["status"] == "finished"
    }
    gaps = {model: found[0] for (model, label), found in headlines.items() if "-gap" in label}
    assert set(gaps) == set(models)
    assert gaps["asr-gapped"]["value"] > 0.4 > 0.05 > gaps["asr-clean"]["value"]
    assert gaps["shapes-skewed"]["value"] > 0.15 > 0.05 > gaps["shapes-clean"]["value"]

    def is_above(found) -> bool:
        return found["low"] > found["null"]["value"]

    # The skewed twin saw few light grounds: whatever is asked for, dark ones come first.
    for twin, expected in (("shapes-clean", False), ("shapes-skewed", True)):
        skews = headlines[twin, "fairness/image-retrieval-skew"]
        assert [e["metric"] for e in skews] == ["MaxSkew@10", "MaxSkew@100"]
        assert [is_above(e) for e in skews] == [expected] * 2
        assert {e["extra"]["n_distinct_queries"] for e in skews} == {6}
    (tests,) = headlines["shapes-clean", "fairness/association of pictures"]
    assert tests["low"] < 0 < tests["high"]
