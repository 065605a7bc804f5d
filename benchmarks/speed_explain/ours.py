"""This side: occlusion of all texts at once, as a run asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from workloads import Workload

from evalsuite import LoadSettings
from evalsuite.executor import BudgetMemory, LocalExecutor, unique
from evalsuite_explain.explainers.game import Explaining, Explanation, Game
from evalsuite_explain.explainers.occlusion import Occlusion
from evalsuite_explain.inputs.words import Words
from evalsuite_text.models import causal, classifier

LOADERS = {"causal": causal.Loader, "classifier": classifier.Loader}
Scores: TypeAlias = list[list[float]]


def load(workload: Workload, directory: Path, device: str) -> Any:
    """A model of the harness in float32; captum is given the module inside."""
    settings = LoadSettings(device=device, dtype="float32")
    return LOADERS[workload.model]().load(str(directory), settings)


def forget(model: Any) -> None:
    """As if nothing had been asked before: neither kept beginnings nor encoded texts."""
    if hasattr(model, "scorer"):
        model.scorer.forget()
        model.encoder = type(model.encoder)(model.tokenizer, model.encoder.max_length)


def ours(model: Any, workload: Workload, inputs: Sequence[Words]) -> Scores:
    """A score for each word of each text."""
    rng = np.random.default_rng(0)
    asking = [Occlusion().explain(Game(words, workload.target), rng) for words in inputs]
    questions = [next(generator) for generator in asking]
    answers: dict[str, Any] = {}
    executor = LocalExecutor(memory=BudgetMemory(Path("/nonexistent")))
    flat = (request for question in questions for request in question)
    executor.answer(model, list(unique(flat)), answers.update)
    found = []
    for generator, question in zip(asking, questions, strict=True):
        replies = tuple(answers[request.digest] for request in question)
        found.append(_last(generator, replies).scores.tolist())
    return found


def _last(asking: Explaining, replies: tuple[Any, ...]) -> Explanation:
    """What a generator returns after its one question."""
    try:
        asking.send(replies)
    except StopIteration as stop:
        explanation: Explanation = stop.value
        return explanation
    raise AssertionError("occlusion asks once")
