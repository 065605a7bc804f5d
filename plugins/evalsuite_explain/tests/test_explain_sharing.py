"""What explainers ask about masked inputs is one pool: equal ones are answered once."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from table_model import TableModel

from evalsuite import Classification
from evalsuite.content import text_of
from evalsuite.executor import BudgetMemory, LocalExecutor
from evalsuite.response_store import Responses
from evalsuite.schedule import Asking, Scheduler
from evalsuite_explain.explainers.catalogue import make_explainer
from evalsuite_explain.explainers.game import Game
from evalsuite_explain.inputs.words import Words
from evalsuite_explain.targets import LabelScore

EXPLAINERS = ("occlusion", "shapley", "sampled_shapley", "kernel_shap", "lime")
WEIGHTS = {"good": 0.25, "bad": -0.25, "film": 0.125}


def weighted(request) -> Classification:
    """P(yes) is linear in the words."""
    p = 0.5 + sum(WEIGHTS.get(word, 0.0) for word in text_of(request.content).split())
    return Classification(("no", "yes"), (1 - p, p))


def asking(key, explainer, text) -> Asking:
    game = Game(Words(text), LabelScore("yes"))
    return Asking(key, make_explainer(explainer, {}).explain(game, np.random.default_rng(0)))


def answered(tmp_path, askings) -> tuple[TableModel, Scheduler, list[Asking]]:
    model, done = TableModel(weighted), []
    executor = LocalExecutor(memory=BudgetMemory(tmp_path / "budgets.json"), max_requests=64)
    responses = Responses(tmp_path / "responses.sqlite")
    scheduler = Scheduler("table", responses, model=model, executor=executor)
    scheduler.run(askings, done.append)
    assert [asking.failure for asking in done] == [None] * len(done)
    return model, scheduler, done


def explained(tmp_path, *pairs):
    """The words' scores for each (explainer, text), and the texts that the model was asked."""
    model, scheduler, done = answered(tmp_path, [asking(pair, *pair) for pair in pairs])
    scores = {finished.key: finished.outcome.scores.tolist() for finished in done}
    return scores, [text_of(r.content) for batch in model.asked for r in batch], scheduler.n_asked


def parts_of(text: str) -> set[str]:
    """A text with any of its words left out."""
    words = text.split()
    return {" ".join(some) for n in range(len(words) + 1) for some in combinations(words, n)}


def test_explainers_of_one_text_ask_each_masked_input_once(tmp_path) -> None:
    text = "a good film"
    scores, asked, n_asked = explained(tmp_path, *((name, text) for name in EXPLAINERS))
    # Shapley values need all 2^3 coalitions; nothing that the others ask is new
    assert sorted(asked) == sorted(parts_of(text))
    assert n_asked == 8
    for name in EXPLAINERS[:-1]:  # a linear function: each word's score is its weight
        assert scores[name, text] == pytest.approx([0, 0.25, 0.125], abs=1e-6)


def test_samples_share_the_masked_inputs_that_they_have_in_common(tmp_path) -> None:
    one, other = "a good film", "good film bad"
    _, asked, _ = explained(
        tmp_path, *((name, text) for text in (one, other, one) for name in EXPLAINERS)
    )
    # 8 of each; "", "good", "film" and "good film" belong to both; the third text is known
    assert sorted(asked) == sorted(parts_of(one) | parts_of(other))
    assert len(asked) == 8 + 8 - 4


def test_sharing_changes_no_score(tmp_path) -> None:
    pairs = [(name, text) for text in ("a good film", "good film bad") for name in EXPLAINERS]
    together, _, _ = explained(tmp_path, *pairs)
    for number, pair in enumerate(pairs):
        folder = tmp_path / str(number)
        folder.mkdir()
        alone, _, _ = explained(folder, pair)
        assert together[pair] == alone[pair]


def test_masked_inputs_of_many_samples_are_answered_in_common_batches(tmp_path) -> None:
    texts = [f"good word{n} film" for n in range(40)]
    model, _, _ = answered(tmp_path, [asking(text, "occlusion", text) for text in texts])
    # of each text: itself, and without its first or last word; "good film" and "" are common to all
    assert sum(map(len, model.asked)) == 40 * 3 + 2
    assert len(model.asked) == 2  # batches of 64, not one for each text
