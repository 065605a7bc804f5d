"""pocketsphinx: no clip is heard through the last one; real speech; what is missing is named."""

from __future__ import annotations

import shutil
import subprocess

import numpy as np
import pytest

from evalsuite import Audio, LoadSettings, ModelError, Sample, Transcribe, Transcript, UsageError
from evalsuite.testing import play
from evalsuite_audio.models import sphinx
from evalsuite_audio.tasks.transcription import Transcription


@pytest.fixture(scope="module")
def model():
    pytest.importorskip("pocketsphinx")
    return sphinx.Loader().load("en-us", LoadSettings())


@pytest.fixture
def spoken(tmp_path):
    """Synthesises a sentence."""
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is not installed")

    def say(words):
        path = tmp_path / f"{words}.wav"
        subprocess.run(["espeak-ng", "-w", str(path), words], check=True)
        return Audio(path=path)

    return say


def test_the_same_clip_has_the_same_words_in_any_order(model, spoken):
    one, other = (Transcribe(spoken(words)) for words in ("go forward", "hello world"))
    first, second = model.transcribe([one, other])
    assert first.text
    assert second.text
    assert model.transcribe([other, one, one]) == [second, first, first]


def test_a_loud_clip_does_not_change_the_next_one(model, spoken):
    request = Transcribe(spoken("go forward"))
    rng = np.random.default_rng(0)
    loud = Audio.from_array(rng.uniform(-1, 1, 8000).astype(np.float32), 16_000)
    alone = model.transcribe([request])
    assert model.transcribe([Transcribe(loud), request])[1:] == alone


def test_a_clip_without_a_window_is_a_failure(model):
    # one window is 25.6 ms, 410 samples
    clips = [Audio.from_array(np.zeros(n, np.float32), 16_000) for n in (1, 409, 410)]
    answers = model.transcribe([Transcribe(clip) for clip in clips])
    assert [answer.kind for answer in answers[:2]] == ["too short", "too short"]
    assert answers[2] == Transcript("")


def test_another_language_is_a_failure(model):
    clip = Audio.from_array(np.zeros(4000, np.float32), 16_000)
    german, english = model.transcribe([Transcribe(clip, "de"), Transcribe(clip, "en-GB")])
    assert german.kind == "other language"
    assert isinstance(english, Transcript)


def test_translations_are_a_failure(model):
    clip = Audio.from_array(np.zeros(4000, np.float32), 16_000)
    assert model.transcribe([Transcribe(clip, task="translate")])[0].kind == "no translation"


def test_word_times_are_those_of_the_written_words(model, spoken):
    clip = spoken("a good day for a walk in the tomato garden")
    plain, timed = model.transcribe([Transcribe(clip, word_times=t) for t in (False, True)])
    assert timed.text == plain.text == " ".join(word.text for word in timed.words)
    seconds = len(clip.load()[0]) / clip.load()[1]
    edges = [edge for word in timed.words for edge in (word.start_s, word.end_s)]
    assert edges == sorted(edges)
    assert 0 <= edges[0] < edges[-1] <= seconds + 0.02
    assert not plain.words
    assert all(0 <= word.confidence <= 1 for word in timed.words)
    assert len({word.confidence for word in timed.words}) > 1


def test_noise_and_pronunciations_are_no_words():
    class Segment:
        def __init__(self, word, start_frame, end_frame):
            self.word, self.start_frame, self.end_frame = word, start_frame, end_frame
            self.prob = 0.5

    found = sphinx._timed(
        [Segment("<s>", 0, 9), Segment("a(2)", 10, 14), Segment("[NOISE]", 15, 20)]
    )
    # frames of 10 ms, the last one included
    assert [(word.text, word.start_s, word.end_s) for word in found] == [("a", 0.1, 0.15)]


def test_real_speech_is_understood_in_part(model, data):
    folder = data / "fleurs_fixtures"
    names = ("fleurs-en-003", "fleurs-en-004")
    if not all((folder / f"{name}.ogg").is_file() for name in names):
        pytest.skip("the FLEURS clips are not among the data sets here")
    samples = [
        Sample(
            name,
            {
                "audio": Audio(path=folder / f"{name}.ogg"),
                "text": (folder / f"{name}.txt").read_text(encoding="utf-8"),
            },
        )
        for name in names
    ]
    played = play(Transcription(), samples, lambda request: model.transcribe([request])[0])
    assert not played.failures
    # 0.47 and 0.60 with the model of pocketsphinx 5.1; a deaf model has 1.0 or more
    assert 0.2 < played.estimate("word error rate (basic v1)").value < 0.8


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(sphinx, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"pip install 'evalsuite\[sphinx\]'"):
        sphinx.Loader().describe("en-us", LoadSettings())


def test_options_are_refused():
    with pytest.raises(UsageError, match="no options"):
        sphinx.Loader().describe("en-us", LoadSettings(options={"beam": 3}))
    with pytest.raises(ModelError, match="comes with: en-us"):
        sphinx.Loader().describe("fr-fr", LoadSettings())


def test_waveforms_beyond_full_scale_are_clipped_not_wrapped(model):
    assert isinstance(
        model.transcribe([Transcribe(Audio.from_array(np.full(8000, 3.0, np.float32), 16_000))])[0],
        Transcript,
    )
