"""Objects that captions name."""

from __future__ import annotations

import pytest

from evalsuite import DataError
from evalsuite.captions import caption_words
from evalsuite_vision.metrics.objects import ObjectWords, hallucinations


def words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


VOCABULARY = ObjectWords.from_lines(["person, man, woman", "dog, puppy", "hot dog", "knife", "bus"])


def test_mentions_are_found_in_the_plural_and_by_the_longest_phrase():
    text = "Two women and a man eat hot dogs with knives, a puppy near buses"
    assert VOCABULARY.mentioned(caption_words(text)) == [
        "person", "person", "hot dog", "knife", "dog", "bus",
    ]  # fmt: skip


def test_hallucinated_objects_by_hand():
    # mentioned: person, dog, bus; in the image: person (listed as "man") and knife (a reference)
    found = hallucinations(
        caption_words("a man with a dog on a bus"), [caption_words("a knife")], ["man"], VOCABULARY
    )
    assert (found.n_mentioned, found.n_hallucinated, found.invented) == (3, 2, ("bus", "dog"))
    assert (found.n_present, found.n_recalled) == (2, 1)


def test_a_word_for_two_objects_is_refused():
    with pytest.raises(DataError, match="stands for both 'dog' and 'wolf'"):
        ObjectWords.from_lines(["dog, puppy", "wolf, puppy"])
