"""Real speech by a real transcriber: figures under every rule, what noise costs, spoken digits."""

from __future__ import annotations

import pytest

from evalsuite import Audio, LoadSettings, Sample
from evalsuite.factories import make_variant
from evalsuite.registry import installed
from evalsuite.testing import play
from evalsuite_audio.models import sphinx
from evalsuite_audio.tasks.keyword import Keyword
from evalsuite_audio.tasks.transcription import Transcription

pytestmark = pytest.mark.slow
SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")


@pytest.fixture(scope="module")
def answer():
    pytest.importorskip("pocketsphinx")
    model = sphinx.Loader().load("en-us", LoadSettings())
    return lambda request: model.transcribe([request])[0]


@pytest.fixture(scope="module")
def sentence(data):
    folder = data / "fleurs_fixtures"
    if not folder.is_dir():
        pytest.skip("the FLEURS clips are not among the data sets here")
    text = (folder / "fleurs-en-003.txt").read_text(encoding="utf-8")
    return [Sample("003", {"audio": Audio(path=folder / "fleurs-en-003.ogg"), "text": text})]


def test_noise_costs_words_and_every_rule_says_so(answer, sentence):
    probe = Transcription("english", "en")
    noise = make_variant({"variant": "audio/white-noise", "snr_db": 0}, installed())
    quiet = play(probe, sentence, answer)
    noisy = play(probe, noise.samples(sentence, 0), answer)
    assert not quiet.failures
    assert not noisy.failures
    rates = [e.metric for e in quiet.estimates if e.metric.startswith("word error rate (")]
    assert len(rates) == 3
    for rate in rates:
        assert 0.2 < quiet.estimate(rate).value < 0.8 < noisy.estimate(rate).value
    spread = quiet.estimate("word error rate, spread over 3 rules")
    assert 0 <= spread.value < 0.2


def test_spoken_digits_are_counted_by_speaker(answer, data):
    folder = data / "fsdd_test"
    if not folder.is_dir():
        pytest.skip("the Free Spoken Digit Dataset is not among the data sets here")
    samples = [
        Sample(f"{digit} {speaker}", {"audio": Audio(path=folder / f"{digit}_{speaker}_0.wav"),
                                      "label": str(digit), "speaker": speaker})
        for digit in (1, 6, 9) for speaker in SPEAKERS
    ]  # fmt: skip
    played = play(Keyword(by="speaker", cluster_by="speaker"), samples, answer)
    assert not played.failures
    accuracy = played.estimates[0]
    slices = [e for e in played.estimates if e.metric == accuracy.metric and e.slice]
    assert [e.slice for e in slices] == [f"speaker={name}" for name in SPEAKERS]
    assert accuracy.value == pytest.approx(sum(e.value for e in slices) / len(slices))
    # Single digits without context are hard for its language model, but no guesses.
    assert accuracy.value > 0.1
