"""Checkpoints: found, refused with reasons, fingerprinted."""

from __future__ import annotations

import shutil

import pytest
import torch

from evalsuite import LoadSettings, ModelError, UsageError
from evalsuite.factories import describe_model
from evalsuite.registry import installed
from evalsuite.suite import ModelSpec
from evalsuite_controls.catalogue import CONTROLS
from evalsuite_transformers.checkpoint import fingerprint, open_checkpoint
from evalsuite_transformers.device import resolve_device, resolve_dtype

TEXT = CONTROLS["text-clean"].directory


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("text-clean", "causal language model"),
        ("classifier-clean", "text classifier"),
        ("digits-clean", "image-text dual encoder"),
        ("vlm-clean", "generative image-text model"),
        ("sounds-clean", "audio-text dual encoder"),
        ("asr-clean", "CTC transcriber"),
    ],
)
def test_the_kind_is_found_from_the_configuration(name, kind):
    info = describe_model(ModelSpec(name=f"hf:{CONTROLS[name].directory}"), installed())
    assert info.kind == kind


def test_a_hub_name_without_network_says_what_was_tried():
    with pytest.raises(ModelError, match="no directory here, and the hub gave no configuration"):
        open_checkpoint("nobody/no-such-model", LoadSettings())


def test_a_folder_without_a_configuration_says_so(tmp_path):
    with pytest.raises(ModelError, match=r"config\.json"):
        open_checkpoint(str(tmp_path), LoadSettings())


def test_the_fingerprint_follows_weights_dtype_and_version(tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(TEXT, copy)
    same = fingerprint(str(copy), "", torch.float32, version="1")
    assert same == fingerprint(str(TEXT), "", torch.float32, version="1")
    assert same != fingerprint(str(copy), "", torch.bfloat16, version="1")
    assert same != fingerprint(str(copy), "", torch.float32, version="2")
    with (copy / "model.safetensors").open("ab") as stream:
        stream.write(b"x")
    assert same != fingerprint(str(copy), "", torch.float32, version="1")


@pytest.mark.parametrize("device", ["gpu", "cuda:99", "tpu"])
def test_devices_that_are_not_there_are_refused(device):
    with pytest.raises(UsageError, match=r"device"):
        resolve_device(LoadSettings(device=device))


def test_a_dtype_that_is_none_is_refused():
    with pytest.raises(UsageError, match="float32"):
        resolve_dtype(LoadSettings(dtype="fp16"), torch.device("cpu"))


def test_on_a_cpu_weights_are_float32_unless_asked():
    assert resolve_dtype(LoadSettings(), torch.device("cpu")) is torch.float32
    assert resolve_dtype(LoadSettings(dtype="bfloat16"), torch.device("cpu")) is torch.bfloat16


@pytest.mark.gpu
def test_scores_on_a_gpu_are_those_of_the_cpu():
    from evalsuite import LogLikelihood
    from evalsuite.factories import loader_for

    loader, reference = loader_for("control:text-clean", installed())
    request = [LogLikelihood("the capital of france is", " paris")]
    scores = [
        loader.load(reference, LoadSettings(device=device, dtype="float32")).loglikelihood(request)
        for device in ("cpu", "cuda")
    ]
    assert scores[0][0].total == pytest.approx(scores[1][0].total, abs=1e-3)
