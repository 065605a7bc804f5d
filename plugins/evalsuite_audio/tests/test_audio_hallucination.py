"""Words where nobody speaks: clips that hold what they say, a planted voice, a silent twin."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsuite import Audio, Failure, LoadSettings, Sample, Transcript, UsageError
from evalsuite.factories import loader_for
from evalsuite.registry import installed
from evalsuite.testing import check_probe, play
from evalsuite_audio.metrics.loops import longest_loop
from evalsuite_audio.silence_and_noise import SilenceAndNoise
from evalsuite_audio.tasks.hallucination import Hallucination

MADE_UP = "clips without speech that got words (basic v1)"
SOURCE = SilenceAndNoise(seconds=(0.5, 2.0))


# ------------------------------------------------------------------------------------------------
# The clips
# ------------------------------------------------------------------------------------------------


def test_every_clip_has_its_length_and_level():
    for sample in SOURCE.rows():
        waveform, rate = sample["audio"].load()
        assert len(waveform) / rate == sample["seconds"]
        power = np.mean(waveform.astype(float) ** 2)
        if sample["kind"] == "silence":
            assert power == 0
        else:
            assert 10 * np.log10(power) == pytest.approx(sample["level_dbfs"], abs=1e-3)


def test_the_same_clips_every_time_and_in_any_company():
    alone = SilenceAndNoise(kinds=("tones",), seconds=(2.0,), levels_dbfs=(-40.0,))
    digests = {sample.id: sample["audio"].digest for sample in SOURCE.rows()}
    assert {sample.id: sample["audio"].digest for sample in SOURCE.rows()} == digests
    assert [sample["audio"].digest for sample in alone.rows()] == [digests["tones, 2 s, -40 dBFS"]]
    assert len(set(digests.values())) == SOURCE.count() == 2 * (1 + 3 * 3)
    assert SilenceAndNoise(seconds=(0.5, 2.0), seed=1).fingerprint() != SOURCE.fingerprint()


def test_pink_noise_has_as_much_power_in_every_octave():
    source = SilenceAndNoise(
        kinds=("pink noise", "white noise"), seconds=(20.0,), levels_dbfs=(-20.0,)
    )
    for sample in source.rows():
        waveform, rate = sample["audio"].load()
        power = np.abs(np.fft.rfft(waveform)) ** 2
        frequencies = np.fft.rfftfreq(len(waveform), 1 / rate)
        octaves = [
            power[(frequencies >= f) & (frequencies < 2 * f)].sum() for f in (250, 500, 1000, 2000)
        ]
        steps_db = 10 * np.log10(np.array(octaves[1:]) / octaves[:-1])
        expected = 0.0 if sample["kind"] == "pink noise" else 10 * np.log10(2)
        assert steps_db == pytest.approx([expected] * 3, abs=0.5)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"kinds": ("brown noise",)}, "the kinds are: silence, white noise"),
        ({"seconds": (0.0,)}, "at least"),
        ({"levels_dbfs": (3.0,)}, "full scale"),
        ({"repeats": 0}, "repeats"),
    ],
)
def test_impossible_clips_are_refused(options, told):
    with pytest.raises(UsageError, match=told):
        SilenceAndNoise(**options)


def test_suites_find_the_clips_and_the_probe_by_name():
    found = installed()
    assert found.require("source", "audio/silence-and-noise").load() is SilenceAndNoise
    assert found.require("probe", "audio/hallucination").load() is Hallucination


# ------------------------------------------------------------------------------------------------
# The probe
# ------------------------------------------------------------------------------------------------

SAMPLES = list(SOURCE.rows())


def says_thanks_in_silence(request):
    waveform, _ = request.audio.load()
    return Transcript("" if np.any(waveform) else "Thank you. Thank you. Thank you.")


def test_a_planted_voice_is_heard_and_the_clean_twin_is_silent():
    planted = play(Hallucination(), SAMPLES, says_thanks_in_silence)
    clean = play(Hallucination(), SAMPLES, lambda request: Transcript(""))
    # 2 of the 20 clips are silent
    assert planted.estimate(MADE_UP).value == 0.1
    assert planted.estimate(MADE_UP).verdict == "differs from null"
    assert planted.estimate(MADE_UP, "kind=silence").value == 1
    assert planted.estimate(MADE_UP, "kind=tones").value == 0
    assert clean.estimate(MADE_UP).value == 0
    assert clean.estimate(MADE_UP).verdict == "compatible with null"
    # 6 words in each of the two clips of 0.5 and 2 s
    assert planted.estimate("made-up words per minute", "kind=silence").value == pytest.approx(
        12 / 2.5 * 60
    )
    assert planted.estimate("longest repetition (words)").value == 6
    assert planted.records[0]["loop"] == "thank you"
    assert clean.estimate("longest repetition (words)").value == 0


def test_a_model_that_fails_does_not_look_silent():
    played = play(Hallucination(), SAMPLES, lambda request: Failure("refused", "no"))
    assert all(math.isnan(estimate.value) for estimate in played.estimates)


def test_punctuation_is_no_word_and_brackets_are_none_under_english():
    marked = lambda request: Transcript("[BLANK_AUDIO] ...!")
    assert play(Hallucination(), SAMPLES, marked).estimate(MADE_UP).value == 1
    english = play(Hallucination(normalization="english"), SAMPLES, marked)
    assert english.estimates[0].value == 0


def test_any_folder_of_noises_will_do():
    noise = [Sample(str(i), {"audio": Audio.from_array(np.full(800, i / 9, np.float32), 8000),
                             "label": "rain"}) for i in range(3)]  # fmt: skip
    played = play(Hallucination(), noise, lambda request: Transcript("drip"))
    assert played.estimate(MADE_UP, "kind=rain").value == 1


def test_the_contract_is_kept():
    check_probe(Hallucination(), SAMPLES, says_thanks_in_silence)


def test_the_control_transcriber_is_silent_in_silence_only():
    """Words of tones are all it knows: it never heard noise without them."""
    loader, reference = loader_for("control:asr-clean", installed())
    model = loader.load(reference, LoadSettings(device="cpu"))
    samples = list(SilenceAndNoise(seconds=(0.5,), levels_dbfs=(-20.0,)).rows())
    played = play(Hallucination(), samples, lambda request: model.transcribe([request])[0])
    assert not played.failures
    found = [played.estimate(MADE_UP, f"kind={kind}").value for kind in ("silence", "white noise")]
    assert found == [0, 1]


# ------------------------------------------------------------------------------------------------
# Loops
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words", "times"),
    [
        ("", "", 0),
        ("a b c", "", 0),
        ("so so", "so", 2),
        ("well thank you thank you thank you bye", "thank you", 3),
        ("a a a a", "a", 4),  # not "a a" twice
        ("a b a b a", "a b", 2),
        ("x x y y y", "y", 3),
    ],
)
def test_the_longest_loop(text, words, times):
    found = longest_loop(text.split())
    assert (" ".join(found.words), found.times) == (words, times)


@given(st.lists(st.sampled_from("abc"), max_size=14))
def test_the_longest_loop_is_that_of_trying_all(words):
    best = 0
    for start in range(len(words)):
        for size in range(1, len(words)):
            times = 1
            while words[start + times * size :][:size] == words[start : start + size]:
                times += 1
            best = max(best, size * times if times > 1 else 0)
    assert longest_loop(words).length == best
