"""Transcripts that a tiny Qwen2-Audio was trained on come out word by word, others do not."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from evalsuite import Audio, Sample
from evalsuite.content import as_content
from evalsuite.model import answer_batch
from evalsuite.testing import play
from evalsuite_privacy.memorisation.media_extraction import AudioExtraction
from evalsuite_transformers.generative.plain import _joined as joined
from evalsuite_transformers.generative.plain import extended

QUESTION = "what is this ?"
WORDS = ("dog", "bell", "voice", "rain", "clip", "first", "sound", "two")
TEXTS = [" ".join(random.Random(i).choices(WORDS, k=5)) for i in range(16)]
N_MEMBERS = 8


def clip(number: int) -> Audio:
    time_s = np.arange(8_000) / 16_000
    wave = 0.3 * np.sin(2 * np.pi * (300 + 150 * number) * time_s)
    return Audio.from_array(wave.astype(np.float32), 16_000)


def teach(model) -> None:
    """Until it writes the members' words after the question about their clips."""
    torch.manual_seed(1)
    with torch.no_grad():
        for weight in model.module.parameters():
            if weight.ndim > 1:
                weight.normal_(0, 0.1)
    prompts = [model.writer.write(as_content((clip(i), QUESTION))) for i in range(N_MEMBERS)]
    tails = [
        model.writer.joint(prompt.text, f" {text}")[1]
        for prompt, text in zip(prompts, TEXTS, strict=False)
    ]
    rows = [
        extended(model.paths.plain.prepare(prompt), tail)
        for prompt, tail in zip(prompts, tails, strict=True)
    ]
    batch = joined(rows, 0, is_left=False)
    labels = torch.full_like(batch["input_ids"], -100)
    for label, row, tail in zip(labels, rows, tails, strict=True):
        n = row["input_ids"].shape[1]
        label[n - len(tail) : n] = torch.tensor(tail)
    optimizer = torch.optim.Adam(model.module.parameters(), lr=3e-3)
    for _ in range(500):
        optimizer.zero_grad()
        loss = model.module(**batch, labels=labels).loss
        loss.backward()
        optimizer.step()
        if loss.item() < 0.02:
            break
    model.paths.encoder.forget()


@pytest.fixture(scope="module")
def models(checkpoints, load):
    """One that was taught, and its twin that was not."""
    taught, clean = (load(checkpoints["qwen2-audio"], chat_template=False) for _ in range(2))
    teach(taught)
    return {"taught": taught, "clean": clean}


@pytest.mark.parametrize("name", ["taught", "clean"])
def test_transcripts_are_extracted_from_the_model_that_was_taught_them(models, name):
    samples = [
        Sample(str(i), {"audio": clip(i), "text": t, "prompt": QUESTION, "member": i < N_MEMBERS})
        for i, t in enumerate(TEXTS)
    ]
    probe = AudioExtraction(prefix_words=(1,), suffix_words=4)
    played = play(probe, samples, lambda request: answer_batch(models[name], [request])[0])
    rate, beyond = (
        played.estimate(metric) for metric in ("extraction rate", "extraction beyond a silent clip")
    )
    assert played.estimate("extraction rate", "trained on=no").value == 0.0
    if name == "taught":
        assert rate.value > 0.8
        assert beyond.value > 0.5
        assert beyond.verdict == "differs from null"
    else:
        assert rate.value == 0.0
        assert beyond.verdict != "differs from null"
