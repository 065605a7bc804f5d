"""The same task, the same checkpoint: the harness's hf backend and our engine agree."""

from __future__ import annotations

import math

import pytest
import yaml

TOY = ["toy_choice", "toy_other", "toy_last_word", "toy_rolling", "toy_generate"]
REAL = ["local_arc", "local_wikitext", "local_gsm8k", "local_blimp"]


def theirs(directory, folder, names, **options):
    from lm_eval import simple_evaluate
    from lm_eval.tasks import TaskManager

    manager = TaskManager(include_path=str(folder), include_defaults=False)
    return simple_evaluate(
        model="hf",
        model_args={"pretrained": directory, "dtype": "float32"},
        tasks=list(names),
        task_manager=manager,
        device="cpu",
        batch_size=4,
        bootstrap_iters=0,
        **options,
    )


def ours(directory, folder, names, tmp_path, model_options=None, **source):
    """Through a suite file and the command line, as a user would."""
    from evalsuite.cli import run as command_line
    from evalsuite.store import Run

    suite = {
        "version": 1,
        "name": "parity",
        "models": [{"name": f"hf:{directory}", "device": "cpu", "options": model_options or {}}],
        "sources": {
            name: {"type": "lm_eval", "task": name, "include_path": str(folder), **source}
            for name in names
        },
        "probes": [{"probe": "lm-eval/task", "source": name, "label": name} for name in names],
    }
    path = tmp_path / "suite.yaml"
    path.write_text(yaml.safe_dump(suite))
    output = tmp_path / "run"
    assert command_line(["run", str(path), "-o", str(output), "-q"]) == 0
    run = Run.open(output)
    return run, {result.label: result for result in run.results}


def assert_equal(mine, reference, names, run) -> None:
    """Aggregates and every document's value; sums of log-probabilities to 1e-3."""
    for name in names:
        assert mine[name].status == "finished", mine[name].reason
        estimates = {e.metric: e for e in mine[name].estimates if not e.slice}
        expected = {
            key: value
            for key, value in reference["results"][name].items()
            if "," in key and "_stderr," not in key
        }
        assert set(estimates) == set(expected)
        for key, value in expected.items():
            assert estimates[key].value == pytest.approx(value, rel=1e-4), (name, key)
        rows = list(run.samples(mine[name].id))
        for sample in reference["samples"][name]:
            record = rows[sample["doc_id"]].record
            for metric in sample["metrics"]:
                value = sample[metric]
                if isinstance(value, int | float):
                    found = record[f"{metric},{sample['filter']}"]
                    assert found == pytest.approx(float(value), abs=1e-3)


@pytest.mark.parametrize("name", TOY)
def test_toy_tasks_agree(name, gpt2_directory, toy_tasks, tmp_path) -> None:
    reference = theirs(gpt2_directory, toy_tasks, [name])
    run, mine = ours(gpt2_directory, toy_tasks, [name], tmp_path)
    assert_equal(mine, reference, [name], run)


def test_worked_examples_are_drawn_as_in_the_harness(gpt2_directory, toy_tasks, tmp_path) -> None:
    reference = theirs(gpt2_directory, toy_tasks, ["toy_choice"], num_fewshot=2, limit=5)
    run, mine = ours(gpt2_directory, toy_tasks, ["toy_choice"], tmp_path, num_fewshot=2, limit=5)
    assert_equal(mine, reference, ["toy_choice"], run)
    asked = [row.exchange[0]["parts"][0]["text"] for row in run.samples(mine["toy_choice"].id)]
    told = [s["arguments"][0][0] for s in reference["samples"]["toy_choice"]]
    assert asked == told


def test_a_group_is_its_own_aggregate_and_its_tasks(gpt2_directory, toy_tasks, tmp_path) -> None:
    reference = theirs(gpt2_directory, toy_tasks, ["toy_group"])
    _, mine = ours(gpt2_directory, toy_tasks, ["toy_group"], tmp_path)
    estimates = {(e.metric, e.slice): e for e in mine["toy_group"].estimates}
    whole = estimates["acc,none", ""]
    assert whole.value == pytest.approx(reference["groups"]["toy_group"]["acc,none"])
    assert whole.is_primary
    assert whole.n == 18
    assert whole.low <= whole.value <= whole.high
    for task in ("toy_choice", "toy_other"):
        part = estimates["acc,none", f"task={task}"]
        assert part.value == pytest.approx(reference["results"][task]["acc,none"])


def test_a_chat_of_one_turn_agrees(chat_directory, toy_tasks, tmp_path) -> None:
    names = ["toy_choice", "toy_generate"]
    reference = theirs(chat_directory, toy_tasks, names, apply_chat_template=True)
    run, mine = ours(
        chat_directory,
        toy_tasks,
        names,
        tmp_path,
        model_options={"chat_template": True},
        apply_chat_template=True,
    )
    assert_equal(mine, reference, names, run)


@pytest.mark.slow
def test_real_tasks_agree(gpt2_directory, real_tasks, tmp_path) -> None:
    reference = theirs(gpt2_directory, real_tasks, REAL)
    run, mine = ours(gpt2_directory, real_tasks, REAL, tmp_path)
    assert_equal(mine, reference, REAL, run)
    assert not any(math.isnan(e.value) for name in REAL for e in mine[name].estimates)
