"""Explanations of models of real drawings, sounds and speech, against what is known of the data."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pytest
from linear_models import RATE_HZ, drawing_encoder, levels, sound_encoder
from sklearn.model_selection import GroupKFold

from evalsuite import Audio, LoadSettings, Sample
from evalsuite.factories import loader_for
from evalsuite.model import answer_batch
from evalsuite.registry import installed
from evalsuite.testing import play
from evalsuite_explain.probes.attribution import Attribution as AttributionProbe
from evalsuite_explain.probes.localisation import AudioLocalisation, ImageLocalisation
from evalsuite_explain.probes.spoken_words import TranscriptLocalisation

# ------------------------------------------------------------------------------------------------
# NLVR's drawings: where are the objects of the kind that is named?
# ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def drawings(data):
    """Samples of every fourth drawing, and a model of the others."""
    path = data / "nlvr_dev" / "dev.json"
    if not path.exists():
        pytest.skip("no NLVR here")
    source = installed().require("source", "nlvr-objects").load()
    rows = list(source(path=str(path)).rows())
    numbers = sorted({row["identifier"].split("-")[0] for row in rows})
    kept = set(numbers[::4])
    held_out = [row for row in rows if row["identifier"].split("-")[0] in kept]
    kinds: dict[str, tuple[object, set[str]]] = {}
    for row in rows:
        if row["identifier"].split("-")[0] not in kept:
            square = f"{row['identifier']}-{row['square']}"
            kinds.setdefault(square, (row["image"], set()))[1].add(row["text"])
    return held_out, drawing_encoder(*zip(*kinds.values(), strict=True))


def looked(drawings, limit):
    held_out, model = drawings
    rows = held_out[:: max(1, len(held_out) // limit)][:limit]
    return play(ImageLocalisation(explainer="occlusion", grid=10), rows, model)


def test_a_model_of_drawings_looks_at_the_objects_that_are_named(drawings):
    played = looked(drawings, 16)
    assert not played.failures
    pointing, area = (
        played.estimate(name) for name in ("pointing game", "the region's share of the cells")
    )
    assert pointing.low > area.high
    assert played.estimate("mass inside over area").low > 1.5
    random = played.estimate("pointing game of a random explainer")
    assert random.low <= area.value <= random.high


def test_the_drawings_of_another_kind_are_not_where_it_looks(drawings):
    """The same maps held against the boxes of what is not named: no better than chance."""
    held_out, model = drawings
    by_square: dict[tuple[str, int], list[Sample]] = {}
    for row in held_out:
        by_square.setdefault((row["identifier"], row["square"]), []).append(row)
    squares = [own for own in by_square.values() if len(own) > 1][:16]
    rows = [Sample(a.id, {**a.fields, "boxes": b["boxes"]}) for a, b, *_ in squares]
    played = play(ImageLocalisation(explainer="occlusion", grid=10), rows, model)
    area = played.estimate("the region's share of the cells")
    assert played.estimate("pointing game").low < area.high


# ------------------------------------------------------------------------------------------------
# ESC-10's sounds: what decides their class, and is it heard?
# ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sounds(data):
    """Clips with their levels, in five parts of which none shares a recording with another."""
    folder = data / "esc10_fold1"
    paths = sorted(folder.glob("*/*.ogg"))
    if not paths:
        pytest.skip("no ESC-10 here")
    labels = np.array([path.parent.name[6:].lower() for path in paths])
    rows = np.array([levels(Audio(path=path)) for path in paths])
    recordings = [path.stem.split("-")[1] for path in paths]
    parts = list(GroupKFold(5).split(rows, labels, recordings))

    @cache
    def part(number):
        trained, told = parts[number]
        return [(paths[i], labels[i]) for i in told], sound_encoder(rows[trained], labels[trained])

    return part


def audible(path):
    """Stretches of half a second within 40 dB of the loudest one."""
    waveform, rate = Audio(path=path).load(RATE_HZ)
    size = rate // 2
    power = np.array([(waveform[i : i + size] ** 2).mean() for i in range(0, len(waveform), size)])
    loud = np.flatnonzero(power > 1e-4 * power.max())
    return [[i / 2, (i + 1) / 2 - 1e-3] for i in loud.tolist()]


@pytest.mark.slow
def test_what_decides_a_sounds_class_is_found_by_occlusion(sounds):
    clips, model = sounds(0)
    rows = [
        Sample(path.stem, {"audio": Audio(path=path), "label": str(label)}) for path, label in clips
    ]
    probe = AttributionProbe(
        medium="audio",
        target="class",
        explainers=("occlusion",),
        subject={"classes": model.names, "templates": ("{}",), "moments": 5, "bands": 1},
        longest=0,
        sets=4,
    )
    played = play(probe, rows, model)
    assert not played.failures
    assert played.estimate("deletion gain over random").low > 0
    assert played.estimate("insertion gain over random").value > 0


def test_nothing_is_explained_by_silence_where_silence_stands_for_what_is_taken_away(sounds):
    """Not so with the mean level, by which a silent moment is changed most."""
    clips, model = sounds(0)
    padded = [(path, label) for path, label in clips if len(audible(path)) <= 7]
    rows = [
        Sample(path.stem, {"audio": Audio(path=path), "text": str(label), "times_s": audible(path)})
        for path, label in padded[:4]
    ]
    probe = AudioLocalisation(explainer="occlusion", moments=10, fill="silence")
    played = play(probe, rows, model)
    assert not played.failures
    assert played.estimate("mass inside").value > 0.95


# ------------------------------------------------------------------------------------------------
# FLEURS by pocketsphinx: which moment does a word hang on?
# ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def spoken(data):
    pytest.importorskip("pocketsphinx")
    path = data / "fleurs_fixtures" / "fleurs-en-004.ogg"
    if not path.exists():
        pytest.skip("no FLEURS here")
    loader, reference = loader_for("pocketsphinx:en-us", installed())
    model, known = loader.load(reference, LoadSettings(device="cpu")), {}

    def answer(request):
        if request.digest not in known:
            known[request.digest] = answer_batch(model, [request])[0]
        return known[request.digest]

    return [Sample("4", {"audio": Audio(path=path)})], answer


@pytest.mark.slow
def test_a_word_hangs_on_the_moment_at_which_it_is_spoken(spoken):
    rows, answer = spoken
    played = play(TranscriptLocalisation(moment_s=0.8), rows, answer)
    assert not played.failures
    (record,) = played.records
    assert record["n_words"] >= 10
    assert record["pointing"] > 2 * record["area"]
    assert record["mass_lift"] > 2


@pytest.mark.slow
def test_real_speech_under_occlusion(spoken):
    rows, answer = spoken
    probe = AttributionProbe(
        medium="audio",
        target="transcript",
        explainers=("occlusion",),
        subject={"moments": 4},
        sets=5,
        longest=0,
        share=0.5,
    )
    played = play(probe, rows, answer)
    assert not played.failures
    scores = np.array([json.loads(record["map"])[0] for record in played.records])
    # what is taken away is heard no more: every map has moments that hold words
    assert (scores.max(axis=1) > 0).all()
    assert played.estimate("infidelity").value < 1
