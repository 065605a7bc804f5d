"""torchaudio pipelines of small size through the code path of the published ones."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchaudio import pipelines
from torchaudio.models import wav2vec2_model

from evalsuite import Align, Audio, LoadSettings, ModelError, Transcribe, UsageError
from evalsuite.testing import check_model
from evalsuite_audio.models.torchaudio_bundle import Loader

RATE_HZ = 16_000
PUBLISHED = pipelines.WAV2VEC2_ASR_BASE_960H
SMALL = {
    "extractor_conv_layer_config": [(16, 10, 5), (16, 8, 4), (16, 4, 2)],
    "encoder_embed_dim": 16,
    "encoder_pos_conv_kernel": 8,
    "encoder_pos_conv_groups": 2,
    "encoder_num_layers": 2,
    "encoder_num_heads": 2,
    "encoder_ff_interm_features": 32,
}


def small(published, file):
    """A published pipeline with everything but its size."""
    params = {**published._params, **SMALL}
    return type(published)(
        _path=file,
        _params=params,
        _labels=published._labels,
        _sample_rate=published._sample_rate,
        _normalize_waveform=published._normalize_waveform,
        _model_type=published._model_type,
        _remove_aux_axis=published._remove_aux_axis,
    )


def weights_of(bundle):
    """Random weights as published: with the rows of unused labels that are cut out on loading."""
    torch.manual_seed(0)
    model = wav2vec2_model(**bundle._params)
    torch.nn.init.normal_(model.aux.weight)
    state = model.state_dict()
    for name in ("aux.weight", "aux.bias"):
        rows = list(state[name])
        for place in bundle._remove_aux_axis:
            rows.insert(place, torch.full_like(rows[0], 1e6))
        state[name] = torch.stack(rows)
    return state


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """torch.hub's cache with the weights of small pipelines, and the pipelines by name."""
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    names = {"WAV2VEC2_ASR_BASE_960H", "HUBERT_ASR_LARGE", "MMS_FA", "VOXPOPULI_ASR_BASE_10K_DE"}
    for name in names:
        bundle = small(getattr(pipelines, name), f"{name}.pth")
        monkeypatch.setattr(pipelines, name, bundle)
        torch.save(weights_of(bundle), tmp_path / "checkpoints" / f"{name}.pth")
    return tmp_path


def load(name, **options):
    return Loader().load(name, LoadSettings(device="cpu", options=options))


def clips(*lengths):
    rng = np.random.default_rng(0)
    return [
        Audio.from_array((0.1 * rng.standard_normal(n)).astype(np.float32), RATE_HZ)
        for n in lengths
    ]


SPEECH = clips(3001, 8000, 4803)


def by_hand(name, audio):
    """The published recipe: model, arg max, repeats and blanks removed."""
    bundle = getattr(pipelines, name)
    with torch.inference_mode():
        emissions, _ = bundle.get_model()(torch.tensor(audio.load()[0])[None])
    path = torch.unique_consecutive(emissions[0].argmax(-1)).tolist()
    letters = bundle.get_labels()
    return " ".join("".join(letters[i] for i in path if i).replace("|", " ").split())


@pytest.mark.parametrize("name", ["WAV2VEC2_ASR_BASE_960H", "HUBERT_ASR_LARGE"])
def test_a_pipeline_writes_what_its_recipe_writes(hub, name):
    model = load(name)
    requests = [Transcribe(clip, "en") for clip in SPEECH]
    texts = [answer.text for answer in model.transcribe(requests)]
    assert texts == [by_hand(name, clip) for clip in SPEECH]
    assert len(set(texts)) == 3
    timed = [Transcribe(clip, word_times=True) for clip in SPEECH]
    check_model(model, [*requests, *timed, *(Align(clip, "one two") for clip in SPEECH)])


def test_the_aligner_of_romanised_text_only_aligns(hub):
    model = load("MMS_FA")
    assert model.info.methods == {"align"}
    # 40 samples a frame: 8000 samples are 199 frames
    (found,) = model.align([Align(SPEECH[1], "Guten Tag, Welt!")])
    assert [word.text for word in found.words] == ["Guten", "Tag,", "Welt!"]
    bundle = pipelines.MMS_FA
    with torch.inference_mode():
        emissions, _ = bundle.get_model()(torch.tensor(SPEECH[1].load()[0])[None])
    spans = bundle.get_aligner()(emissions[0], bundle.get_tokenizer()(["guten", "tag", "welt"]))
    expected = [(word[0].start * 40 / RATE_HZ, word[-1].end * 40 / RATE_HZ) for word in spans]
    assert [(word.start_s, word.end_s) for word in found.words] == expected
    assert model.align([Align(SPEECH[1], "\u4f60\u597d")])[0].kind == "unknown letters"


def test_the_language_is_that_of_the_training_data(hub):
    german = load("VOXPOPULI_ASR_BASE_10K_DE")
    clip = SPEECH[0]
    right, wrong, translated = german.transcribe(
        [Transcribe(clip, "de"), Transcribe(clip, "en"), Transcribe(clip, task="translate")]
    )
    assert right.text
    assert (wrong.kind, translated.kind) == ("other language", "no translation")


def test_weights_can_lie_anywhere(hub, tmp_path):
    cached = load("WAV2VEC2_ASR_BASE_960H")
    file = tmp_path / "elsewhere.pth"
    (hub / "checkpoints" / "WAV2VEC2_ASR_BASE_960H.pth").rename(file)
    named = load("WAV2VEC2_ASR_BASE_960H", weights=str(file))
    assert named.fingerprint == cached.fingerprint
    requests = [Transcribe(clip) for clip in SPEECH]
    assert named.transcribe(requests) == cached.transcribe(requests)


def test_missing_weights_are_named_with_their_place(hub, monkeypatch):
    (hub / "checkpoints" / "WAV2VEC2_ASR_BASE_960H.pth").unlink()
    # An address that nothing listens at: what a machine without a network sees.
    monkeypatch.setattr(pipelines.WAV2VEC2_ASR_BASE_960H, "_path", "https://127.0.0.1:9/small.pth")
    with pytest.raises(ModelError, match="Put the file small.pth .*checkpoints.*weights=PATH"):
        load("WAV2VEC2_ASR_BASE_960H")
    with pytest.raises(ModelError, match="no file of weights 'nowhere.pth'"):
        load("WAV2VEC2_ASR_BASE_960H", weights="nowhere.pth")


def test_weights_of_another_model_are_refused(hub):
    file = hub / "checkpoints" / "HUBERT_ASR_LARGE.pth"
    with pytest.raises(ModelError, match="does not hold the weights of torchaudio:MMS_FA"):
        load("MMS_FA", weights=str(file))
    file.write_bytes(b"no weights at all")
    with pytest.raises(ModelError, match="does not hold the weights"):
        load("HUBERT_ASR_LARGE")


def test_a_clip_without_a_frame_is_a_failure(hub):
    # kernels 10, 8, 4 and strides 5, 4, 2: one frame needs 10 + 5 * 7 + 20 * 3 = 105 samples
    short, enough = load("HUBERT_ASR_LARGE").transcribe([Transcribe(c) for c in clips(104, 105)])
    assert short.kind == "too short"
    assert enough.text is not None


def test_names_and_options_are_checked_before_anything_loads():
    with pytest.raises(ModelError, match="no recogniser 'WAV2VEC2_BASE'.*WAV2VEC2_ASR_BASE_960H"):
        Loader().describe("WAV2VEC2_BASE", LoadSettings())
    with pytest.raises(UsageError, match="no option 'beam'"):
        Loader().describe("MMS_FA", LoadSettings(options={"beam": 3}))
    info = Loader().describe("VOXPOPULI_ASR_BASE_10K_EN", LoadSettings())
    assert (info.sample_rate_hz, info.methods) == (16_000, {"transcribe", "align"})
