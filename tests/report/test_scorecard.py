"""Tables that are not mostly empty, in which every hole says why it is one."""

from __future__ import annotations

from report.small_runs import result

from evalsuite.report.scorecard import MAX_COLUMNS, blocks


def scores(model: str, *probes: str):
    return [result(model, 0.5, 0.4, 0.6, name=f"fairness/{name}") for name in probes]


def test_models_that_share_no_probe_stand_in_tables_of_their_own():
    found = blocks([*scores("m:a", "one"), *scores("m:b", "two"), *scores("m:c", "two")])
    assert [block.models for block in found] == [("m:a",), ("m:b", "m:c")]


def test_models_that_share_a_probe_through_a_third_stand_in_one_table():
    found = blocks([*scores("m:a", "1"), *scores("m:b", "2"), *scores("m:c", "1", "2")])
    assert [block.models for block in found] == [("m:a", "m:b", "m:c")]


def test_few_models_and_many_probes_have_probes_as_rows():
    names = [str(place) for place in range(MAX_COLUMNS + 1)]
    (block,) = blocks([*scores("m:a", *names), *scores("m:b", *names)])
    assert not block.has_models_as_rows
    assert len(block.columns) == MAX_COLUMNS + 1


def test_many_models_and_many_probes_make_several_tables_without_loss():
    names = [str(place) for place in range(MAX_COLUMNS + 1)]
    found = blocks([s for model in range(9) for s in scores(f"m:{model}", *names)])
    assert [len(block.columns) for block in found] == [MAX_COLUMNS, 1]


def test_a_job_that_is_not_applicable_is_a_cell_with_its_reason():
    absent = result("m:b", 0, 0, 0, name="fairness/one")
    absent = type(absent)(
        "x", "m:b", absent.probe, "fairness", "s", "not applicable", "it is deaf",
        label=absent.label,
    )  # fmt: skip
    (block,) = blocks([*scores("m:a", "one", "two"), absent, *scores("m:b", "two")])
    cell = block.columns[0].cells[1]
    assert (cell.value, cell.why) == ("n/a", "not applicable: it is deaf")
