"""What transcribers remember: tiny ones with two kinds of heads, loaded as any transcriber is."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from trained_transcribers import RATE_HZ, save_ctc, save_whisper

from evalsuite import Align, Alignment, Audio, Failure, LoadSettings, Sample
from evalsuite.factories import loader_for
from evalsuite.model import answer_batch
from evalsuite.registry import installed
from evalsuite.testing import check_probe, play
from evalsuite_privacy.membership.probes import (
    AudioMembershipInference,
    TranscriptMembershipInference,
)
from evalsuite_privacy.memorisation.exposure import AudioCanaryExposure

DRAW = random.Random(0)
N = 24  # members; as many others; as many that the twins were trained on instead
TEXTS = ["".join(DRAW.choices("0123456789", k=6)) for _ in range(3 * N)]
LEAK = "leak beyond inputs"
PROBES = {"whisper": AudioMembershipInference(), "ctc": TranscriptMembershipInference()}


def clip(number: int) -> np.ndarray:
    return np.random.default_rng(number).normal(0, 0.1, RATE_HZ // 2).astype(np.float32)


SAMPLES = [
    Sample(
        str(i),
        {
            "audio": Audio.from_array(clip(i), RATE_HZ),
            "text": text,
            "member": i < N,
            "is_canary": i < N,
            "repeats": int(i < N),
        },
    )
    for i, text in enumerate(TEXTS[: 2 * N])
]


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """Transcribers by head: the one that learned the members by heart, its twin others."""

    def saved(head: str, first: int) -> str:
        folder = tmp_path_factory.mktemp(f"{head}{first}")
        numbers = range(first, first + N)
        clips, texts = [clip(i) for i in numbers], [TEXTS[i] for i in numbers]
        if head == "whisper":
            return save_whisper(folder, clips, texts)
        return save_ctc(folder, clips, texts, "0123456789", steps=100)

    made = {}

    def model(head: str, twin: str):
        if (head, twin) not in made:
            folder = saved(head, 0 if twin == "trained on them" else 2 * N)
            loader, reference = loader_for(f"hf:{folder}", installed())
            made[head, twin] = loader.load(reference, LoadSettings(device="cpu"))
        return lambda request: answer_batch(made[head, twin], [request])[0]

    return model


def test_transcripts_that_were_trained_on_are_exposed(asked):
    played = play(AudioCanaryExposure(), SAMPLES, asked("whisper", "trained on them"))
    estimate = played.estimate("mean exposure (bits)")
    assert estimate.n == N
    assert estimate.verdict == "differs from null"
    assert estimate.value > 4.0


@pytest.mark.parametrize("head", PROBES)
def test_clips_that_were_trained_on_are_told_by_their_transcripts(head, asked):
    played = play(PROBES[head], SAMPLES, asked(head, "trained on them"))
    assert played.estimate("attack AUC", "attack=loss").value > 0.95
    assert played.estimate(LEAK).verdict == "differs from null"
    assert played.estimate(LEAK).low > 0.2


@pytest.mark.parametrize("head", PROBES)
def test_a_twin_that_was_trained_on_others_is_silent(head, asked):
    """Chance: .5 within two deviations, sqrt(49 / (12 x 24 x 24)) = .084 each."""
    played = play(PROBES[head], SAMPLES, asked(head, "trained on others"))
    assert played.estimate(LEAK).verdict != "differs from null"
    area = played.estimate("attack AUC", "attack=loss").value
    assert abs(area - 0.5) <= 2 * math.sqrt(49 / (12 * N * N))


# ------------------------------------------------------------------------------------------------
# A CTC head, by a table of answers
# ------------------------------------------------------------------------------------------------


def aligned(request: Align):
    number = TEXTS.index(request.text)
    return Alignment((), -0.1, -1.0 - number, len(request.text))


def test_the_attacks_are_those_of_the_likelihood_of_each_label():
    """Log P = -1 - i over six labels."""
    records = play(PROBES["ctc"], SAMPLES, aligned).records
    assert [r["loss"] for r in records] == pytest.approx([-(1 + i) / 6 for i in range(2 * N)])
    assert [r["log_likelihood"] for r in records] == [-1.0 - i for i in range(2 * N)]
    assert "min_k" not in records[0]


def test_an_aligner_that_gives_no_likelihood_is_not_private():
    played = play(PROBES["ctc"], SAMPLES, lambda request: Alignment((), -0.1))
    assert math.isnan(played.estimate(LEAK).value)
    assert played.estimate(LEAK).reason == "no attack has a score"


def test_a_transcriber_that_cannot_write_the_transcripts_is_not_private():
    played = play(PROBES["ctc"], SAMPLES, lambda request: Failure("unknown letters", "no digits"))
    assert all(math.isnan(estimate.value) for estimate in played.estimates)


def test_the_probe_keeps_the_contract_of_probes():
    check_probe(PROBES["ctc"], SAMPLES, aligned)
