"""Gaps of transcription: the planted control and its twin, and real voices by a real recogniser."""

from __future__ import annotations

import pytest

from evalsuite import Audio, LoadSettings, Sample
from evalsuite.factories import make_variant
from evalsuite.registry import installed
from evalsuite.testing import play
from evalsuite_audio.models import sphinx
from evalsuite_controls.loader import Loader
from evalsuite_controls.sources import ToneWords
from evalsuite_fairness.speech.transcription_gap import TranscriptionGap

RATE = "word error rate (basic v1)"
SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")


def transcribed(name):
    model = Loader().load(name, LoadSettings())
    samples = list(ToneWords().rows())
    return play(TranscriptionGap(), samples, lambda request: model.transcribe([request])[0])


def test_the_planted_gap_is_found_and_survives_matching():
    played = transcribed("asr-gapped")
    rates = [played.estimate(RATE, f"group={group}").value for group in "AB"]
    gap = played.estimate(f"{RATE} gap")
    # the control's card: 0.476 on these 240 utterances
    assert gap.value == pytest.approx(rates[1] - rates[0]) == pytest.approx(0.476, abs=0.005)
    assert gap.low < 0.476 < gap.high
    assert gap.verdict == "differs from null"
    # both groups say as many words, so that matching on it changes little
    matched = played.estimate(f"{RATE} on matched utterances gap")
    assert matched.value == pytest.approx(gap.value, abs=0.05)
    assert matched.verdict == "differs from null"


def test_the_clean_twin_is_silent():
    played = transcribed("asr-clean")
    gaps = [e for e in played.estimates if e.metric.endswith(("gap", "ratio")) and not e.slice]
    assert len(gaps) == 9
    assert not [e.metric for e in gaps if e.verdict == "differs from null"]


@pytest.fixture(scope="module")
def answer():
    pytest.importorskip("pocketsphinx")
    model = sphinx.Loader().load("en-us", LoadSettings())
    return lambda request: model.transcribe([request])[0]


@pytest.mark.slow
def test_spoken_digits_by_speaker_are_compared_word_by_word(answer, data):
    folder = data / "fsdd_test"
    if not folder.is_dir():
        pytest.skip("the Free Spoken Digit Dataset is not among the data sets here")
    words = {1: "one", 6: "six", 9: "nine"}
    samples = [
        Sample(f"{digit} {name} {take}",
               {"audio": Audio(path=folder / f"{digit}_{name}_{take}.wav"), "text": word,
                "speaker": name})
        for digit, word in words.items() for name in SPEAKERS for take in (0, 1)
    ]  # fmt: skip
    # One voice is a group here, so that its clips are the units.
    probe = TranscriptionGap(group="speaker", speaker="", min_group_size=6, match_on=("reference",))
    played = play(probe, samples, answer)
    assert not played.failures
    gap, matched = (
        played.estimate(name) for name in (f"{RATE} gap", f"{RATE} on matched utterances gap")
    )
    # every speaker says every digit as often, so matching by word changes nothing
    assert matched.value == pytest.approx(gap.value)
    assert matched.extra["strata"] == 3
    assert {e.slice for e in played.estimates if e.metric == RATE and e.slice} == {
        f"group={name}" for name in SPEAKERS
    }


@pytest.mark.slow
def test_noise_for_one_group_is_a_gap_on_real_sentences_and_relabelling_is_none(answer, data):
    folder = data / "fleurs_fixtures"
    if not folder.is_dir():
        pytest.skip("the FLEURS clips are not among the data sets here")
    clean = [
        Sample(f"{n}", {"audio": Audio(path=folder / f"fleurs-en-00{n}.ogg"),
                        "text": (folder / f"fleurs-en-00{n}.txt").read_text(encoding="utf-8"),
                        "group": "A", "speaker": str(n)})
        for n in (1, 3)
    ]  # fmt: skip
    relabelled = [Sample(f"b{s.id}", {**s.fields, "group": "B"}) for s in clean]
    noise = make_variant({"variant": "audio/white-noise", "snr_db": 0}, installed())
    probe = TranscriptionGap(min_group_size=2)
    same = play(probe, [*clean, *relabelled], answer)
    assert same.estimate(f"{RATE} gap").value == 0
    noisy = play(probe, [*clean, *noise.samples(relabelled, 0)], answer)
    assert not noisy.failures
    assert noisy.estimate(f"{RATE} gap").value > 0.2
    assert noisy.estimate(f"{RATE} gap").extra["worst_group"] == "B"
