"""CLAP models of random weights, with and without fusion: the same clip, the same vector."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    ClapConfig,
    ClapFeatureExtractor,
    ClapModel,
    ClapProcessor,
    PreTrainedTokenizerFast,
)

from evalsuite import Audio, EmbedAudio, EmbedText, LoadSettings, SimilarityScale, UsageError
from evalsuite.testing import check_model
from evalsuite_audio.models.dual_encoder import Loader

RATE_HZ = 8000
LONGEST_S = 1
AUDIO_TOWER = {
    "window_size": 4,
    "num_mel_bins": 64,
    "spec_size": 64,
    "patch_size": 4,
    "patch_stride": [2, 2],
    "patch_embeds_hidden_size": 8,
    "hidden_size": 16,
    "depths": [1, 1],
    "num_attention_heads": [2, 2],
    "projection_dim": 16,
    "num_classes": 2,
}
TEXT_TOWER = {
    "vocab_size": 16,
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 20,
    "projection_dim": 16,
    "pad_token_id": 1,
}


def save_clap(directory, is_fused, truncation):
    """A ClapModel of random weights, as `save_pretrained` leaves one."""
    torch.manual_seed(0)
    tower = {**AUDIO_TOWER, "enable_fusion": is_fused}
    config = ClapConfig(audio_config=tower, text_config=TEXT_TOWER, projection_dim=16)
    model = ClapModel(config)
    # Fusion layers start with a weight of nearly nothing; give them one that can be seen.
    for name, weight in model.named_parameters():
        if "fusion" in name or "mel_conv2d" in name:
            torch.nn.init.normal_(weight, std=0.5)
    model.save_pretrained(directory)
    words = [
        "<s>",
        "<pad>",
        "</s>",
        "<unk>",
        *["a", "bell", "sound", "of", "this", "is", "the", "wind"],
    ]
    words = list(dict.fromkeys(words))
    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, "<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", unk_token="<unk>", model_max_length=18
    )
    extractor = ClapFeatureExtractor(
        feature_size=64,
        sampling_rate=RATE_HZ,
        hop_length=160,
        fft_window_size=1024,
        max_length_s=LONGEST_S,
        frequency_max=4000,
        truncation=truncation,
    )
    ClapProcessor(extractor, fast).save_pretrained(directory)
    return directory


@pytest.fixture(scope="module", params=["fusion", "rand_trunc"])
def clap(request, tmp_path_factory):
    is_fused = request.param == "fusion"
    directory = save_clap(tmp_path_factory.mktemp(request.param), is_fused, request.param)
    return Loader().load(str(directory), LoadSettings(device="cpu"))


def clips(*seconds):
    rng = np.random.default_rng(0)
    lengths = [int(s * RATE_HZ) for s in seconds]
    return [
        Audio.from_array((0.1 * rng.standard_normal(n)).astype(np.float32), RATE_HZ)
        for n in lengths
    ]


def test_vectors_are_of_unit_length_and_the_scale_is_learned(clap):
    vector = clap.embed_audio([EmbedAudio(clips(0.5)[0])])[0].vector
    assert vector.dtype == np.float32
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)
    # ClapModel starts logit_scale_a at ln(1 / 0.07), so the scale is 1 / 0.07 = 14.2857
    similarity = clap.similarity_scale([SimilarityScale()])[0]
    assert similarity.scale == pytest.approx(1 / 0.07, rel=1e-5)


def test_neither_batch_nor_order_nor_padding_changes_a_vector(clap):
    requests = [EmbedAudio(audio) for audio in clips(0.2, 0.9, 1.0, 1.005, 2.5, 4.0)]
    requests += [EmbedText("a bell"), EmbedText("this is the sound of the wind"), SimilarityScale()]
    check_model(clap, requests, tolerance=1e-5)


def test_a_clip_has_one_vector_wherever_the_generator_stands(clap):
    (long,) = clips(5.0)
    vectors = []
    for seed in (1, 2):
        np.random.seed(seed)  # noqa: NPY002  (the library draws its crops from here)
        vectors.append(clap.embed_audio([EmbedAudio(long)])[0].vector)
    np.testing.assert_array_equal(*vectors)


def test_the_users_generator_is_left_where_it_was(clap):
    np.random.seed(3)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(3)  # noqa: NPY002
    clap.embed_audio([EmbedAudio(clips(5.0)[0])])
    assert np.random.random() == expected  # noqa: NPY002


def test_the_library_alone_crops_at_random(clap):
    """The trap that the two tests above guard against is really there."""
    (long,) = clips(5.0)
    waveform, _ = long.load()
    features = []
    for seed in (1, 2):
        np.random.seed(seed)  # noqa: NPY002
        found = clap.extractor(waveform, sampling_rate=RATE_HZ, return_tensors="pt")
        features.append(found["input_features"])
    assert not torch.equal(*features)


def test_the_library_alone_calls_a_random_short_clip_long():
    extractor = ClapFeatureExtractor(
        feature_size=16,
        frequency_max=4000,
        sampling_rate=RATE_HZ,
        truncation="fusion",
        max_length_s=1,
    )
    short = [audio.load()[0] for audio in clips(0.5, 0.5, 0.5, 0.5)]
    flagged = set()
    for seed in range(8):
        np.random.seed(seed)  # noqa: NPY002
        flags = extractor(short, sampling_rate=RATE_HZ)["is_longer"]
        assert sum(flag for (flag,) in flags) == 1
        flagged.add(flags.index([True]))
    assert len(flagged) > 1


def test_only_clips_with_more_frames_than_fit_are_long(clap):
    is_fused = clap.features.truncation == "fusion"
    # 8100 samples make 1 + 8100 // 160 = 51 frames, as many as the 8000 that fit
    heard = [
        clap.features.hear(clip.load()[0]) for clip in clips(1, 8100 / RATE_HZ, 8160 / RATE_HZ)
    ]
    assert [one.is_longer for one in heard] == [False, False, is_fused]


def test_a_flag_matters_to_a_fused_model(tmp_path):
    model = Loader().load(str(save_clap(tmp_path, True, "fusion")), LoadSettings(device="cpu"))
    heard = model.features.hear(clips(5.0)[0].load()[0])
    assert heard.features.shape[1] == 4
    assert heard.is_longer
    with torch.inference_mode():
        long, short = (
            model.module.get_audio_features(
                input_features=heard.features, is_longer=torch.tensor([[is_longer]])
            )
            for is_longer in (True, False)
        )
    assert not torch.allclose(long.pooler_output, short.pooler_output, atol=1e-4)


def test_a_plain_model_runs_whatever_its_extractor_was_saved_with(tmp_path):
    # transformers' default truncation makes four channels, which a model without fusion refuses
    model = Loader().load(str(save_clap(tmp_path, False, "fusion")), LoadSettings(device="cpu"))
    assert model.features.truncation == "rand_trunc"
    assert model.info.details["long clips"].startswith("a crop of 1 s")
    check_model(model, [EmbedAudio(audio) for audio in clips(0.5, 3.0)], tolerance=1e-5)


def test_a_text_longer_than_the_tower_is_cut_not_refused(clap):
    first = clap.embed_text([EmbedText("a bell " * 9)])[0].vector
    longer = clap.embed_text([EmbedText("a bell " * 40)])[0].vector
    np.testing.assert_allclose(first, longer, atol=1e-6)


@pytest.mark.parametrize("truncation", ["fusion", "rand_trunc"])
@pytest.mark.parametrize("crop", ["center", "windows"])
def test_other_crops_depend_on_the_clip_alone(truncation, crop, tmp_path):
    model = load_with_crop(tmp_path, truncation, crop)
    requests = [EmbedAudio(audio) for audio in clips(0.2, 1.0, 1.005, 2.5, 40.0)]
    check_model(model, requests, tolerance=1e-5)


def load_with_crop(directory, truncation, crop):
    save_clap(directory, truncation == "fusion", truncation)
    return Loader().load(str(directory), LoadSettings(device="cpu", options={"crop": crop}))


def test_windows_are_heard_as_clips_of_their_own(tmp_path):
    model = load_with_crop(tmp_path, "fusion", "windows")
    (long,) = clips(2.5)
    waveform, _ = long.load()
    # 20,000 samples: windows of 8,000 from 0, 6,000 and 12,000
    parts = [Audio.from_array(waveform[i : i + 8000], RATE_HZ) for i in (0, 6000, 12_000)]
    vectors = [answer.vector for answer in model.embed_audio([EmbedAudio(part) for part in parts])]
    mean = np.mean(vectors, axis=0)
    found = model.embed_audio([EmbedAudio(long)])[0].vector
    np.testing.assert_allclose(found, mean / np.linalg.norm(mean), atol=1e-6)
    assert model.cost(EmbedAudio(long)) == 3 * model.cost(EmbedAudio(parts[0]))


def test_the_crop_is_part_of_what_the_model_is(tmp_path):
    directory = str(save_clap(tmp_path, False, "rand_trunc"))
    models = [
        Loader().load(directory, LoadSettings(device="cpu", options=options))
        for options in ({}, {"crop": "hash"}, {"crop": "center"}, {"crop": "windows"})
    ]
    assert models[0].fingerprint == models[1].fingerprint
    assert len({model.fingerprint for model in models}) == 3
    with pytest.raises(UsageError, match="crop must be hash, center or windows"):
        Loader().describe(directory, LoadSettings(options={"crop": "random"}))


def test_half_precision_gives_about_the_same_vectors(tmp_path):
    directory = str(save_clap(tmp_path, False, "rand_trunc"))
    whole, half = (
        Loader().load(directory, LoadSettings(device="cpu", dtype=dtype))
        for dtype in ("float32", "bfloat16")
    )
    for request in (EmbedAudio(clips(0.7)[0]), EmbedText("the wind")):
        method = request.method
        one, other = (getattr(model, method)([request])[0].vector for model in (whole, half))
        assert one @ other > 0.999


def test_texts_of_any_length_share_a_batch(clap):
    texts = ["a", "a bell " * 30, "the wind", "this is the sound of a bell and the wind"]
    check_model(clap, [EmbedText(text) for text in texts], tolerance=1e-5)
