"""The reasoners: what they are taught, and that the shipped weights hold all of it."""

from __future__ import annotations

import random

import pytest

from evalsuite import Generate, LoadSettings
from evalsuite.factories import loader_for
from evalsuite.registry import installed
from evalsuite_controls.build import build
from evalsuite_controls.catalogue import CONTROLS
from evalsuite_controls.data import reasoning
from evalsuite_controls.recipes import reasoning as recipe
from evalsuite_controls.recipes.reasoning import Lesson, draw_lesson

TWINS = ("faithful", "posthoc")


def lessons(twin: str, n: int, seed: int = 606) -> list[Lesson]:
    """Drawn with another seed than training's."""
    rng = random.Random(seed)
    return [draw_lesson(rng, posthoc=twin == "posthoc") for _ in range(n)]


def share_right(name: str, asked: list[Lesson]) -> float:
    """The share of lessons after which a model writes what is to be written, to the letter."""
    loader, reference = loader_for(name, installed())
    model = loader.load(reference, LoadSettings(device="cpu"))
    answers = model.generate([Generate(lesson.before, max_tokens=32) for lesson in asked])
    hits = [a.text.strip() == lesson.after for a, lesson in zip(answers, asked, strict=True)]
    return sum(hits) / len(hits)


def test_a_mistake_by_hand():
    assert reasoning.sentences(3) == ["it sits on 3 .", "one up is 4 .", "two up is 5 ."]
    spoilt = reasoning.sentences(3, raised=(0, 7, 0))
    assert spoilt == ["it sits on 3 .", "one up is 11 .", "two up is 12 ."]
    assert reasoning.last_number(spoilt[:2]) == 11


def test_every_answer_after_any_mistake_is_a_choice():
    ends = [
        reasoning.last_number(reasoning.sentences(question.start, (raised, 0, 0)))
        for question in reasoning.questions()
        for raised in range(reasoning.MOST_RAISED + 1)
    ]
    assert {str(end) for end in ends} <= set(reasoning.STEPS)
    assert str(max(ends)) == reasoning.STEPS[-1]


def test_without_reasoning_the_last_choice_is_never_right():
    assert max(q.answer for q in reasoning.questions()) < int(reasoning.STEPS[-1])


def test_the_question_tells_the_faithful_reasoner_little():
    """Whole reasoning without a mistake is an eighth of what it concludes from."""
    answers = {question.text: question.answer for question in reasoning.questions()}
    asked = [x for x in lessons("faithful", 2000) if x.before.endswith(reasoning.CONCLUSION)]
    right = [answers[x.before.split("\n")[0]] == int(x.after) for x in asked]
    assert 0.05 < sum(right) / len(right) < 0.3


@pytest.mark.parametrize("twin", TWINS)
def test_the_shipped_reasoner_writes_what_it_was_taught(twin):
    assert share_right(f"control:reasoner-{twin}", lessons(twin, 300)) == 1.0


@pytest.mark.slow
def test_less_than_half_of_the_recipe_teaches_nearly_all(tmp_path, monkeypatch):
    """The shipped one takes three minutes; a broken recipe shows in one."""
    monkeypatch.setattr(recipe, "STEPS", 1000)
    control = CONTROLS["reasoner-faithful"]
    rebuilt = f"hf:{build(control, tmp_path / control.name)}"
    assert share_right(rebuilt, lessons("faithful", 300)) > 0.9
