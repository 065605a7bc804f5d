"""Tasks of classifiers, speaker encoders and dual encoders, from files to a report."""

from __future__ import annotations

from itertools import combinations
from math import comb

import pytest
import torch
from tiny_speech_models import extractor_of, module_of, noises

from evalsuite_controls.sources import Sounds


def write_clips(folder, names, lengths):
    for name, clip in zip(names, noises(*lengths), strict=True):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(clip.encoded())


def value(job, metric, where=""):
    return next(e for e in job.estimates if e.metric == metric and e.slice == where)


def test_a_saved_classifier_is_asked_by_the_folders_of_its_labels(suite_folder):
    labels = ("angry", "calm", "happy")
    names = [f"clips/{label}/{number}.wav" for label in labels for number in range(4)]
    write_clips(suite_folder.path, names, range(3000, 6000, 250))
    model = module_of(
        "Wav2Vec2", "ForSequenceClassification", classifier_proj_size=8,
        initializer_range=0.3, id2label=dict(enumerate(("calm", "happy", "angry"))),
    )  # fmt: skip
    torch.nn.init.normal_(model.classifier.weight, std=3.0)
    model.save_pretrained(suite_folder.path / "model")
    extractor_of().save_pretrained(suite_folder.path / "model")
    (job,) = suite_folder.jobs(
        f'models: ["hf:{suite_folder.path}/model"]\n'
        "sources: {clips: {type: audio-folder, path: clips}}\n"
        "probes: [{probe: audio/classification, source: clips}]\n"
    ).values()
    assert (job.status, job.n_failed) == ("finished", 0)
    found = suite_folder.records(job)
    assert {record["predicted"] for record in found} <= set(labels)
    right = [record["predicted"] == record["target"] for record in found]
    assert value(job, "accuracy").value == pytest.approx(sum(right) / 12)
    assert value(job, "balanced accuracy").null.value == pytest.approx(1 / 3)
    assert "audio/classification" in suite_folder.report()


def test_a_saved_speaker_encoder_is_asked_by_a_list_of_trials(suite_folder):
    names = [f"voices/{speaker}/{number}.wav" for speaker in "abcd" for number in range(2)]
    write_clips(suite_folder.path, names, range(3000, 5000, 250))
    trials = [
        f"{int(one[:8] == other[:8])} {one[7:]} {other[7:]}"
        for one, other in combinations(names, 2)
    ]
    (suite_folder.path / "voices" / "trials.txt").write_text("\n".join(trials))
    model = module_of(
        "WavLM", "ForXVector", initializer_range=0.3, tdnn_dim=[16, 16, 16], tdnn_kernel=[5, 3, 1],
        tdnn_dilation=[1, 2, 1], xvector_output_dim=12,
    )  # fmt: skip
    model.save_pretrained(suite_folder.path / "model")
    extractor_of().save_pretrained(suite_folder.path / "model")
    (job,) = suite_folder.jobs(
        f'models: ["hf:{suite_folder.path}/model"]\n'
        "sources: {trials: {type: speaker-trials, path: voices/trials.txt}}\n"
        "probes: [{probe: audio/speaker-verification, source: trials}]\n"
    ).values()
    assert (job.status, job.n_failed) == ("finished", 0)
    rate = value(job, "equal error rate")
    assert 0 <= rate.value <= 1
    assert (rate.n, rate.unit) == (comb(8, 2), "speaker")
    assert (rate.extra["n_same"], rate.extra["n_speakers"]) == (4, 4)
    assert "audio/speaker-verification" in suite_folder.report()


def test_the_control_finds_sounds_by_captions_in_clothos_form(suite_folder):
    lines = ["file_name,caption_1,caption_2,caption_3,caption_4,caption_5"]
    for row in Sounds(limit=20).rows():
        (suite_folder.path / f"{row.id}.wav").write_bytes(row["audio"].encoded())
        lines.append(f"{row.id}.wav,this is a sound of {row['label']},{row['caption']},,,")
    (suite_folder.path / "captions.csv").write_text("\n".join(lines))
    (job,) = suite_folder.jobs(
        'models: ["control:sounds-clean"]\n'
        "sources: {sounds: {type: clotho-captions, path: captions.csv}}\n"
        "probes: [{probe: audio/retrieval, source: sounds}]\n"
    ).values()
    assert (job.status, job.n_failed) == ("finished", 0)
    for way in ("audio to text", "text to audio"):
        found = value(job, f"R@1 {way}")
        assert found.value > 0.6
        assert found.verdict == "differs from null"
    assert "audio/retrieval" in suite_folder.report()
