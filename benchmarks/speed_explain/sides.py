"""The two sides: occlusion here, and captum's FeatureAblation over which words are present.

Both score the same texts with the same weights in memory. captum's model function is written as
well as we can: one padded batch, and the head only where the answer stands.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from captum.attr import FeatureAblation
from workloads import Workload

from evalsuite import LoadSettings
from evalsuite.executor import BudgetMemory, LocalExecutor, unique
from evalsuite_explain.explainers.game import Explaining, Explanation, Game
from evalsuite_explain.explainers.occlusion import Occlusion
from evalsuite_explain.inputs.words import Words
from evalsuite_text.models import causal, classifier

LOADERS = {"causal": causal.Loader, "classifier": classifier.Loader}
Scores = list[list[float]]


def load(workload: Workload, directory: Path) -> Any:
    """A model of the harness; captum is given the module inside."""
    return LOADERS[workload.model]().load(str(directory), LoadSettings(device="cpu"))


def forget(model: Any) -> None:
    """As if nothing had been asked before."""
    scorer = getattr(model, "scorer", None)
    if scorer is not None:
        scorer.forget()


def ours(model: Any, workload: Workload, inputs: Sequence[Words]) -> Scores:
    """Occlusion of all texts at once, as a run asks for it."""
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


def captum(
    model: Any, workload: Workload, inputs: Sequence[Words], perturbations_per_eval: int
) -> Scores:
    """FeatureAblation of one text after another, which is what its interface allows."""
    score = {"causal": _continuation, "classifier": _label}[workload.model]
    found = []
    for words in inputs:
        ablation = FeatureAblation(_of_presence(words, lambda given: score(model, workload, given)))
        present = torch.ones(1, len(words))
        with torch.inference_mode():
            scores = ablation.attribute(
                present, baselines=0.0, perturbations_per_eval=perturbations_per_eval
            )
        found.append(scores[0].tolist())
    return found


def _of_presence(
    words: Words, score: Callable[[list[str]], torch.Tensor]
) -> Callable[[torch.Tensor], torch.Tensor]:
    """A function of which words are present [batch, words]."""
    named = [word for word, _ in words.words]

    def forward(present: torch.Tensor) -> torch.Tensor:
        kept = present.bool().tolist()
        return score([" ".join(w for w, is_in in zip(named, row) if is_in) for row in kept])

    return forward


def _continuation(model: Any, workload: Workload, given: list[str]) -> torch.Tensor:
    """Log P(answer | text) [batch]; the head reads the last positions only."""
    prompts = [f"{workload.before}{text}{workload.after}{workload.answer}" for text in given]
    batch = model.tokenizer(prompts, padding=True, padding_side="left", return_tensors="pt")
    n = len(model.tokenizer(workload.answer).input_ids)
    positions = (batch.attention_mask.cumsum(-1) - 1).clamp(min=0)
    logits = model.module(
        input_ids=batch.input_ids,
        attention_mask=batch.attention_mask,
        position_ids=positions,
        logits_to_keep=n + 1,
        use_cache=False,
    ).logits[:, :-1]
    chosen = batch.input_ids[:, -n:, None]
    return logits.float().log_softmax(-1).gather(-1, chosen).sum((1, 2))


def _label(model: Any, workload: Workload, given: list[str]) -> torch.Tensor:
    """The label's probability [batch]."""
    batch = model.tokenizer(given, padding=True, return_tensors="pt")
    logits = model.module(**batch).logits.float()
    return logits.softmax(-1)[:, model.labels.index(workload.answer)]
