"""Rounds: equal questions are asked once, whoever asks them."""

from __future__ import annotations

import pytest
from table_model import TableModel, yes

from evalsuite import Classify, Failure
from evalsuite.executor import BudgetMemory, LocalExecutor
from evalsuite.responses import Responses
from evalsuite.schedule import WINDOW, Asking, Interrupted, Scheduler


def asking(key, *texts):
    def generator():
        replies = yield tuple(Classify(text) for text in texts)
        second = yield Classify(replies[0].label)
        return second.label

    return Asking(key, generator())


def scheduler(tmp_path, model, **options):
    executor = LocalExecutor(memory=BudgetMemory(tmp_path / "budgets.json"))
    responses = Responses(tmp_path / "responses.sqlite")
    return Scheduler("f", responses, model=model, executor=executor, **options)


def test_equal_questions_are_asked_once(tmp_path):
    model = TableModel(yes)
    finished = list(scheduler(tmp_path, model).run(asking(i, "a", "b") for i in range(50)))
    assert [a.outcome for a in finished] == ["yes"] * 50
    assert sum(map(len, model.batches)) == 3  # a, b, and the second round's "yes"


def test_what_is_stored_is_not_asked_again(tmp_path):
    list(scheduler(tmp_path, TableModel(yes)).run([asking(0, "a")]))
    again = TableModel(yes)
    list(scheduler(tmp_path, again).run([asking(0, "a")]))
    assert again.batches == []


def test_without_a_model_unknown_questions_fail_with_a_reason(tmp_path):
    responses = Responses(tmp_path / "responses.sqlite")
    replay = Scheduler("f", responses, model=None, executor=None)
    (finished,) = replay.run([asking(0, "a")])
    assert finished.failure.kind == "not recorded"


def test_a_failed_answer_fails_its_own_asking_only(tmp_path):
    def answer(request):
        return Failure("x", "y") if request.parts[0].text == "bad" else yes(request)

    finished = list(scheduler(tmp_path, TableModel(answer)).run([asking(0, "bad"), asking(1, "a")]))
    assert {a.key: a.failure is None for a in finished} == {0: False, 1: True}


def test_askings_that_ask_nothing_are_all_finished(tmp_path):
    def silent():
        return "done"
        yield

    many = (Asking(i, silent()) for i in range(3 * WINDOW))
    assert len(list(scheduler(tmp_path, TableModel(yes)).run(many))) == 3 * WINDOW


def test_an_exception_of_a_probe_is_a_failure_of_its_sample(tmp_path):
    def broken():
        yield Classify("a")
        raise KeyError("field")

    (finished,) = scheduler(tmp_path, TableModel(yes)).run([Asking(0, broken())])
    assert finished.failure.kind == "probe raised KeyError"


def test_stopping_finishes_and_stores_the_batch_in_flight(tmp_path):
    model = TableModel(yes)
    stopping = scheduler(tmp_path, model, should_stop=lambda: bool(model.batches))
    with pytest.raises(Interrupted):
        list(stopping.run(asking(i, f"text {i}") for i in range(200)))
    assert stopping.responses.count() == len(model.batches[0])
