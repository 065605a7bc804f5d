"""A model that sees and hears takes both, through the kind that ``hf:`` finds for it."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from evalsuite import Audio, Generate, Image, LoadSettings, LogLikelihood, Transcribe
from evalsuite.testing import check_model
from evalsuite_transformers.dispatch import Dispatcher
from evalsuite_transformers.generative.paths import KEPT, PLAIN, SEPARATE, SHARED


@pytest.fixture(scope="module")
def folder(qwen_omni, tmp_path_factory):
    return qwen_omni(tmp_path_factory.mktemp("qwen-omni"))


@pytest.fixture(scope="module")
def both(folder):
    """A Qwen2.5-Omni, found and loaded by ``hf:``."""
    return Dispatcher().load(folder, LoadSettings(device="cpu", threads=1))


@pytest.fixture(scope="module")
def pictures():
    draw = np.random.default_rng(2)
    sizes = [(32, 32), (64, 32)]
    return [Image.from_array(draw.integers(0, 255, (*size, 3), np.uint8)) for size in sizes]


def contexts_of(pictures, clips):
    return [
        "does it rain ?",
        (pictures[0], "what is it ?"),
        (clips[0], "what is it ?"),
        ("here", clips[1], "and", pictures[1], "and", clips[2], "and", pictures[0], "which ?"),
        (pictures[1], clips[1], "which ?"),
    ]


def by_the_model_itself(model, request):
    prompt = model.writer.write(request.context)
    images = [part.load() for part in prompt.media if isinstance(part, Image)]
    waves = [part.load(16_000)[0].copy() for part in prompt.media if isinstance(part, Audio)]
    inputs = dict(
        model.processor(
            text=[prompt.text],
            return_tensors="pt",
            **({"images": images} if images else {}),
            **({"audio": waves, "sampling_rate": 16_000} if waves else {}),
        )
    )
    tail = model.tokenizer(request.continuation, add_special_tokens=False)["input_ids"]
    inputs["input_ids"] = torch.cat([inputs["input_ids"], torch.tensor([tail])], dim=1)
    inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
    inputs.pop("token_type_ids", None)
    inputs.pop("mm_token_type_ids", None)
    with torch.no_grad():
        logits = model.module(**inputs).logits[0, -len(tail) - 1 : -1]
    logp = logits.double().log_softmax(-1)
    return logp[torch.arange(len(tail)), torch.tensor(tail)].tolist()


@pytest.mark.parametrize("path", [SHARED, SEPARATE, KEPT, PLAIN])
def test_every_path_says_what_the_logits_say(both, path, pictures, clips, monkeypatch):
    monkeypatch.setattr(both.paths, "name", path)
    requests = [
        LogLikelihood(context, option)
        for context in contexts_of(pictures, clips)
        for option in (" no", " it is a bell")
    ]
    for request, answer in zip(requests, both.loglikelihood(requests), strict=True):
        expected = by_the_model_itself(both, request)
        assert answer.token_logprobs == pytest.approx(expected, abs=1e-4)
    written = [Generate(context, max_tokens=5) for context in contexts_of(pictures, clips)]
    check_model(both, [*requests, *written], tolerance=1e-5)


def test_both_are_said_to_be_read(both):
    assert both.info.modalities == {"text", "image", "audio"}
    assert both.info.details["scoring path"] == SHARED
    assert (both.info.details["images"], both.info.details["clips"]) == ("encoded once each",) * 2
    assert both.info.sample_rate_hz == 16_000


def test_asked_for_by_its_kind_it_also_transcribes(folder, both, load, pictures, clips):
    model = load(folder, transcribe_prompt="what is said ?")
    assert model.info.kind == "audio language model"
    requests = [LogLikelihood(context, " no") for context in contexts_of(pictures, clips)]
    for one, other in zip(model.loglikelihood(requests), both.loglikelihood(requests), strict=True):
        assert one.total == pytest.approx(other.total, abs=1e-5)
    check_model(model, [Transcribe(clips[0]), Transcribe(clips[1])])


def test_the_part_that_speaks_is_left_out(both, folder, tmp_path, pictures, clips):
    # A whole Qwen2.5-Omni keeps what reads and writes as its thinker, beside talker and vocoder.
    thinker = transformers.Qwen2_5OmniThinkerForConditionalGeneration.from_pretrained(folder)
    config = transformers.Qwen2_5OmniConfig(
        thinker_config=thinker.config.to_dict(), enable_audio_output=False
    )
    whole = transformers.Qwen2_5OmniForConditionalGeneration(config)
    whole.thinker.load_state_dict(thinker.state_dict())
    whole.save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    save_file(
        weights | {"talker.model.norm.weight": torch.ones(3)},
        tmp_path / "model.safetensors",
        {"format": "pt"},
    )
    path = tmp_path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"enable_audio_output": True}))
    transformers.AutoProcessor.from_pretrained(folder).save_pretrained(tmp_path)
    info = Dispatcher().describe(str(tmp_path), LoadSettings("cpu"))
    model = Dispatcher().load(str(tmp_path), LoadSettings("cpu", threads=1))
    assert info.modalities == model.info.modalities == {"text", "image", "audio"}
    requests = [LogLikelihood(context, " no") for context in contexts_of(pictures, clips)]
    for one, other in zip(model.loglikelihood(requests), both.loglikelihood(requests), strict=True):
        assert one.total == pytest.approx(other.total, abs=1e-5)
