"""Batches: budgets, memory that runs out, requests at fault."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from table_model import TableModel, yes

from evalsuite import (
    Audio,
    Classify,
    DeviceLostError,
    Failure,
    Image,
    OutOfMemory,
    Transcribe,
    Transcript,
    is_device_lost,
)
from evalsuite.executor import BudgetMemory, LocalExecutor


def answers_of(model, requests, tmp_path, **options):
    found = {}
    memory = BudgetMemory(tmp_path / "budgets.json")
    LocalExecutor(memory=memory, **options).answer(model, requests, found.update)
    return found


def test_a_batch_stays_within_the_token_budget(tmp_path):
    model = TableModel(yes)
    answers_of(model, [Classify("x" * n) for n in (10, 9, 8, 2, 1)], tmp_path, token_budget=20)
    assert all(len(b) * max(model.cost(r) for r in b) <= 20 for b in model.asked)


def test_the_dearest_request_goes_first(tmp_path):
    model = TableModel(yes)
    answers_of(model, [Classify("x" * n) for n in (1, 5, 3)], tmp_path, max_requests=1)
    assert [model.cost(batch[0]) for batch in model.asked] == [5, 3, 1]


def test_out_of_memory_halves_the_batch_and_is_remembered(tmp_path):
    class Small(TableModel):
        def classify(self, requests):
            if len(requests) > 2:
                raise OutOfMemory("too many")
            return super().classify(requests)

    requests = [Classify(f"{i:02d}") for i in range(8)]
    assert len(answers_of(Small(yes), requests, tmp_path)) == 8
    again = Small(yes)
    answers_of(again, requests, tmp_path)
    assert BudgetMemory(tmp_path / "budgets.json").get("table:classify", 10**6) <= 5


def test_one_bad_request_costs_itself_only(tmp_path):
    def answer(request):
        if request.parts[0].text == "bad":
            raise ValueError("no such word")
        return yes(request)

    requests = [Classify(text) for text in ("a", "bad", "c", "d")]
    found = answers_of(TableModel(answer), requests, tmp_path)
    assert found[requests[1].digest] == Failure("ValueError", "no such word")
    assert sum(isinstance(a, Failure) for a in found.values()) == 1


def test_a_lost_gpu_ends_the_run_instead_of_failing_all_that_follows(tmp_path):
    def answer(request):
        if request.parts[0].text == "bad":
            raise RuntimeError("CUDA error: device-side assert triggered\nCompile with ...")
        return yes(request)

    found = {}
    requests = [Classify(text) for text in ("first", "bad", "c")]
    executor = LocalExecutor(max_requests=1, memory=BudgetMemory(tmp_path / "budgets.json"))
    with pytest.raises(DeviceLostError, match=r"classify of table:1 \(CUDA error: device-side"):
        executor.answer(TableModel(answer), requests, found.update)
    assert list(found) == [requests[0].digest]


def test_an_error_of_one_kernel_only_loses_no_gpu():
    assert not is_device_lost(RuntimeError("CUDA error: invalid configuration argument"))
    assert not is_device_lost(ValueError("an illegal memory access"))


def test_unreadable_media_never_reach_the_model(tmp_path):
    model = TableModel(yes)
    good = Classify(Image.from_array(np.zeros((2, 2, 3), np.uint8)))
    bad = Classify(Image(data=b"no picture"))
    model.cost = lambda request: 1
    found = answers_of(model, [good, bad], tmp_path)
    assert found[bad.digest].kind == "unreadable media"
    assert model.asked == [[good]]


def test_a_part_that_a_model_does_not_take_is_a_failure_not_passed_over(tmp_path):
    model = TableModel(yes)
    model.info = replace(model.info, modalities=frozenset({"text"}))
    model.cost = lambda request: 1
    shown = Classify((Image.from_array(np.zeros((2, 2, 3), np.uint8)), "what is it?"))
    found = answers_of(model, [shown, Classify("what is it?")], tmp_path)
    assert found[shown.digest] == Failure("unsupported part", "table:1 takes no image")
    assert model.asked == [[Classify("what is it?")]]


def test_media_that_a_model_cannot_read_for_its_batches_stand_alone(tmp_path):
    class BySize(TableModel):
        def cost(self, request):
            return 1

        def batches(self, requests, budget):
            return [sorted(requests, key=lambda request: request.parts[0].load().width)]

    good = [Classify(Image.from_array(np.zeros((2, n, 3), np.uint8))) for n in (3, 1)]
    bad = Classify(Image(data=b"no picture"))
    model = BySize(yes)
    found = answers_of(model, [good[0], bad, good[1]], tmp_path)
    assert found[bad.digest].kind == "unreadable media"
    assert model.asked == [[good[1], good[0]]]


def test_a_model_may_make_its_own_batches(tmp_path):
    class Pairs(TableModel):
        def batches(self, requests, budget):
            ordered = sorted(requests, key=lambda request: request.parts[0].text)
            return [ordered[i : i + 2] for i in range(0, len(ordered), 2)]

    model = Pairs(yes)
    found = answers_of(model, [Classify(text) for text in "dbca"], tmp_path)
    assert [[r.parts[0].text for r in batch] for batch in model.asked] == [
        ["a", "b"],
        ["c", "d"],
    ]
    assert len(found) == 4


def test_a_model_may_leave_the_batches_to_the_harness(tmp_path):
    class Undecided(TableModel):
        def batches(self, requests, budget):
            return None

    assert len(answers_of(Undecided(yes), [Classify("a"), Classify("b")], tmp_path)) == 2


def test_own_batches_that_do_not_fit_are_made_again_with_half_the_budget(tmp_path):
    class Small(TableModel):
        def batches(self, requests, budget):
            return [requests[i : i + budget] for i in range(0, len(requests), budget)]

        def classify(self, requests):
            if len(requests) > 2:
                raise OutOfMemory("too many")
            return super().classify(requests)

    requests = [Classify(f"{i:02d}") for i in range(8)]
    assert len(answers_of(Small(yes), requests, tmp_path, token_budget=8)) == 8


class Hearing(TableModel):
    """Costs a unit for a hundred samples."""

    def transcribe(self, requests):
        return [self.answer(request) for request in requests]

    def cost(self, request):
        return len(request.audio.load()[0]) // 100


def clip(n_samples):
    return Audio.from_array(np.ones(n_samples, np.float32), 8000)


def test_transcripts_say_their_share_of_the_time_by_cost(tmp_path):
    # Clips of 200 and 600 samples cost 2 and 6: a quarter of the batch's time and three.
    requests = [Transcribe(clip(n)) for n in (200, 600)]
    found = answers_of(Hearing(lambda request: Transcript("heard")), requests, tmp_path)
    short, long = (found[request.digest].seconds for request in requests)
    assert long == pytest.approx(3 * short)
    assert short > 0


def test_a_model_that_timed_itself_is_believed(tmp_path):
    request = Transcribe(clip(100))
    model = Hearing(lambda request: Transcript("heard", seconds=2.5))
    assert answers_of(model, [request], tmp_path)[request.digest].seconds == 2.5
