"""Encoders of clips and of voices, with random weights: a vector depends on its clip alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import transformers
from tiny_speech_models import (
    FAMILIES,
    PADDED,
    RATE_HZ,
    TINY,
    extractor_of,
    module_of,
    noises,
    tiny_ast,
)
from transformers import (
    ASTFeatureExtractor,
    ASTModel,
    SeamlessM4TFeatureExtractor,
    Wav2Vec2BertConfig,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperModel,
)

from evalsuite import Audio, EmbedAudio, Embedding, EmbedText, LoadSettings, ModelError
from evalsuite.testing import check_model
from evalsuite_audio.models.encoder import Loader, SpeakerLoader
from evalsuite_transformers.dispatch import Dispatcher

FACTS = {
    "initializer_range": 0.3,
    "tdnn_dim": [16, 16, 16],
    "tdnn_kernel": [5, 3, 1],
    "tdnn_dilation": [1, 2, 1],
    "xvector_output_dim": 12,
}
WITH_X_VECTORS = ("Wav2Vec2", "WavLM", "UniSpeechSat", "Wav2Vec2Conformer", "Data2VecAudio")


def save(directory, family, head="Model", norm="layer", **more):
    module = module_of(family, head, norm, **FACTS, **more)
    if head == "ForXVector":
        torch.nn.init.normal_(module.feature_extractor.weight, std=1.0)
    module.save_pretrained(directory)
    extractor_of(norm).save_pretrained(directory)
    return directory


def save_bert(directory, head="Model"):
    torch.manual_seed(0)
    facts = {key: value for key, value in TINY.items() if "conv" not in key}
    config = Wav2Vec2BertConfig(**facts, **FACTS, conv_depthwise_kernel_size=3)
    getattr(transformers, f"Wav2Vec2Bert{head}")(config).save_pretrained(directory)
    SeamlessM4TFeatureExtractor().save_pretrained(directory)
    return directory


def save_ast(directory):
    torch.manual_seed(0)
    ASTModel(tiny_ast()).save_pretrained(directory)
    ASTFeatureExtractor(max_length=64, num_mel_bins=32).save_pretrained(directory)
    return directory


def save_whisper(directory):
    torch.manual_seed(0)
    config = WhisperConfig(
        d_model=16,
        encoder_layers=2,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        num_mel_bins=16,
        max_source_positions=50,
        init_std=0.3,
    )
    WhisperModel(config).save_pretrained(directory)
    WhisperFeatureExtractor(feature_size=16, chunk_length=1).save_pretrained(directory)
    return directory


def load(directory, loader=Loader, **settings):
    return loader().load(str(directory), LoadSettings(device="cpu", **settings))


def clips(*lengths):
    return [EmbedAudio(clip) for clip in noises(*lengths)]


SPEECH = clips(3001, 8000, 4803, 6400)


def vectors(model, requests):
    return np.stack([answer.vector for answer in model.embed_audio(requests)])


@pytest.mark.parametrize("norm", ["layer", "group"])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_company_of_a_clip_does_not_move_its_vector(family, norm, tmp_path):
    model = load(save(tmp_path, family, norm=norm))
    is_padded = family in PADDED and norm == "layer"
    assert model.info.details["batches"].startswith("padded" if is_padded else "one clip")
    check_model(model, SPEECH, tolerance=1e-5)
    found = vectors(model, SPEECH)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    assert abs(found[0] - found[1]).max() > 1e-3


@pytest.mark.parametrize("norm", ["layer", "group"])
@pytest.mark.parametrize("family", WITH_X_VECTORS)
def test_the_company_of_a_voice_does_not_move_its_vector(family, norm, tmp_path):
    model = load(save(tmp_path, family, "ForXVector", norm), SpeakerLoader)
    check_model(model, SPEECH, tolerance=1e-5)
    found = vectors(model, SPEECH)
    assert found.shape == (4, 12)
    assert abs(found[0] - found[1]).max() > 1e-3


@pytest.mark.parametrize("save_model", [save_ast, save_whisper, save_bert])
def test_spectrograms_are_embedded_alike_in_any_company(save_model, tmp_path):
    model = load(save_model(tmp_path))
    check_model(model, clips(800, 8000, 10_480, 24_000, 40_001), tolerance=1e-5)


def test_a_vector_is_the_mean_over_the_clips_own_frames(tmp_path):
    model = load(save(tmp_path, "WavLM"))
    for request, found in zip(SPEECH, vectors(model, SPEECH), strict=True):
        values = model.hearing.extractor(
            request.audio.load()[0], sampling_rate=RATE_HZ, return_tensors="pt"
        )["input_values"]
        with torch.inference_mode():
            states = model.module(values).last_hidden_state[0]
        assert len(states) == model.hearing.n_frames(len(request.audio.load()[0]))
        mean = states.mean(0).numpy()
        np.testing.assert_allclose(found, mean / np.linalg.norm(mean), atol=1e-5)


def test_the_frames_of_silence_that_fill_whisper_up_do_not_count(tmp_path):
    # A second has 50 frames; 4,000 samples are a quarter of it, 4,001 begin another frame
    model = load(save_whisper(tmp_path))
    assert [model.hearing.n_frames(n) for n in (1, 320, 321, 16_000)] == [1, 1, 2, 50]
    (clip,) = clips(4001)
    inputs = model.hearing.inputs([clip.audio.load()[0]])
    with torch.inference_mode():
        states = model.module.get_encoder()(**inputs).last_hidden_state[0]
    mean = states[:13].mean(0).numpy()
    np.testing.assert_allclose(vectors(model, [clip])[0], mean / np.linalg.norm(mean), atol=1e-5)


def test_a_voice_is_what_the_librarys_head_gives_for_it_alone(tmp_path):
    model = load(save(tmp_path, "WavLM", "ForXVector"), SpeakerLoader)
    for request, found in zip(SPEECH, vectors(model, SPEECH), strict=True):
        values = model.hearing.extractor(
            request.audio.load()[0], sampling_rate=RATE_HZ, return_tensors="pt"
        )["input_values"]
        with torch.inference_mode():
            expected = model.module(values).embeddings[0]
        expected = torch.nn.functional.normalize(expected, dim=0).numpy()
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_padding_really_moves_x_vectors(tmp_path):
    """Why voices are heard alone: the head takes frames of padding into its statistics."""
    model = load(save(tmp_path, "Wav2Vec2", "ForXVector"), SpeakerLoader)
    waveforms = [request.audio.load()[0] for request in SPEECH[:2]]
    inputs = model.hearing.extractor(
        waveforms, sampling_rate=RATE_HZ, padding=True, return_tensors="pt"
    )
    with torch.inference_mode():
        padded = torch.nn.functional.normalize(model.module(**inputs).embeddings[0], dim=0)
    assert abs(padded.numpy() - vectors(model, SPEECH[:1])[0]).max() > 1e-3


def test_a_voice_needs_as_many_frames_as_the_head_reaches_over(tmp_path):
    # kernels 5, 3, 1 with dilation 1, 2, 1 reach over 1 + 4 + 4 = 9 frames, and a deviation needs
    # two results, so 10 frames; a frame needs 105 samples and each other 40 more: 465
    model = load(save(tmp_path, "WavLM", "ForXVector"), SpeakerLoader)
    short, enough = model.embed_audio(clips(464, 465))
    assert (short.kind, "464 samples" in short.message) == ("too short", True)
    assert np.isfinite(enough.vector).all()


def test_bert_has_voices_too(tmp_path):
    model = load(save_bert(tmp_path, "ForXVector"), SpeakerLoader)
    # Windows of 400 samples every 160, two to a frame: 10 frames need 400 + 19 * 160 samples
    requests = clips(3439, 3440, 8000)
    short, enough, _ = model.embed_audio(requests)
    assert (short.kind, type(enough)) == ("too short", Embedding)
    assert np.isfinite(enough.vector).all()
    check_model(model, requests[1:], tolerance=1e-5)


def test_adapters_are_not_padded(tmp_path):
    model = load(save(tmp_path, "Wav2Vec2", add_adapter=True, num_adapter_layers=1))
    assert model.info.details["batches"] == "one clip at a time"
    check_model(model, SPEECH, tolerance=1e-5)


def test_windows_of_a_long_clip_are_averaged(tmp_path):
    model = load(save_ast(tmp_path))
    (long,) = clips(20_960)  # twice the 10,480 samples of 64 frames
    waveform, _ = long.audio.load()
    halves = [
        EmbedAudio(Audio.from_array(waveform[start : start + 10_480], RATE_HZ))
        for start in (0, 10_480)
    ]
    mean = vectors(model, halves).mean(axis=0)
    np.testing.assert_allclose(vectors(model, [long])[0], mean / np.linalg.norm(mean), atol=1e-6)
    assert model.cost(long) > 1.9 * model.cost(halves[0])


@pytest.mark.parametrize("loader_and_head", [(Loader, "Model"), (SpeakerLoader, "ForXVector")])
def test_half_precision_gives_about_the_same_vectors(loader_and_head, tmp_path):
    loader, head = loader_and_head
    save(tmp_path, "Wav2Vec2", head)
    whole, half = (
        vectors(load(tmp_path, loader, dtype=dtype), SPEECH) for dtype in ("float32", "bfloat16")
    )
    assert (whole * half).sum(axis=1).min() > 0.99


def test_a_missing_head_is_refused(tmp_path):
    save(tmp_path, "WavLM")
    with pytest.raises(ModelError, match="lacks .* of its weights"):
        load(tmp_path, SpeakerLoader)


def test_closing_gives_the_weights_back(tmp_path):
    model = load(save(tmp_path, "Hubert"))
    weights = [id(weight) for weight in model.module.parameters()]
    assert weights
    model.close()
    assert model.module is None
    assert not any(isinstance(value, torch.nn.Module) for value in vars(model.hearing).values())


@pytest.mark.parametrize(
    ("family", "head", "kind"),
    [
        ("Wav2Vec2", "Model", "audio encoder"),
        ("Wav2Vec2", "ForPreTraining", "audio encoder"),
        ("UniSpeech", "ForPreTraining", "audio encoder"),
        ("Hubert", "Model", "audio encoder"),
        ("SEWD", "Model", "audio encoder"),
        ("WavLM", "ForXVector", "speaker encoder"),
        ("Wav2Vec2", "ForXVector", "speaker encoder"),
    ],
)
def test_hf_finds_the_kind_and_loads_it(family, head, kind, tmp_path):
    directory = save(tmp_path, family, head)
    model = Dispatcher().load(str(directory), LoadSettings(device="cpu"))
    assert model.info.kind == kind
    # A zero-shot probe also asks for texts, and is therefore not applicable.
    assert model.info.answers(EmbedAudio)
    assert not model.info.answers(EmbedText)
    check_model(model, SPEECH[:2], tolerance=1e-5)
