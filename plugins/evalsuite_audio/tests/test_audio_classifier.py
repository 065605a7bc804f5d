"""Audio classifiers of random weights, of every family: a clip's labels depend on the clip alone."""

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
    ASTForAudioClassification,
    SeamlessM4TFeatureExtractor,
    Wav2Vec2BertConfig,
    Wav2Vec2BertForSequenceClassification,
    Wav2Vec2FeatureExtractor,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForAudioClassification,
    pipeline,
)

from evalsuite import Audio, Classification, Classify, Failure, LoadSettings, ModelError
from evalsuite.testing import check_model
from evalsuite_audio.models.classifier import AudioClassifier, Loader
from evalsuite_transformers.dispatch import Dispatcher

LABELS = {0: "calm", 1: "happy", 2: "angry"}
FACTS = {"classifier_proj_size": 8, "initializer_range": 0.3}


def save(directory, family, norm="layer", labels=LABELS, **more):
    """A model of random weights whose labels differ from clip to clip."""
    module = module_of(family, "ForSequenceClassification", norm, id2label=labels, **FACTS, **more)
    torch.nn.init.normal_(module.classifier.weight, std=3.0)
    module.save_pretrained(directory)
    extractor_of(norm).save_pretrained(directory)
    return directory


def load(directory, **settings) -> AudioClassifier:
    return Loader().load(str(directory), LoadSettings(device="cpu", **settings))


def clips(*lengths):
    return [Classify(clip) for clip in noises(*lengths)]


SPEECH = clips(3001, 8000, 4803, 6400)


def waveform_of(request):
    return request.content[0].load()[0].copy()  # the library warns of read-only arrays


@pytest.mark.parametrize("norm", ["layer", "group"])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_company_of_a_clip_changes_no_probability(family, norm, tmp_path):
    model = load(save(tmp_path, family, norm))
    is_padded = family in PADDED and norm == "layer"
    assert model.info.details["batches"].startswith("padded" if is_padded else "one clip")
    check_model(model, SPEECH, tolerance=1e-5)
    answers = model.classify(SPEECH)
    assert len({answer.probabilities for answer in answers}) == len(SPEECH)
    for answer in answers:
        assert answer.labels == ("calm", "happy", "angry")
        assert sum(answer.probabilities) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("family", PADDED)
def test_a_sum_over_layers_is_as_steady(family, tmp_path):
    # as the published SUPERB classifiers have it
    model = load(save(tmp_path, family, use_weighted_layer_sum=True))
    check_model(model, SPEECH, tolerance=1e-5)


def test_answers_are_those_of_the_librarys_pipeline(tmp_path):
    model = load(save(tmp_path, "Hubert"))
    theirs = pipeline("audio-classification", model=str(tmp_path), device="cpu")
    for request, answer in zip(SPEECH, model.classify(SPEECH), strict=True):
        for found in theirs({"raw": waveform_of(request), "sampling_rate": RATE_HZ}):
            assert answer.probability(found["label"]) == pytest.approx(found["score"], abs=1e-5)


def test_padding_really_changes_group_norm(tmp_path):
    model = load(save(tmp_path, "Wav2Vec2", "group"))
    short, long = map(waveform_of, SPEECH[:2])
    inputs = model.hearing.extractor(
        [short, long], sampling_rate=RATE_HZ, padding=True, return_tensors="pt"
    )
    with torch.inference_mode():
        padded = model.module(**inputs).logits[0].softmax(-1)
    assert padded.tolist() != pytest.approx(model.classify(SPEECH[:1])[0].probabilities, abs=1e-2)


def test_a_clip_without_a_frame_fails_alone(tmp_path):
    # kernels 10, 8, 4 and strides 5, 4, 2: one frame needs 10 + 5 * 7 + 20 * 3 = 105 samples
    model = load(save(tmp_path, "Wav2Vec2"))
    before, short, enough, after = model.classify(clips(4000, 104, 105, 4000))
    assert isinstance(short, Failure)
    assert (short.kind, "104 samples" in short.message) == ("too short", True)
    assert all(isinstance(answer, Classification) for answer in (before, enough, after))


@pytest.mark.parametrize("family", ["SEW", "SEWD"])
def test_a_squeezing_model_needs_more_frames(family, tmp_path):
    # a second frame is 5 * 4 * 2 = 40 samples further
    model = load(save(tmp_path, family))
    short, enough = model.classify(clips(144, 145))
    assert (short.kind, type(enough)) == ("too short", Classification)


def test_words_are_no_clip(tmp_path):
    model = load(save(tmp_path, "Wav2Vec2"))
    audio = SPEECH[0].content[0]
    words, both, clip = model.classify([Classify("hello"), Classify(("hello", audio)), SPEECH[0]])
    assert (words.kind, both.kind, type(clip)) == ("no clip", "no clip", Classification)


def test_a_long_clip_is_heard_in_windows(tmp_path, monkeypatch):
    monkeypatch.setattr("evalsuite_audio.models.hearing.LONGEST_S", 1)
    monkeypatch.setattr("evalsuite_audio.models.hearing.PASS_S", 2)  # two windows at once
    model = load(save(tmp_path, "Wav2Vec2"))
    (long,) = clips(40_000)
    # 40,000 samples in windows of at most 16,000: three of 13,334, from 0, 13,333 and 26,666 on
    parts = [
        Classify(Audio.from_array(waveform_of(long)[start : start + 13_334], RATE_HZ))
        for start in (0, 13_333, 26_666)
    ]
    mean = np.mean([answer.probabilities for answer in model.classify(parts)], axis=0)
    assert model.classify([long])[0].probabilities == pytest.approx(mean, abs=1e-6)
    check_model(model, [long, *parts, *SPEECH], tolerance=1e-5)


def test_labels_that_exclude_no_other_are_given_that_one_applies(tmp_path):
    # Independent labels with p = sigmoid(z): P(only i) is p_i times the others' 1 - p_j, over the
    # sum of that. The classifier's answer is computed as softmax(z).
    model = load(save(tmp_path, "Hubert", problem_type="multi_label_classification"))
    assert "given that one applies" in model.info.details["head"]
    inputs = model.hearing.inputs([waveform_of(SPEECH[0])])
    with torch.inference_mode():
        p = model.module(**inputs).logits[0].double().sigmoid()
    only = [float(p[i] * torch.cat([1 - p[:i], 1 - p[i + 1 :]]).prod()) for i in range(3)]
    expected = [one / sum(only) for one in only]
    assert model.classify(SPEECH[:1])[0].probabilities == pytest.approx(expected, abs=1e-6)


def test_one_logit_is_a_label_and_its_opposite(tmp_path):
    model = load(save(tmp_path, "WavLM", labels={0: "laughter"}))
    answer = model.classify(SPEECH[:1])[0]
    assert answer.labels == ("not laughter", "laughter")
    assert sum(answer.probabilities) == pytest.approx(1)


def test_a_head_for_numbers_is_refused(tmp_path):
    save(tmp_path, "Hubert", problem_type="regression")
    with pytest.raises(ModelError, match="head for regression"):
        Loader().describe(str(tmp_path), LoadSettings())


def test_a_missing_head_is_refused(tmp_path):
    config = transformers.HubertConfig(**TINY, id2label=LABELS)
    transformers.HubertModel(config).save_pretrained(tmp_path)
    Wav2Vec2FeatureExtractor().save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="lacks 4 of its weights .*classifier"):
        load(tmp_path)


def test_a_missing_feature_extractor_is_named(tmp_path):
    save(tmp_path, "Hubert")
    (tmp_path / "preprocessor_config.json").unlink()
    with pytest.raises(ModelError, match="feature extractor of model .* could not be loaded"):
        load(tmp_path)


def test_half_precision_gives_about_the_same_labels(tmp_path):
    save(tmp_path, "Wav2Vec2")
    whole, half = (
        load(tmp_path, dtype=dtype).classify(SPEECH) for dtype in ("float32", "bfloat16")
    )
    for one, other in zip(whole, half, strict=True):
        assert other.probabilities == pytest.approx(one.probabilities, abs=0.05)


def test_many_labels_are_not_all_told(tmp_path):
    save(tmp_path, "Hubert", labels={i: f"sound {i}" for i in range(527)})
    told = Loader().describe(str(tmp_path), LoadSettings()).details["labels"]
    assert told.endswith("sound 19 and 507 more")


# ------------------------------------------------------------------------------------------------
# Models that read spectrograms
# ------------------------------------------------------------------------------------------------


def save_ast(directory):
    torch.manual_seed(0)
    module = ASTForAudioClassification(tiny_ast(id2label=LABELS))
    torch.nn.init.normal_(module.classifier.dense.weight, std=3.0)
    module.save_pretrained(directory)
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
        classifier_proj_size=8,
        id2label=LABELS,
    )
    module = WhisperForAudioClassification(config)
    torch.nn.init.normal_(module.classifier.weight, std=3.0)
    module.save_pretrained(directory)
    WhisperFeatureExtractor(feature_size=16, chunk_length=1).save_pretrained(directory)
    return directory


def save_bert(directory):
    torch.manual_seed(0)
    config = Wav2Vec2BertConfig(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        conv_depthwise_kernel_size=3,
        classifier_proj_size=8,
        id2label=LABELS,
    )
    module = Wav2Vec2BertForSequenceClassification(config)
    torch.nn.init.normal_(module.classifier.weight, std=3.0)
    module.save_pretrained(directory)
    SeamlessM4TFeatureExtractor().save_pretrained(directory)
    return directory


# A window of 400 samples and 63 hops of 160 for 64 frames; a second; a minute.
LONGEST = {save_ast: 400 + 63 * 160, save_whisper: 16_000, save_bert: 960_000}


@pytest.mark.parametrize("save_model", LONGEST)
def test_spectrograms_are_heard_alike_in_any_company(save_model, tmp_path):
    model = load(save_model(tmp_path))
    longest = LONGEST[save_model]
    assert model.hearing.longest == longest
    requests = clips(800, 8000, 10_480, 16_000, 24_000, 100_001)
    check_model(model, requests, tolerance=1e-5)
    heard = [len(model.hearing.pieces(waveform_of(request))) for request in requests]
    assert heard == [-(-len(waveform_of(request)) // longest) for request in requests]


@pytest.mark.parametrize("save_model", LONGEST)
def test_clips_that_fit_are_answered_as_the_pipeline_does(save_model, tmp_path):
    model = load(save_model(tmp_path))
    theirs = pipeline("audio-classification", model=str(tmp_path), device="cpu")
    requests = clips(3000, 10_480)
    for request, answer in zip(requests, model.classify(requests), strict=True):
        for found in theirs({"raw": waveform_of(request), "sampling_rate": RATE_HZ}):
            assert answer.probability(found["label"]) == pytest.approx(found["score"], abs=1e-5)


@pytest.mark.parametrize("save_model", [save_ast, save_whisper])
def test_the_end_of_a_long_clip_counts(save_model, tmp_path):
    """The library cuts it off, in silence."""
    model = load(save_model(tmp_path))
    first = 0.1 * np.random.default_rng(0).standard_normal(20_000)
    other = np.concatenate([first, np.sin(np.arange(20_000) / 3)])
    same = np.concatenate([first, np.zeros(20_000)])
    requests = [Classify(Audio.from_array(w.astype(np.float32), RATE_HZ)) for w in (other, same)]
    one, another = model.classify(requests)
    assert one.probabilities != pytest.approx(another.probabilities, abs=1e-3)
    waveforms = [waveform_of(request) for request in requests]
    inputs = model.hearing.extractor(waveforms, sampling_rate=RATE_HZ, return_tensors="pt")
    with torch.inference_mode():
        cut = model.module(**inputs).logits
    assert torch.allclose(cut[0], cut[1], atol=1e-5)


def test_too_few_samples_for_a_spectrogram(tmp_path):
    model = load(save_ast(tmp_path))
    short, enough = model.classify(clips(399, 400))
    assert (short.kind, type(enough)) == ("too short", Classification)


@pytest.mark.parametrize("save_model", LONGEST)
def test_hf_finds_the_kind(save_model, tmp_path):
    info = Dispatcher().describe(str(save_model(tmp_path)), LoadSettings())
    assert info.kind == "audio classifier"
    assert info.methods == {"classify"}
    assert info.modalities == {"audio"}


def test_an_unknown_family_is_refused(tmp_path):
    transformers.BertConfig().save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="family 'bert'.*wav2vec2"):
        Loader().describe(str(tmp_path), LoadSettings())
