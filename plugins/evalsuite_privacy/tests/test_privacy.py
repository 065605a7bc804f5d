"""Exposure of canaries, and the leaky twin of the controls beside the clean one."""

from __future__ import annotations

import pytest

from evalsuite import ContinuationScore, LoadSettings, Sample
from evalsuite.factories import loader_for
from evalsuite.model import answer_batch
from evalsuite.registry import installed
from evalsuite.testing import check_probe, play
from evalsuite_controls.sources import Canaries, Members
from evalsuite_privacy.membership.probes import MembershipInference
from evalsuite_privacy.memorisation.exposure import CanaryExposure


def rows(canaries: dict[str, int], n_references: int = 16):
    found = [Sample(t, {"text": t, "is_canary": True, "repeats": r}) for t, r in canaries.items()]
    return found + [
        Sample(f"r{i}", {"text": f"reference {i}", "is_canary": False, "repeats": 0})
        for i in range(n_references)
    ]


def by_table(table: dict[str, float]):
    def answer(request):
        text = request.continuation
        value = table[text] if text in table else 10.0 + int(text.split()[-1])
        return ContinuationScore(-value, 6, False)

    return answer


@pytest.mark.parametrize(
    ("perplexity", "bits"), [(5.0, 4.0), (12.5, 2.0), (10.0, 3.0), (30.0, -0.08746284)]
)
def test_exposures_are_the_worked_ones(perplexity, bits):
    """References at 10, 11, ..., 25: log2 16 minus log2 of the rank."""
    played = play(CanaryExposure(), rows({"canary": 1}), by_table({"canary": perplexity}))
    exposed = [r["exposure"] for r in played.records if r["is_canary"]]
    assert exposed == pytest.approx([bits], abs=1e-6)


def test_exposure_by_repeats_is_given():
    table = {"often": 1.0, "once": 17.5}
    played = play(CanaryExposure(), rows({"often": 64, "once": 1}), by_table(table))
    assert played.estimate("mean exposure (bits)", "repeats=64").value == 4.0
    assert played.estimate("mean exposure (bits)", "repeats=1").value < 2.0


def test_the_exposure_contract_is_kept():
    table = {f"c{i}": 9.0 + i for i in range(8)}
    check_probe(CanaryExposure(), rows(dict.fromkeys(table, 1)), by_table(table))


@pytest.mark.parametrize(
    ("name", "verdict"),
    [("text-leaky", "differs from null"), ("text-clean", "compatible with null")],
)
@pytest.mark.parametrize(
    ("probe", "source", "metric"),
    [
        (MembershipInference(), Members(), "leak beyond inputs"),
        (CanaryExposure(), Canaries(), "mean exposure (bits)"),
    ],
)
def test_the_leaky_twin_is_told_from_the_clean_one(name, verdict, probe, source, metric):
    loader, reference = loader_for(f"control:{name}", installed())
    model = loader.load(reference, LoadSettings(device="cpu"))
    played = play(probe, list(source.rows()), lambda request: answer_batch(model, [request])[0])
    assert played.estimate(metric).verdict == verdict
