"""Requests are identified by every field."""

from __future__ import annotations

import numpy as np

from evalsuite import Alignment, Classify, Generate, Image, LogLikelihood, TimedWord, Transcript
from evalsuite.response_store import decode_answer, encode_answer


def test_equal_requests_have_equal_digests():
    assert LogLikelihood("a", "b").digest == LogLikelihood("a", "b").digest


def test_moving_text_between_fields_changes_the_digest():
    assert LogLikelihood("ab", "c").digest != LogLikelihood("a", "bc").digest


def test_sampling_parameters_change_the_digest():
    assert Generate("a", seed=1).digest != Generate("a", seed=2).digest


def test_the_kind_of_request_changes_the_digest():
    assert Classify("a").digest != Generate("a").digest


def test_pictures_count_by_their_bytes():
    black = Image.from_array(np.zeros((2, 2, 3), np.uint8))
    white = Image.from_array(np.full((2, 2, 3), 255, np.uint8))
    assert LogLikelihood((black, "q"), "a").digest != LogLikelihood((white, "q"), "a").digest


def test_a_transcript_is_what_was_heard_not_how_long_it_took():
    assert Transcript("a", seconds=1.0) == Transcript("a", seconds=2.0)


def test_timed_words_survive_the_store():
    spoken = Transcript("one two", (TimedWord("one", 0.0, 0.4), TimedWord("two", 0.5, 0.9)), 1.5)
    again = decode_answer(*encode_answer(spoken))
    assert again == spoken
    assert again.seconds == 1.5


def test_an_alignment_survives_the_store():
    found = Alignment((TimedWord("one", 0.0, 0.4),), -0.25)
    assert decode_answer(*encode_answer(found)) == found
