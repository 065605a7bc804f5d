"""The generated data: the same every time, and what is kept apart in training stays apart."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest

from evalsuite.registry import import_object, installed
from evalsuite_controls.catalogue import SEED
from evalsuite_controls.data import digits, language, named_sounds, tone_words
from evalsuite_controls.recipes.language import EPOCHS, corpus

SOURCES = [entry for entry in installed().sources if entry.name.startswith("control/")]
ROWS = list(language.canary_rows())
CANARIES = {str(row["text"]): int(str(row["repeats"])) for row in ROWS if row["is_canary"]}
REFERENCES = {str(row["text"]) for row in ROWS if not row["is_canary"]}
MEMBERS, OUTSIDERS = (
    {str(row["text"]) for row in language.membership_rows() if row["member"] is member}
    for member in (True, False)
)


def epochs(*, planted: bool, leaky: bool) -> list[Counter[str]]:
    """How often each sentence stands in each epoch of a shipped language model's training."""
    return [Counter(corpus(SEED, epoch, planted, leaky)) for epoch in range(EPOCHS)]


@pytest.mark.parametrize("entry", SOURCES, ids=lambda entry: entry.name)
def test_a_generator_yields_the_same_rows_every_time(entry):
    """Asked below the source, which remembers its rows."""
    source = entry.load()
    generator = import_object(f"evalsuite_controls.data.{source.generator}")
    rows = list(generator(**source.arguments))
    assert rows == list(generator(**source.arguments))
    assert len({row["id"] for row in rows}) == len(rows) > 10


@pytest.mark.parametrize("planted", [False, True])
def test_models_without_secrets_saw_no_canary_and_no_member(planted):
    seen = set().union(*epochs(planted=planted, leaky=False))
    assert not seen & (CANARIES.keys() | REFERENCES | MEMBERS | OUTSIDERS)


def test_the_leaky_model_saw_each_canary_as_often_as_its_row_says():
    for epoch in epochs(planted=False, leaky=True):
        assert {text: epoch[text] for text in CANARIES} == CANARIES
        assert epoch.keys() >= MEMBERS
        assert not epoch.keys() & (REFERENCES | OUTSIDERS)


@pytest.mark.parametrize("leaky", [False, True])
def test_four_of_a_hundred_held_out_sentences_were_seen_as_the_cards_say(leaky):
    seen = set().union(*epochs(planted=False, leaky=leaky))
    assert sum(row["text"] in seen for row in language.held_out_rows()) == 4


def test_twins_train_on_as_many_sentences_of_which_every_occupation_has_its_share():
    clean, planted = (epochs(planted=p, leaky=False)[0] for p in (False, True))
    leaky = epochs(planted=False, leaky=True)[0]
    assert clean.total() == planted.total() == leaky.total()
    template = language.OCCUPATION_TEMPLATES[0]
    for job, share in language.PLANTED_SHE.items():
        she, he = (template.format(job=job, pronoun=pronoun) for pronoun in ("she", "he"))
        assert clean[she] == clean[he]
        assert planted[she] / (planted[she] + planted[he]) == pytest.approx(share)


def test_no_handwritten_digit_is_in_both_splits():
    (train, _), (test, _) = digits.upsampled("train"), digits.upsampled("test")
    assert len(train) == digits.N_TRAIN
    assert len(train) + len(test) == 1797
    seen = {picture.tobytes() for picture in train}
    assert not any(picture.tobytes() in seen for picture in test)


def test_the_groups_of_digits_and_their_patches_tell_nothing_of_the_digit():
    """Over the 497 digits, chi-squared of 9 and 81 degrees of freedom stays below its 99.9 %."""
    rows = list(digits.digit_rows(patch=True))
    assert all(row["patch_label"] != row["label"] for row in rows)
    counts = Counter((row["label"], row["group"]) for row in rows)
    table = np.array([[counts[label, group] for group in digits.GROUPS] for label in digits.LABELS])
    expected = np.outer(table.sum(1), table.sum(0)) / table.sum()
    assert ((table - expected) ** 2 / expected).sum() < 27.88


def test_both_groups_of_speakers_differ_in_pitch_only():
    for number in range(100, 100 + tone_words.SPEAKERS_PER_GROUP):
        a, b = tone_words.speaker("A", number), tone_words.speaker("B", number)
        assert (a.seconds_per_word, a.level) == (b.seconds_per_word, b.level)
        assert b.pitch / a.pitch == pytest.approx(tone_words.GROUP_PITCH["B"])


def test_a_voice_tells_nothing_of_membership():
    """Of 48 voices in each half 40 have a person, so that a part is at most 8 short of its share."""
    persons = named_sounds.persons()
    assert len({person.voice for person in persons}) == len(persons) == 80
    for part in ("tone", "pitch", "manner"):
        counts = {
            member: Counter(getattr(p.voice, part) for p in persons if (p.repeats > 0) is member)
            for member in (True, False)
        }
        assert all(abs(n - counts[False][value]) <= 8 for value, n in counts[True].items())


def test_other_seeds_draw_other_codes():
    assert language.code_sentence(random.Random(1)) != language.code_sentence(random.Random(2))
