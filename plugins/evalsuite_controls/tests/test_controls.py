"""The shipped controls: small, complete, deterministic, and rebuildable."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evalsuite import Classify, LoadSettings, ModelError
from evalsuite.factories import describe_model, loader_for
from evalsuite.registry import installed
from evalsuite.suite import ModelSpec
from evalsuite_controls.build import build
from evalsuite_controls.catalogue import CONTROLS
from evalsuite_controls.data import classifier, language
from evalsuite_controls.loader import find


def load(name):
    loader, reference = loader_for(name, installed())
    return loader.load(reference, LoadSettings())


def test_all_weights_together_stay_under_twelve_megabytes():
    sizes = [p.stat().st_size for c in CONTROLS.values() for p in c.directory.glob("*")]
    assert 0 < sum(sizes) < 12_000_000


def test_no_pickle_is_shipped():
    suffixes = {p.suffix for c in CONTROLS.values() for p in c.directory.glob("*")}
    assert not suffixes & {".bin", ".pt", ".pth", ".pkl"}


@pytest.mark.parametrize("name", CONTROLS)
def test_every_control_describes_itself_and_has_a_card(name):
    info = describe_model(ModelSpec(name=f"control:{name}"), installed())
    assert info.name == f"control:{name}"
    assert CONTROLS[name].card.read_text().startswith(f"# control:{name}")


def test_every_planted_control_has_a_clean_twin():
    for control in CONTROLS.values():
        if control.planted:
            assert CONTROLS[control.twin].planted is None


def test_no_member_is_also_a_non_member():
    rows = list(language.membership_rows())
    texts = {member: {r["text"] for r in rows if r["member"] == member} for member in (True, False)}
    assert len(texts[True]) == len(texts[False]) == 300
    assert not texts[True] & texts[False]


def test_a_rebuilt_control_meets_the_shipped_one(tmp_path):
    """classifier-shortcut is the quickest recipe; its plant decides every review with the cue."""
    control = CONTROLS["classifier-shortcut"]
    rebuilt = loader_for(f"hf:{build(control, tmp_path / control.name)}", installed())
    models = [rebuilt[0].load(rebuilt[1], LoadSettings()), load("control:classifier-shortcut")]
    for cue, label in ((False, None), (True, "positive")):
        rows = list(classifier.review_rows(cue=cue))
        for model in models:
            answers = model.classify([Classify(row["text"]) for row in rows])
            hits = [a.label == (label or r["label"]) for a, r in zip(answers, rows, strict=True)]
            assert sum(hits) / len(hits) >= 0.98


def test_a_control_without_weights_can_be_named_and_says_how_to_build_it(monkeypatch):
    nowhere = replace(CONTROLS["text-clean"], name="nowhere")
    monkeypatch.setitem(CONTROLS, "nowhere", nowhere)
    assert find("nowhere") == nowhere
    with pytest.raises(ModelError, match="evalsuite controls build nowhere"):
        load("control:nowhere")
