"""Forced alignment: the best path by brute force, known word times, what cannot be aligned."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch

from evalsuite import Align, Audio, Failure, LoadSettings, Transcribe, UsageError
from evalsuite.testing import check_model
from evalsuite_audio.models.ctc import Loader
from evalsuite_audio.models.ctc_alignment import align, best_path
from evalsuite_audio.models.ctc_beam import collapsed
from evalsuite_audio.models.ctc_labels import Labels, timed_words
from evalsuite_controls.data import tone_words

LETTERS = "-|ab"
LABELS = Labels(
    blank=0,
    separator=1,
    openers=frozenset(),
    write=lambda path: "".join(LETTERS[i] for i in collapsed(list(path), 0)).replace("|", " "),
    spell=lambda word: tuple(LETTERS.index(c) for c in word) if set(word) <= {"a", "b"} else None,
)


@pytest.mark.parametrize("labelling", [(1,), (1, 2), (1, 1), (2, 1, 2)])
def test_the_best_path_is_that_of_brute_force(labelling):
    scores = torch.randn(6, 3, generator=torch.manual_seed(len(labelling))).log_softmax(-1)
    paths = [p for p in product(range(3), repeat=6) if collapsed(list(p), 0) == labelling]
    totals = [float(sum(scores[t, label] for t, label in enumerate(p))) for p in paths]
    path, total = best_path(scores, labelling, 0)
    assert total == pytest.approx(max(totals), abs=1e-5)
    assert tuple(path) == paths[int(np.argmax(totals))]


def test_times_and_score_by_hand():
    # a a | b -: every frame's own label has probability 0.7, the others 0.1
    path = [2, 2, 1, 3, 0]
    scores = torch.full((5, 4), 0.1).scatter(1, torch.tensor(path)[:, None], 0.7).log()
    found = align(scores, "a b", LABELS, seconds_per_frame=0.02)
    times = [(word.text, word.start_s, word.end_s) for word in found.words]
    assert times == [("a", 0.0, 0.04), ("b", pytest.approx(0.06), 0.08)]
    assert found.score == pytest.approx(np.log(0.7), abs=1e-6)


def test_the_likelihood_of_a_text_is_the_sum_over_the_paths_that_spell_it():
    scores = torch.randn(6, 4, generator=torch.manual_seed(3)).log_softmax(-1)
    spelling = [p for p in product(range(4), repeat=6) if collapsed(list(p), 0) == (2, 1, 3)]
    total = sum(np.exp(sum(float(scores[t, label]) for t, label in enumerate(p))) for p in spelling)
    found = align(scores, "a b", LABELS, seconds_per_frame=0.02)
    assert found.log_likelihood == pytest.approx(np.log(total), abs=1e-6)
    assert found.n_labels == 3
    assert found.log_likelihood > 6 * found.score


def test_a_text_that_does_not_fit_is_a_failure():
    scores = torch.zeros(3, 4).log_softmax(-1)
    # "aa" needs a blank between its letters: 3 frames; "aab" needs 4
    assert not isinstance(align(scores, "aa", LABELS, 0.02), Failure)
    assert align(scores, "aab", LABELS, 0.02).kind == "too short"
    assert align(scores, "ac", LABELS, 0.02).kind == "unknown letters"
    assert align(scores, "...", LABELS, 0.02).kind == "no words"


def test_case_and_foreign_punctuation_do_not_matter():
    scores = torch.zeros(9, 4).log_softmax(-1)
    assert [w.text for w in align(scores, "A, - b!", LABELS, 0.02).words] == ["A,", "b!"]


# ------------------------------------------------------------------------------------------------
# The control that hears tone-coded words
# ------------------------------------------------------------------------------------------------


def known_words():
    """An utterance with the true start and end of every word, in seconds."""
    rng = np.random.default_rng(3)
    pieces, times, position = [], [], 0.05
    pieces.append(np.zeros(400))
    voice = tone_words.speaker("A", 1)
    for word in (3, 7, 0, 1):
        n = 1040
        t = np.arange(n) / 8000
        low, high = tone_words.tones_of(word)
        tone = sum(np.sin(2 * np.pi * f * voice.pitch * t) for f in (low, high))
        ramp = np.minimum(1.0, np.minimum(np.arange(n), np.arange(n)[::-1]) / 100)
        pieces += [0.3 * tone * ramp, np.zeros(500)]
        times.append((tone_words.WORDS[word], position, position + n / 8000))
        position += (n + 500) / 8000
    waveform = np.concatenate(pieces)
    waveform = waveform + 0.003 * rng.standard_normal(len(waveform))
    return Audio.from_array(waveform.astype(np.float32), 8000), times


@pytest.fixture(scope="module")
def control():
    from evalsuite_controls.loader import Loader as Controls

    return Controls().load("asr-clean", LoadSettings(device="cpu"))


def assert_on_time(words, times):
    assert [word.text for word in words] == [text for text, _, _ in times]
    for word, (_, start, end) in zip(words, times, strict=True):
        # Letters come where the model has heard enough: somewhere in the word or just after it.
        assert start - 0.05 <= word.start_s <= word.end_s <= end + 0.07


def test_words_stand_where_they_are_spoken(control):
    audio, times = known_words()
    text = " ".join(word for word, _, _ in times)
    (found,) = control.align([Align(audio, text)])
    assert_on_time(found.words, times)
    (heard,) = control.transcribe([Transcribe(audio, word_times=True)])
    assert heard.text == text
    assert_on_time(heard.words, times)


def test_a_wrong_text_fits_worse(control):
    audio, times = known_words()
    right = " ".join(word for word, _, _ in times)
    wrong = " ".join(word for word, _, _ in times[::-1])
    fitting, other = control.align([Align(audio, right), Align(audio, wrong)])
    assert other.score < fitting.score - 0.5
    assert -0.5 < fitting.score <= 0


def test_the_batch_moves_no_time(control):
    audio, times = known_words()
    waveform = audio.load()[0]
    halves = [Audio.from_array(waveform[a:b], 8000) for a, b in ((0, 3000), (3000, 5400))]
    text = " ".join(word for word, _, _ in times)
    check_model(control, [Align(audio, text), Align(halves[0], "three"), Align(halves[1], "six")])
    check_model(control, [Transcribe(clip, word_times=True) for clip in (audio, *halves)])


def test_asking_for_times_changes_no_letter(control):
    audio, _ = known_words()
    plain, timed = (control.transcribe([Transcribe(audio, word_times=t)])[0] for t in (False, True))
    assert plain.text == timed.text == " ".join(word.text for word in timed.words)
    assert not plain.words


def test_a_word_is_as_sure_as_its_letters(control):
    audio, _ = known_words()
    (clear,) = control.transcribe([Transcribe(audio, word_times=True)])
    waveform, rate = audio.load()
    noise = 0.2 * np.random.default_rng(0).standard_normal(len(waveform)).astype(np.float32)
    (noisy,) = control.transcribe(
        [Transcribe(Audio.from_array(waveform + noise, rate), word_times=True)]
    )
    sure, unsure = ([word.confidence for word in found.words] for found in (clear, noisy))
    assert all(0.5 < confidence <= 1 for confidence in sure)
    assert np.mean(unsure) < np.mean(sure)


def test_confidence_is_the_product_of_the_letters_peaks():
    # a a _ b: peaks .9 and .5; the blank's own posterior does not count
    labels = Labels(0, None, frozenset(), lambda path: "ab", lambda word: None)
    (word,) = timed_words([1, 1, 0, 2], labels, 0.02, [0.8, 0.9, 0.1, 0.5])
    assert word.confidence == pytest.approx(0.45)
    assert timed_words([1, 1, 0, 2], labels, 0.02)[0].confidence is None


def test_a_beam_on_the_control_hears_the_same_words(control):
    from evalsuite_controls.loader import find

    audio, times = known_words()
    directory = str(find("asr-clean").directory)
    beam = Loader().load(directory, LoadSettings(device="cpu", options={"decoding": "beam"}))
    assert "beam of 16" in beam.info.details["decoding"]
    assert beam.fingerprint != Loader().load(directory, LoadSettings(device="cpu")).fingerprint
    (heard,) = beam.transcribe([Transcribe(audio, word_times=True)])
    assert heard.text == " ".join(word for word, _, _ in times)
    assert_on_time(heard.words, times)


@pytest.mark.parametrize("options", [{"decoding": "best"}, {"beam_width": 0}, {"beam": 3}])
def test_wrong_options_are_named(options):
    from evalsuite_controls.loader import find

    with pytest.raises(UsageError, match=next(iter(options))):
        Loader().describe(str(find("asr-clean").directory), LoadSettings(options=options))
