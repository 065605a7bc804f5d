"""References: another model asked now or read from its run; LiRA and RMIA with known references."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from evalsuite import Sample, TokenScoreTable, UsageError
from evalsuite.testing import check_probe, play
from evalsuite_controls.sources import Members
from evalsuite_privacy.membership import shadow
from evalsuite_privacy.membership.probes import MembershipInference
from evalsuite_privacy.membership.references import Reference
from evalsuite_privacy.membership.shadow import ReferenceModelMembership

LEAK = "leak beyond inputs"
N, MODELS = 240, 6
DRAW = random.Random(0)
WORDS = ["ash", "bay", "cod", "dew", "elm", "fig", "gum", "hay", "ivy", "jam"]
TEXTS = [" ".join(DRAW.choices(WORDS, k=6)) + f" {i}" for i in range(N)]
# Each text is hard or easy by itself, which hides its membership from the loss alone.
HARDNESS = {text: DRAW.gauss(-3, 1) for text in TEXTS}
TRAINED_ON = {t: [f"ref{j}" for j in range(MODELS) if DRAW.random() < 0.5] for t in TEXTS}
IS_MEMBER = {text: i % 3 == 0 for i, text in enumerate(TEXTS)}
POPULATION = {text for i, text in enumerate(TEXTS) if i % 12 in (1, 5, 10)}
REFERENCES = {f"ref{j}": f"control:{j}" for j in range(MODELS)}


def samples(*, with_population: bool = True):
    return [
        Sample(
            str(i),
            {
                "text": t,
                "member": IS_MEMBER[t],
                "trained_on": TRAINED_ON[t],
                "population": with_population and t in POPULATION,
            },
        )
        for i, t in enumerate(TEXTS)
    ]


def log_likelihood(text: str, seen: bool, seed: str, bonus: float) -> float:
    noise = random.Random(f"{seed}{text}").gauss(0, 0.15)
    return 7 * min(-0.01, HARDNESS[text] + noise + bonus * seen)


def target(bonus: float):
    return lambda request: TokenScoreTable(
        (log_likelihood(request.text, IS_MEMBER[request.text], "target", bonus) / 7,) * 7
    )


@pytest.fixture
def known(monkeypatch):
    """References that answer at once instead of being loaded; see below for real ones."""

    def totals(self, asked):
        name = f"ref{self.name[-1]}"
        texts = [one.request.text for one in asked]
        return [log_likelihood(t, name in TRAINED_ON[t], name, 0.6) for t in texts]

    monkeypatch.setattr(shadow.Reference, "totals", totals)
    monkeypatch.setattr(shadow.Reference, "check", lambda self, *requests: None)


@pytest.mark.parametrize("attack", ["lira_online", "lira_offline", "rmia_online", "rmia_offline"])
def test_members_are_found_by_references_where_the_loss_alone_is_weak(known, attack):
    probe = ReferenceModelMembership(REFERENCES, shared_deviation=True, gamma=1.0)
    played = play(probe, samples(), target(0.6))
    assert played.estimate("attack AUC", f"attack={attack}").value > 0.9
    loss = play(MembershipInference(), samples(), target(0.6))
    assert loss.estimate("attack AUC", "attack=loss").value < 0.75


def test_a_model_that_saw_nothing_is_silent_whatever_the_references_know(known):
    probe = ReferenceModelMembership(REFERENCES, shared_deviation=True, gamma=1.0)
    played = play(probe, samples(), target(0.0))
    assert played.estimate(LEAK).verdict == "compatible with null"


def test_the_population_is_compared_with_and_not_tested(known):
    played = play(ReferenceModelMembership(REFERENCES), samples(), target(0.6))
    n_population = sum(record["is_population"] for record in played.records)
    assert n_population == 60
    assert played.estimate("blind AUC").n == N - n_population


def test_without_a_population_rmia_is_undefined(known):
    played = play(ReferenceModelMembership(REFERENCES), samples(with_population=False), target(0.6))
    assert math.isnan(played.estimate(LEAK, "attack=rmia_online").value)
    assert not math.isnan(played.estimate(LEAK, "attack=lira_online").value)


def test_the_contract_is_kept_with_references(known):
    check_probe(ReferenceModelMembership(REFERENCES), samples(), target(0.6))


def test_a_reference_that_is_not_declared_is_named(known):
    strange = [Sample("0", {"text": TEXTS[0], "member": True, "trained_on": ["other"]})]
    with pytest.raises(ValueError, match="trained_on names other"):
        play(ReferenceModelMembership(REFERENCES), strange, target(0.6))


def test_one_reference_is_refused():
    with pytest.raises(ValueError, match="two models"):
        ReferenceModelMembership({"one": "control:text-clean"})


# ------------------------------------------------------------------------------------------------
# Real references
# ------------------------------------------------------------------------------------------------


def test_a_reference_by_name_is_asked_the_same(monkeypatch):
    """The clean twin scores the texts; the difference of a constant model is minus its loss."""
    rows = list(Members(limit=40).rows())
    probe = MembershipInference(reference="control:text-clean")
    played = play(probe, rows, lambda request: TokenScoreTable((-1.0,) * 11))
    scores = np.array([record["reference"] for record in played.records])
    assert np.isfinite(scores).all()
    assert scores.mean() > 1.0  # the clean twin finds random words unlikely


def test_a_reference_that_does_not_score_texts_is_refused():
    with pytest.raises(UsageError, match="does not answer TokenScores"):
        play(MembershipInference(reference="control:classifier-clean"), [], lambda request: None)


def test_a_folder_that_is_no_run_of_a_privacy_probe_is_refused(tmp_path):
    with pytest.raises(Exception, match="plan.json|run"):
        Reference(str(tmp_path)).check()
