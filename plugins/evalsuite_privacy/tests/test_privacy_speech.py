"""What models of speech remember: tiny ones of three kinds, loaded as any is."""

from __future__ import annotations

import math
import random
from functools import cache

import numpy as np
import pytest
from trained_transcribers import RATE_HZ, save_audio_language_model, save_ctc, save_whisper

from evalsuite import Align, Alignment, Audio, Failure, LoadSettings, Sample
from evalsuite.cli import run
from evalsuite.factories import loader_for
from evalsuite.model import answer_batch
from evalsuite.registry import installed
from evalsuite.store import Run
from evalsuite.testing import check_probe, play
from evalsuite_controls.data.encoding import wav_bytes
from evalsuite_privacy.membership.probes import (
    AudioMembershipInference,
    TranscriptMembershipInference,
)
from evalsuite_privacy.memorisation.exposure import AudioCanaryExposure

DRAW = random.Random(0)
N = 24  # members; as many others; as many that the twins were trained on instead
TEXTS = ["".join(DRAW.choices("0123456789", k=6)) for _ in range(3 * N)]
LEAK = "leak beyond inputs"
PROBES = {
    "whisper": AudioMembershipInference(),
    "audio language model": AudioMembershipInference(),
    "ctc": TranscriptMembershipInference(),
}
SAVE = {
    "whisper": save_whisper,
    "audio language model": save_audio_language_model,
    "ctc": lambda *of: save_ctc(*of, "0123456789", steps=100),
}


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
def saved(tmp_path_factory):
    """Folders of models by kind: the one that learned the members by heart, its twin others."""

    @cache
    def folder(kind: str, is_twin: bool) -> str:
        numbers = range(2 * N, 3 * N) if is_twin else range(N)
        clips, texts = [clip(i) for i in numbers], [TEXTS[i] for i in numbers]
        return SAVE[kind](tmp_path_factory.mktemp("model"), clips, texts)

    return folder


@pytest.fixture(scope="module")
def asked(saved):
    """Models by kind, each answering one request at a time."""

    @cache
    def model(kind: str, is_twin: bool = False):
        loader, reference = loader_for(f"hf:{saved(kind, is_twin)}", installed())
        return loader.load(reference, LoadSettings(device="cpu"))

    return lambda *of: lambda request: answer_batch(model(*of), [request])[0]


def test_transcripts_that_were_trained_on_are_exposed(asked):
    played = play(AudioCanaryExposure(), SAMPLES, asked("whisper"))
    estimate = played.estimate("mean exposure (bits)")
    assert estimate.n == N
    assert estimate.verdict == "differs from null"
    assert estimate.value > 4.0


@pytest.mark.parametrize("kind", PROBES)
def test_clips_that_were_trained_on_are_told_by_their_transcripts(kind, asked):
    played = play(PROBES[kind], SAMPLES, asked(kind))
    assert played.estimate("attack AUC", "attack=loss").value > 0.95
    assert played.estimate(LEAK).verdict == "differs from null"
    assert played.estimate(LEAK).low > 0.2


@pytest.mark.parametrize("kind", PROBES)
def test_a_twin_that_was_trained_on_others_is_silent(kind, asked):
    """Chance: .5 within two deviations, sqrt(49 / (12 x 24 x 24)) = .084 each."""
    played = play(PROBES[kind], SAMPLES, asked(kind, True))
    assert played.estimate(LEAK).verdict != "differs from null"
    area = played.estimate("attack AUC", "attack=loss").value
    assert abs(area - 0.5) <= 2 * math.sqrt(49 / (12 * N * N))


@pytest.mark.parametrize("kind", PROBES)
def test_one_command_runs_what_folders_of_clips_with_transcripts_allow(kind, saved, tmp_path):
    for sample in SAMPLES:
        side = tmp_path / ("members" if sample["member"] else "non_members")
        side.mkdir(exist_ok=True)
        (side / f"{sample.id}.wav").write_bytes(wav_bytes(clip(int(sample.id)), RATE_HZ))
        (side / f"{sample.id}.txt").write_text(str(sample["text"]))
    command = [
        "run",
        "privacy",
        "-m",
        f"hf:{saved(kind, False)}",
        "-q",
        "-o",
        str(tmp_path / "run"),
    ]
    for side in ("members", "non_members"):
        command += ["--set", f"{side}={tmp_path / side}"]
    assert run(command) == 0
    results = Run.open(tmp_path / "run").results
    done = {r.probe: r.estimates[0] for r in results if r.status != "not applicable"}
    assert done[PROBES[kind].name].verdict == "differs from null"
    assert all(r.reason for r in results if r.status == "not applicable")
    written = {"privacy/audio-entropy-membership", "privacy/audio-extraction"}
    more = written if kind == "audio language model" else set()
    assert done.keys() == {PROBES[kind].name} | more


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
