"""The planted word, patch and tone in the shipped controls: found in one twin, not in the other."""

from __future__ import annotations

from functools import cache

import pytest

from evalsuite import Audio, Image, LoadSettings, Sample
from evalsuite.factories import loader_for
from evalsuite.model import answer_batch
from evalsuite.registry import installed
from evalsuite.testing import play
from evalsuite_controls.data import classifier, digits, shapes, sounds
from evalsuite_explain.probes.shortcuts import ShortcutPatch, ShortcutTone, ShortcutWord

N, SEED = 40, 505  # a seed that neither the controls' sources nor their training draw from
ROWS = {
    "word": lambda: classifier.review_rows(n=N, seed=SEED, cue=True),
    "patch": lambda: digits.digit_rows(n=N, seed=SEED, patch=True),
    "pattern": lambda: shapes.shape_rows(n=N, seed=SEED, patch=True),
    "tone": lambda: sounds.sound_rows(n=N, seed=SEED, beep=True),
}
PROBES = {
    "word": ShortcutWord,
    "patch": ShortcutPatch,
    "pattern": ShortcutPatch,
    "tone": ShortcutTone,
}
MODELS = {"word": "classifier", "patch": "digits", "pattern": "shapes", "tone": "beeps"}
EXPLAINERS = ("integrated_gradients", "occlusion")


@cache
def samples(kind):
    def part(name, value):
        if not isinstance(value, bytes):
            return value
        return Image(data=value) if name == "image" else Audio(data=value)

    return [
        Sample(str(row["id"]), {k: part(k, v) for k, v in row.items() if k != "id"})
        for row in ROWS[kind]()
    ]


@cache
def control(name):
    loader, reference = loader_for(f"control:{name}", installed())
    return loader.load(reference, LoadSettings(device="cpu"))


def found_first(kind, twin, explainer, n=N, **options):
    model = control(f"{MODELS[kind]}-{twin}")
    probe = PROBES[kind](explainer=explainer, **options)
    played = play(probe, samples(kind)[:n], lambda request: answer_batch(model, [request])[0])
    assert not played.failures
    return played.estimate(probe.metrics[0].name)


@pytest.mark.parametrize("explainer", EXPLAINERS)
@pytest.mark.parametrize("kind", PROBES)
def test_what_was_planted_is_found_first_in_95_of_100(kind, explainer):
    found = found_first(kind, "shortcut", explainer)
    assert found.value >= 0.95
    assert found.verdict == "differs from null"


def test_the_tone_is_found_first_in_cells_of_time_and_frequency_too():
    found = found_first("tone", "shortcut", "integrated_gradients", n=20, bands=4)
    assert found.value >= 0.95
    assert found.verdict == "differs from null"


@pytest.mark.parametrize("explainer", EXPLAINERS)
@pytest.mark.parametrize("kind", PROBES)
def test_in_the_clean_twin_it_is_found_no_more_often_than_by_chance(kind, explainer):
    assert found_first(kind, "clean", explainer).verdict == "compatible with null"
