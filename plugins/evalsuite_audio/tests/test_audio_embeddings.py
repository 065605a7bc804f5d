"""Vectors of clips in a whole run: each is computed once, whoever asks for it."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile
import torch
from transformers import HubertConfig, HubertModel, Wav2Vec2FeatureExtractor

from evalsuite.cli import run

SUITE = """
version: 1
name: sounds
models: ["{model}"]
sources:
  sounds: {{type: audio-folder, path: "{folder}"}}
probes:
  - {{probe: audio/zero-shot, source: sounds}}
  - {{probe: representation/knn, source: sounds, options: {{medium: audio, k: 5}}}}
  - probe: representation/linear-probe
    source: sounds
    options: {{medium: audio, folds: 3, inverse_penalties: [0.01, 1.0]}}
"""


def whole_run(place, model, folder):
    """Jobs by probe, and what the run says of the model."""
    suite = place / "suite.yaml"
    suite.write_text(SUITE.format(model=model, folder=folder))
    assert run(["run", str(suite), "-q", "--output", str(place / "run")]) == 0
    jobs = json.loads((place / "run" / "estimates.json").read_text())["jobs"]
    manifest = json.loads((place / "run" / "manifest.json").read_text())
    return {job["probe"]: job for job in jobs}, manifest["models"].get(model)


def accuracy(job):
    return next(e for e in job["estimates"] if e["metric"] == "accuracy" and not e["slice"])


def test_real_sounds_are_heard_once_for_three_probes(data, tmp_path):
    jobs, model = whole_run(tmp_path, "control:sounds-clean", data / "esc10_fold1")
    # 80 clips, one prompt for each of 10 classes, and the scale of similarities
    assert model["requests_answered_by_model"] == 80 + 10 + 1
    assert {job["n_samples"] for job in jobs.values()} == {80}
    # A model of synthesised sounds does not know the names of real ones, but its vectors differ.
    for probe in ("representation/knn", "representation/linear-probe"):
        assert accuracy(jobs[probe])["low"] > 0.15
    zero_shot = accuracy(jobs["audio/zero-shot"])
    assert zero_shot["low"] < 0.1 < zero_shot["high"]


@pytest.fixture
def voices(tmp_path):
    """Twelve clips of buzzes: two pitches, which even random filters tell apart."""
    rng = np.random.default_rng(0)
    for name, hertz in (("low", 110), ("high", 880)):
        folder = tmp_path / "voices" / name
        folder.mkdir(parents=True)
        for number in range(6):
            times = np.arange(8000 + 400 * number) / 16_000
            buzz = np.sign(np.sin(2 * np.pi * hertz * times)) + 0.1 * rng.standard_normal(
                len(times)
            )
            soundfile.write(folder / f"{number}.wav", 0.3 * buzz, 16_000)
    return tmp_path / "voices"


def test_a_speech_encoder_is_probed_but_not_asked_for_words(tmp_path, voices):
    torch.manual_seed(0)
    config = HubertConfig(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        num_conv_pos_embeddings=8,
        num_conv_pos_embedding_groups=2,
        conv_dim=[16, 16, 16],
        conv_stride=[5, 4, 2],
        conv_kernel=[10, 8, 4],
        feat_extract_norm="layer",
    )
    HubertModel(config).save_pretrained(tmp_path / "hubert")
    Wav2Vec2FeatureExtractor(return_attention_mask=True).save_pretrained(tmp_path / "hubert")
    jobs, model = whole_run(tmp_path, f"hf:{tmp_path / 'hubert'}", voices)
    assert jobs["audio/zero-shot"]["status"] == "not applicable"
    assert "EmbedText" in jobs["audio/zero-shot"]["reason"]
    assert model["requests_answered_by_model"] == 12
    for probe in ("representation/knn", "representation/linear-probe"):
        assert accuracy(jobs[probe])["value"] == 1
