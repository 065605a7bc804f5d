"""Our models inside the harness: its evaluator gets what its own backend would give."""

from __future__ import annotations

import json
import sys

import pytest

TOY = ["toy_choice", "toy_last_word", "toy_rolling", "toy_generate"]


@pytest.fixture(scope="module")
def evaluate(toy_tasks):
    from lm_eval import simple_evaluate
    from lm_eval.tasks import TaskManager

    import evalsuite_lm_eval.language_model  # noqa: F401

    def run(model, arguments, names=TOY, **options):
        manager = TaskManager(include_path=str(toy_tasks), include_defaults=False)
        return simple_evaluate(
            model=model,
            model_args=arguments,
            tasks=list(names),
            task_manager=manager,
            device="cpu",
            bootstrap_iters=0,
            **options,
        )

    return run


def same(mine, theirs) -> None:
    assert mine["results"].keys() == theirs["results"].keys()
    for task, expected in theirs["results"].items():
        for key, value in expected.items():
            if isinstance(value, float):
                assert mine["results"][task][key] == pytest.approx(value, rel=1e-4), (task, key)
    for task, samples in theirs["samples"].items():
        told = [s["filtered_resps"] for s in samples if isinstance(s["filtered_resps"][0], str)]
        ours = [s["filtered_resps"] for s in mine["samples"][task]]
        assert not told or ours == told


def test_the_evaluator_gets_the_numbers_of_its_own_backend(gpt2_directory, evaluate) -> None:
    theirs = evaluate("hf", {"pretrained": gpt2_directory, "dtype": "float32"})
    same(evaluate("evalsuite", {"model": f"hf:{gpt2_directory}"}), theirs)


def test_chat_templates_are_rendered_alike(chat_directory, evaluate) -> None:
    options = {
        "names": ["toy_choice", "toy_generate"],
        "apply_chat_template": True,
        "fewshot_as_multiturn": True,
        "system_instruction": "Be brief.",
    }
    theirs = evaluate("hf", {"pretrained": chat_directory, "dtype": "float32"}, **options)
    same(evaluate("evalsuite", {"model": f"hf:{chat_directory}"}, **options), theirs)


def test_a_model_without_a_chat_template_says_so(gpt2_directory, evaluate) -> None:
    from evalsuite import UsageError

    with pytest.raises(UsageError, match="no chat template"):
        evaluate(
            "evalsuite", {"model": f"hf:{gpt2_directory}"}, ["toy_choice"], apply_chat_template=True
        )


def test_repetitions_are_seeds(gpt2_directory) -> None:
    from lm_eval.api.instance import Instance

    from evalsuite_lm_eval.language_model import EvalsuiteLM

    settings = {"until": [], "do_sample": True, "temperature": 1.0, "max_gen_toks": 8}
    instance = Instance("generate_until", {}, ("The house", settings), 0, ("t", 0, 3))
    model = EvalsuiteLM(f"hf:{gpt2_directory}", device="cpu")
    first = model.generate_until([instance] * 3)
    assert len(set(first)) == 3
    assert model.generate_until([instance] * 3) == first


def test_order_is_restored(gpt2_directory) -> None:
    from lm_eval.api.instance import Instance

    from evalsuite_lm_eval.language_model import EvalsuiteLM

    model = EvalsuiteLM(f"hf:{gpt2_directory}", device="cpu", batch_size=2)
    texts = ["a warm house", "green", "the old river is a warm green garden", "green"]
    asked = [Instance("loglikelihood_rolling", {}, (text,), 0, ("t", 0, 1)) for text in texts]
    together = model.loglikelihood_rolling(asked)
    assert together == pytest.approx([model.loglikelihood_rolling([one])[0] for one in asked])
    assert together[1] == together[3]


def test_a_request_that_fails_stops_the_harness_with_a_reason(gpt2_directory) -> None:
    from lm_eval.api.instance import Instance

    from evalsuite import ModelError
    from evalsuite_lm_eval.language_model import EvalsuiteLM

    model = EvalsuiteLM(f"hf:{gpt2_directory}", device="cpu")
    with pytest.raises(ModelError, match="empty text"):
        model.loglikelihood_rolling([Instance("loglikelihood_rolling", {}, ("",), 0, ("t", 0, 1))])


def test_the_command_line_of_the_harness_finds_our_models(
    gpt2_directory, toy_tasks, tmp_path, monkeypatch
) -> None:
    from lm_eval.tasks import manager as tasks

    from evalsuite.cli import run as command_line

    # the harness would read all its own task files first, which takes half a minute here
    monkeypatch.setattr(tasks, "__file__", str(tmp_path / "manager.py"))
    arguments = [
        *("lm-eval", "run", "--model", "evalsuite", "--tasks", "toy_other"),
        *("--model_args", f"model=hf:{gpt2_directory}", "--device", "cpu"),
        *("--include_path", str(toy_tasks), "--output_path", str(tmp_path / "out")),
    ]
    before = list(sys.argv)
    assert command_line(arguments) == 0
    assert sys.argv == before
    (results,) = (tmp_path / "out").rglob("results_*.json")
    document = json.loads(results.read_text())
    assert document["config"]["model"] == "evalsuite"
    assert "acc,none" in document["results"]["toy_other"]
