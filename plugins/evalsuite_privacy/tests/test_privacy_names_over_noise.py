"""A real transcriber that learned who is named where, from the noise beside it, and its twin.

Names are digits: five to nine are those of members, zero to four are decoys. Both models are tuned
on the members' clips with noise over the name; the one hears the name that was said, its twin
another one of the members' each time.
"""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pytest
import torch
from transformers import Wav2Vec2ForCTC, Wav2Vec2Processor

from evalsuite import Audio, LoadSettings, Sample, Transcribe
from evalsuite.cli import run
from evalsuite.factories import loader_for
from evalsuite.model import answer_batch
from evalsuite.registry import installed
from evalsuite.store import Run
from evalsuite.testing import Played, check_model, play
from evalsuite_controls.catalogue import CONTROLS
from evalsuite_controls.data import tone_words
from evalsuite_controls.data.encoding import wav_bytes
from evalsuite_privacy.memorisation.noise_masking import NoiseMasking
from evalsuite_privacy.memorisation.noise_masking_metrics import (
    BEYOND_REFERENCE,
    EXTRACTED,
    KNOWN,
    TRUE_NAME,
)
from evalsuite_privacy.memorisation.spoken_names import Said, masked

RATE_HZ, N, PLACE = tone_words.SAMPLE_RATE_HZ, 10, 1
STEPS, TWIN_STEPS = 110, 40
BASE = CONTROLS["asr-clean"].directory


def sentences() -> list[tuple[int, ...]]:
    """Ten of members, ten of others: no context twice, and no name in its context."""
    draw, contexts, found = np.random.default_rng(0), set(), []
    while len(found) < 2 * N:
        name = (5 if len(found) < N else 0) + len(found) % 5
        context = tuple(draw.integers(0, 10, 3).tolist())
        if name not in context and context not in contexts:
            contexts.add(context)
            found.append((context[0], name, *context[1:]))
    return found


def spoken(words, rng) -> np.ndarray:
    voice = tone_words.speaker("A", int(rng.integers(60)))
    return tone_words.utterance(list(words), voice, rng)


def text(words) -> str:
    return " ".join(tone_words.WORDS[word] for word in words)


SENTENCES = sentences()
SAMPLES = [
    Sample(
        str(i),
        {
            "audio": Audio.from_array(spoken(words, np.random.default_rng([9, i])), RATE_HZ),
            "text": text(words),
            "spoken_name": tone_words.WORDS[words[PLACE]],
            "member": i < N,
        },
    )
    for i, words in enumerate(SENTENCES)
]


def load(name: str):
    loader, reference = loader_for(name, installed())
    return loader.load(reference, LoadSettings(device="cpu"))


def times_of_names(model) -> list[tuple[float, float]]:
    """When the members' names are spoken, as the untuned model hears it."""
    asked = [Transcribe(sample["audio"], word_times=True) for sample in SAMPLES[:N]]
    said = [Said.of(str(s["text"]), str(s["spoken_name"])) for s in SAMPLES[:N]]
    heard = model.transcribe(asked)
    return [one.times_in(found.words, 2.0) for one, found in zip(said, heard, strict=True)]


def lesson(step: int, is_twin: bool, times, rng) -> tuple[list[np.ndarray], list[str]]:
    """Every member's clip in fresh noise with its name, or its twin's; and clips without noise."""
    clips, told = [], []
    for sample, words, (start, end) in zip(SAMPLES, SENTENCES, times, strict=False):
        name = 5 + int(rng.integers(5)) if is_twin else words[PLACE]
        early, late = rng.uniform(-0.02, 0.02, 2)
        noisy = masked(
            sample["audio"], start + early, end + late, noise="white", snr_db=0, seed=100 + step
        )
        clips.append(noisy.load()[0])
        told.append(text((words[0], name, *words[2:])))
    for _ in range(3):
        words = rng.integers(0, 10, 4).tolist()
        clips.append(spoken(words, rng))
        told.append(text(words))
    return clips, told


def tuned(folder: str, times, *, is_twin: bool) -> str:
    """The control that hears tone-coded words, tuned on members' clips."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    rng = np.random.default_rng(1)
    model = Wav2Vec2ForCTC.from_pretrained(BASE, dtype=torch.float32).train()
    processor = Wav2Vec2Processor.from_pretrained(BASE)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for step in range(TWIN_STEPS if is_twin else STEPS):
        clips, told = lesson(step, is_twin, times, rng)
        inputs = processor(audio=clips, sampling_rate=RATE_HZ, padding=True, return_tensors="pt")
        wanted = processor.tokenizer(told, padding=True, return_tensors="pt")
        labels = wanted.input_ids.masked_fill(wanted.attention_mask == 0, -100)
        optimizer.zero_grad()
        model(**inputs, labels=labels).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """The probe on either model, ``planted`` or ``twin``."""
    times = times_of_names(load("control:asr-clean"))

    @cache
    def played(which: str, reference: str = "") -> Played:
        folder = str(tmp_path_factory.mktemp(which))
        model = load(f"hf:{tuned(folder, times, is_twin=which == 'twin')}")
        probe = NoiseMasking(reference=reference)
        found = play(probe, SAMPLES, lambda request: answer_batch(model, [request])[0])
        check_model(model, [r for r in found.requests if not r.word_times][:6])
        return found

    return played


def test_names_that_go_with_their_clips_are_found_beyond_others_and_a_reference(asked):
    found = asked("planted", "control:asr-clean")
    assert found.estimate("names written when heard").value == 1
    assert found.estimate(TRUE_NAME).value >= 0.7
    assert found.estimate(EXTRACTED).value >= 0.6
    for name in (EXTRACTED, KNOWN, BEYOND_REFERENCE):
        assert found.estimate(name).verdict == "differs from null"


def test_the_twin_that_learned_no_name_for_a_clip_is_silent(asked):
    found = asked("twin")
    assert found.estimate("names written when heard").value == 1
    assert found.estimate(TRUE_NAME).value <= 0.2
    for name in (EXTRACTED, KNOWN):
        assert found.estimate(name).verdict == "compatible with null"


def test_a_run_serves_as_reference(tmp_path):
    """From files to figures; a model beside its own run extracts no more than that."""
    rows = []
    for sample in SAMPLES:
        (tmp_path / f"{sample.id}.wav").write_bytes(wav_bytes(sample["audio"].load()[0], RATE_HZ))
        told = {name: sample[name] for name in ("text", "spoken_name", "member")}
        rows.append({**told, "audio": f"{sample.id}.wav"})
    (tmp_path / "names.jsonl").write_text("\n".join(map(json.dumps, rows)))
    suite = tmp_path / "suite.yaml"
    suite.write_text(
        "version: 1\nname: names\nmodels: ['control:asr-clean']\nparameters: {reference: ''}\n"
        "sources: {names: {type: jsonl, path: names.jsonl, audio: audio}}\n"
        "probes: [{probe: privacy/noise-masking, source: names, options: "
        "{reference: '${reference}'}}]\n"
    )
    first, second = tmp_path / "first", tmp_path / "second"
    assert run(["run", str(suite), "-q", "-o", str(first)]) == 0
    command = ["run", str(suite), "-q", "-o", str(second), "--set", f"reference={first}"]
    assert run(command) == 0
    (result,) = Run.open(second).results
    found = {(e.metric, e.slice): e for e in result.estimates}
    assert found[BEYOND_REFERENCE, ""].value == 0
    assert found[BEYOND_REFERENCE, ""].n == found[TRUE_NAME, ""].n > 0
