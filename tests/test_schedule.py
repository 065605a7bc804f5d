"""Rounds: equal questions are asked once, whoever asks them."""

from __future__ import annotations

import pytest
from table_model import TableModel, yes

from evalsuite import Classify, Failure
from evalsuite.errors import DataError
from evalsuite.executor import BudgetMemory, LocalExecutor
from evalsuite.response_store import Responses
from evalsuite.schedule import WINDOW, Asking, Interrupted, Scheduler


def asking(key, *texts):
    def generator():
        replies = yield tuple(Classify(text) for text in texts)
        second = yield Classify(replies[0].label)
        return second.label

    return Asking(key, generator())


def run(made, askings):
    finished = []
    made.run(askings, finished.append)
    return finished


def scheduler(tmp_path, model, **options):
    executor = LocalExecutor(memory=BudgetMemory(tmp_path / "budgets.json"))
    responses = Responses(tmp_path / "responses.sqlite")
    return Scheduler("f", responses, model=model, executor=executor, **options)


def test_equal_questions_are_asked_once(tmp_path):
    model = TableModel(yes)
    finished = run(scheduler(tmp_path, model), (asking(i, "a", "b") for i in range(50)))
    assert [a.outcome for a in finished] == ["yes"] * 50
    assert sum(map(len, model.asked)) == 3  # a, b, and the second round's "yes"


def test_what_is_stored_is_not_asked_again(tmp_path):
    run(scheduler(tmp_path, TableModel(yes)), [asking(0, "a")])
    again = TableModel(yes)
    run(scheduler(tmp_path, again), [asking(0, "a")])
    assert again.asked == []


def test_without_a_model_unknown_questions_fail_with_a_reason(tmp_path):
    responses = Responses(tmp_path / "responses.sqlite")
    replay = Scheduler("f", responses, model=None, executor=None)
    (finished,) = run(replay, [asking(0, "a")])
    assert finished.failure.kind == "not recorded"


def test_a_failed_answer_fails_its_own_asking_only(tmp_path):
    def answer(request):
        return Failure("x", "y") if request.parts[0].text == "bad" else yes(request)

    finished = run(scheduler(tmp_path, TableModel(answer)), [asking(0, "bad"), asking(1, "a")])
    assert {a.key: a.failure is None for a in finished} == {0: False, 1: True}


def test_askings_that_ask_nothing_are_all_finished(tmp_path):
    def silent():
        return "done"
        yield

    many = (Asking(i, silent()) for i in range(3 * WINDOW))
    assert len(run(scheduler(tmp_path, TableModel(yes)), many)) == 3 * WINDOW


def test_an_exception_of_a_probe_is_a_failure_of_its_sample(tmp_path):
    def broken():
        yield Classify("a")
        raise KeyError("field")

    (finished,) = run(scheduler(tmp_path, TableModel(yes)), [Asking(0, broken())])
    assert finished.failure.kind == "probe raised KeyError"


def test_what_the_user_can_mend_is_no_fault_of_the_probe(tmp_path):
    def asks():
        yield Classify("a")
        raise DataError("The label 'x' is none of a, b.")

    (finished,) = run(scheduler(tmp_path, TableModel(yes)), [Asking(0, asks())])
    assert finished.failure == Failure("cannot be used", "The label 'x' is none of a, b.")


def test_stopping_finishes_and_stores_the_batch_in_flight(tmp_path):
    model = TableModel(yes)
    stopping = scheduler(tmp_path, model, should_stop=lambda: bool(model.asked))
    with pytest.raises(Interrupted):
        run(stopping, (asking(i, f"text {i}") for i in range(200)))
    assert stopping.responses.count() == len(model.asked[0])


def test_a_sample_is_finished_as_soon_as_its_answers_are_there(tmp_path):
    model = TableModel(yes)
    seen = []

    def one(key):
        yield Classify(f"text {key:03d}")

    many = (Asking(i, one(i)) for i in range(200))
    scheduler(tmp_path, model).run(many, lambda asking: seen.append(len(model.asked)))
    assert sorted(set(seen)) == list(range(1, len(model.asked) + 1))


def test_asking_nothing_in_a_round_is_no_dead_end(tmp_path):
    def quiet():
        replies = yield ()
        return len(replies)

    assert run(scheduler(tmp_path, TableModel(yes)), [Asking(0, quiet())])[0].outcome == 0
