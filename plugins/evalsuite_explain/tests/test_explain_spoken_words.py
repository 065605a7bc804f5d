"""When words are spoken: a transcriber that hears each word at its moment, and one that does not."""

from __future__ import annotations

import numpy as np
import pytest

from evalsuite import Audio, Sample, TimedWord, Transcript, UsageError
from evalsuite.testing import check_probe, play
from evalsuite_explain.kept_words import KeptWord
from evalsuite_explain.probes.spoken_words import TranscriptLocalisation, located

RATE = 8000
SPOKEN = ("one", "two", "three", "four", "five")
# A word a second, at another pitch each, with the second at its end.
TIMES = [TimedWord(word, float(i), i + 0.99) for i, word in enumerate(SPOKEN)]


def clip(seed=0):
    rng = np.random.default_rng(seed)
    return Audio.from_array(rng.normal(0, 0.1, 5 * RATE).astype(np.float32), RATE)


def levels(audio):
    waveform, _ = audio.load(RATE)
    return np.array([np.abs(part).mean() for part in np.array_split(waveform, 5)])


def hears_each_at_its_time(request):
    """Hears the words whose second is not silent."""
    heard = [word for word, level in zip(TIMES, levels(request.audio)) if level > 0.01]
    words = tuple(heard) if request.word_times else ()
    return Transcript(" ".join(word.text for word in heard), words)


def hears_all_or_nothing(request):
    """Hears every word where the first second sounds: times that say nothing of what it hears."""
    heard = TIMES if levels(request.audio)[0] > 0.01 else []
    return Transcript(" ".join(w.text for w in heard), tuple(heard) if request.word_times else ())


ROWS = [Sample(str(seed), {"audio": clip(seed)}) for seed in range(4)]
PROBE = TranscriptLocalisation(moment_s=1.0, fill="silence")


def test_words_that_are_heard_when_they_are_spoken_are_found_there():
    """Each of five words hangs on its own of five moments and on no other."""
    played = play(PROBE, ROWS, hears_each_at_its_time)
    for name in ("pointing game", "mass inside", "rank inside", "area under ROC"):
        assert played.estimate(name).value == 1
    assert played.estimate("mass inside over area").value == pytest.approx(5)
    assert played.estimate("the region's share of the cells").value == pytest.approx(0.2)
    assert {record["n_words"] for record in played.records} == {5}


def test_words_that_hang_on_another_moment_are_not():
    """All hang on the first second, which is the first word's only: one hit in five, as by chance."""
    played = play(PROBE, ROWS, hears_all_or_nothing)
    pointing = played.estimate("pointing game")
    assert pointing.value == pytest.approx(0.2)
    assert pointing.verdict != "differs from null"
    assert played.estimate("mass inside over area").value == pytest.approx(1)


def test_times_in_the_data_are_believed_before_the_transcribers():
    """With the words' times turned back to front only the middle one is where it hangs."""
    rows = [[w.text, t.start_s, t.end_s] for w, t in zip(TIMES, TIMES[::-1])]
    sample = Sample("0", {"audio": clip(), "word_times": rows})
    played = play(PROBE, [sample], hears_each_at_its_time)
    assert played.records[0]["pointing"] == pytest.approx(0.2)


def test_all_words_share_the_same_questions():
    """The whole clip with and without times, without each of five moments, and without all."""
    played = play(PROBE, ROWS[:1], hears_each_at_its_time)
    assert len({request.digest for request in played.requests}) == 8


def test_words_are_located_as_the_rule_writes_them():
    said = [TimedWord("Mr.", 0, 1), TimedWord("well-known", 1, 2), TimedWord("um", 2, 3)]
    found = located("mr well known", said)
    assert [(place, word.text) for place, word in found] == [
        (0, "Mr."),
        (1, "well-known"),
        (2, "well-known"),
    ]


def test_a_word_is_kept_where_the_alignment_has_it():
    heard = {text: [Transcript(text)] for text in ("x b c", "a c", "")}
    assert KeptWord("a b c", 1).score(heard["x b c"]) == 1
    assert KeptWord("a b c", 1).score(heard["a c"]) == 0
    assert KeptWord("a b c", 2).score(heard[""]) == 0


def test_who_gives_no_times_fails_with_the_reason():
    played = play(PROBE, ROWS[:1], lambda request: Transcript("one two"))
    assert played.failures[0].startswith("no word times")
    odd = Sample("0", {"audio": clip(), "word_times": [["one", "early"]]})
    played = play(PROBE, [odd], hears_each_at_its_time)
    assert "rows of [word, first second, last second]" in played.failures[0]


def test_it_keeps_the_contract_and_refuses_what_it_cannot_ask():
    check_probe(PROBE, ROWS, hears_each_at_its_time)
    with pytest.raises(UsageError, match="each word by itself"):
        TranscriptLocalisation(explainer="saliency")
    with pytest.raises(UsageError, match="above 0"):
        TranscriptLocalisation(moment_s=0)
