"""Moonshine of random weights: what the library writes, one clip at a time, nothing cut."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, decoders, models
from transformers import (
    AutoModelForSpeechSeq2Seq,
    AutoProcessor,
    MoonshineConfig,
    MoonshineForConditionalGeneration,
    PreTrainedTokenizerFast,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2Processor,
)

from evalsuite import (
    Attribute,
    Audio,
    Failure,
    LoadSettings,
    LogLikelihood,
    Text,
    Transcribe,
    UsageError,
)
from evalsuite.model import answer_batch
from evalsuite.testing import check_model
from evalsuite_audio.models.speech_seq2seq import Loader

RATE_HZ = 16_000


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    folder = tmp_path_factory.mktemp("moonshine")
    pieces = ["<unk>", "<s>", "</s>", *"\u2581abcdefghijklmnopqrstuvwxyz"]
    words = Tokenizer(models.BPE(vocab={p: i for i, p in enumerate(pieces)}, merges=[]))
    words.decoder = decoders.Metaspace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )
    torch.manual_seed(0)
    config = MoonshineConfig(
        vocab_size=len(pieces),
        hidden_size=32,
        intermediate_size=64,
        encoder_num_hidden_layers=2,
        decoder_num_hidden_layers=2,
        encoder_num_attention_heads=2,
        decoder_num_attention_heads=2,
        max_position_embeddings=64,
        tie_word_embeddings=False,
        decoder_start_token_id=1,
        bos_token_id=1,
        eos_token_id=2,
    )
    model = MoonshineForConditionalGeneration(config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() > 1:
                sharpness = 12 if "encoder_attn" in name else 1.5
                weight.normal_(0, sharpness * weight[0].numel() ** -0.5)
    model.save_pretrained(folder)
    extractor = Wav2Vec2FeatureExtractor(
        sampling_rate=RATE_HZ, do_normalize=False, return_attention_mask=True
    )
    Wav2Vec2Processor(extractor, tokenizer).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def model(directory):
    return Loader().load(str(directory), LoadSettings(device="cpu"))


def clips(*lengths):
    rng = np.random.default_rng(0)
    return [
        Audio.from_array((0.3 * rng.standard_normal(n)).astype(np.float32), RATE_HZ)
        for n in lengths
    ]


SPEECH = clips(16000, 8000, 24000, 5000)


def test_half_precision_writes_what_it_writes_alone(directory):
    model = Loader().load(str(directory), LoadSettings(device="cpu", dtype="bfloat16"))
    assert model.dtype is torch.bfloat16
    check_model(model, [Transcribe(clip) for clip in SPEECH])


def test_clips_are_written_as_the_library_writes_them(model, directory):
    module = AutoModelForSpeechSeq2Seq.from_pretrained(directory).eval()
    processor = AutoProcessor.from_pretrained(directory)
    answers = model.transcribe([Transcribe(clip) for clip in SPEECH])
    for clip, answer in zip(SPEECH, answers, strict=True):
        waveform = clip.load()[0]
        inputs = processor(audio=waveform, sampling_rate=RATE_HZ, return_tensors="pt")
        # 6.5 tokens a second
        n_new = int(np.ceil(len(waveform) / RATE_HZ * 6.5))
        ids = module.generate(**inputs, max_new_tokens=n_new)
        assert answer.text == processor.decode(ids[0], skip_special_tokens=True).strip()
    assert len({answer.text for answer in answers}) > 1
    check_model(model, [Transcribe(clip) for clip in SPEECH])


def test_what_cannot_be_heard_or_done_is_a_failure(model):
    tiny, endless = clips(200, 31 * RATE_HZ)
    requests = [
        Transcribe(tiny),
        Transcribe(endless),
        Transcribe(SPEECH[0], word_times=True),
        Transcribe(SPEECH[0], task="translate"),
    ]
    assert [answer.kind for answer in model.transcribe(requests)] == [
        "too short",
        "clip too long",
        "no word times",
        "no translation",
    ]


def test_wrong_options_are_named(directory):
    for options, told in (({"num_beams": 0}, "num_beams"), ({"beams": 2}, "no option 'beams'")):
        with pytest.raises(UsageError, match=told):
            Loader().describe(str(directory), LoadSettings(options=options))


# ------------------------------------------------------------------------------------------------
# Scores and gradients of given words
# ------------------------------------------------------------------------------------------------


def log_probability(directory, waveforms, words, n_scored):
    """Of the last tokens of a text, rows of waveforms."""
    module = AutoModelForSpeechSeq2Seq.from_pretrained(directory).eval()
    tokenizer = AutoProcessor.from_pretrained(directory).tokenizer
    ids = torch.tensor([[1, *tokenizer(words, add_special_tokens=False).input_ids]])
    rows = ids.expand(len(waveforms), -1)
    logits = module(input_values=waveforms, decoder_input_ids=rows).logits[:, :-1]
    scores = logits.log_softmax(-1).gather(-1, rows[:, 1:, None])[..., 0]
    return scores[:, -n_scored:].sum(-1)


def ask(model, name, where="gradients", grid=(1, 4), target="cat", **options):
    path = f"evalsuite_explain.explainers.{where}:{name}"
    request = Attribute((SPEECH[1],), target, path, tuple(options.items()), "audio", grid)
    return answer_batch(model, [request])[0]


def test_scores_are_the_decoders_own(model, directory):
    waveform = torch.tensor(SPEECH[1].load(RATE_HZ)[0])[None]
    requests = [
        LogLikelihood((SPEECH[1],), "cat"),
        LogLikelihood((SPEECH[1], Text("ca")), "t"),
        LogLikelihood((SPEECH[0],), " dog"),
    ]
    found = model.loglikelihood(requests)
    for score, n_scored in zip(found, (3, 1)):
        expected = float(log_probability(directory, waveform, "cat", n_scored).detach())
        assert score.total == pytest.approx(expected, abs=1e-5)
        assert score.n_tokens == n_scored
    check_model(model, requests)
    failed = model.loglikelihood(
        [
            LogLikelihood("cat", "s"),
            LogLikelihood((SPEECH[0],), ""),
            LogLikelihood((SPEECH[0],), "a" * 90),
        ]
    )
    assert [one.kind for one in failed] == ["one clip", "empty continuation", "text too long"]


def test_gradients_by_the_waveform_are_autograds(model, directory):
    waveform = torch.tensor(SPEECH[1].load(RATE_HZ)[0])[None].requires_grad_()
    score = log_probability(directory, waveform, "cat", 3)
    (gradient,) = torch.autograd.grad(score.sum(), waveform)
    quarters = gradient.abs().reshape(4, -1).sum(-1)
    assert ask(model, "saliency").scores == pytest.approx(quarters.tolist(), rel=5e-5)
    weighed = (gradient * waveform).detach().reshape(4, -1).sum(-1)
    found = ask(model, "input_x_gradient")
    assert found.scores == pytest.approx(weighed.tolist(), rel=1e-4, abs=1e-5)
    silence = log_probability(directory, torch.zeros_like(waveform), "cat", 3)
    assert found.total == pytest.approx(float((score - silence).detach()), abs=1e-4)


@pytest.mark.parametrize("name", ["relevance", "attention_rollout", "grad_cam"])
def test_layers_are_open_across_the_decoder(model, name):
    found = ask(model, name, "attention")
    assert not isinstance(found, Failure), found
    assert max(found.scores) > 0


def test_bands_of_a_waveform_are_refused_and_own_words_are_found(model):
    refused = ask(model, "saliency", grid=(4, 4))
    assert refused.kind == "no bands"
    heard = model.transcribe([Transcribe(SPEECH[1])])[0].text
    assert ask(model, "saliency", target="").scores == ask(model, "saliency", target=heard).scores
