"""How sure Whisper is of a word: the softmax of its tokens, written out."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from transformers import WhisperForConditionalGeneration, WhisperProcessor

from evalsuite import Audio, LoadSettings, Sample, Transcribe, UsageError
from evalsuite.model import answer_batch
from evalsuite.testing import play
from evalsuite_audio.models.speech_seq2seq import Loader
from evalsuite_audio.models.whisper_words import Spoken, timed_words
from evalsuite_robustness.calibration.words import WordCalibration

RATE_HZ = 16_000
OPENING = ["<|startoftranscript|>", "<|en|>", "<|transcribe|>", "<|notimestamps|>"]


def clip(n_samples, seed):
    rng = np.random.default_rng(seed)
    t = np.arange(n_samples) / RATE_HZ
    tone = np.sin(2 * np.pi * rng.uniform(200, 3000) * t * (1 + rng.uniform(0, 2) * t))
    return Audio.from_array(
        (0.3 * tone + 0.05 * rng.standard_normal(n_samples)).astype(np.float32), RATE_HZ
    )


CLIPS = [clip(n, seed) for seed, n in enumerate((8000, 16000, 5000, 12000))]


def load(folder, **options):
    return Loader().load(
        str(folder), LoadSettings(device="cpu", options={"language": "en", **options})
    )


@pytest.fixture(scope="module")
def model(small_whisper):
    return load(small_whisper)


def plainly(folder, audio):
    """Each token that greedy search writes and its share of what may be written there."""
    module = WhisperForConditionalGeneration.from_pretrained(folder).eval()
    processor = WhisperProcessor.from_pretrained(folder)
    features = processor(
        audio=audio.load(RATE_HZ)[0], sampling_rate=RATE_HZ, return_tensors="pt"
    ).input_features
    own = module.generation_config
    opening = processor.tokenizer.convert_tokens_to_ids(OPENING)
    ids, found = list(opening), []
    while len(ids) < module.config.max_target_positions:
        with torch.no_grad():
            logits = module(features, decoder_input_ids=torch.tensor([ids])).logits[0, -1]
        logits[own.suppress_tokens] = -torch.inf
        if not found:
            logits[own.begin_suppress_tokens] = -torch.inf
        token = int(logits.argmax())
        if token == module.config.eos_token_id:
            break
        found.append((processor.tokenizer.decode([token]), float(logits.softmax(-1)[token])))
        ids.append(token)
    return found


def by_words(tokens, combined):
    """Words parted before a space, each with what is combined of its tokens."""
    words = []
    for text, probability in tokens:
        if words and not text.startswith(" "):
            words[-1][0].append(text)
            words[-1][1].append(probability)
        else:
            words.append(([text], [probability]))
    return [
        ("".join(texts).strip(), combined(own)) for texts, own in words if "".join(texts).strip()
    ]


@pytest.mark.parametrize(
    ("name", "combined"), [("mean", np.mean), ("min", np.min), ("product", np.prod)]
)
def test_a_words_confidence_comes_from_its_tokens_softmax(small_whisper, name, combined):
    model = load(small_whisper, word_confidence=name)
    for audio in CLIPS:
        (found,) = model.transcribe([Transcribe(audio, word_times=True)])
        expected = by_words(plainly(small_whisper, audio), combined)
        assert [word.text for word in found.words] == [text for text, _ in expected]
        assert [word.confidence for word in found.words] == pytest.approx(
            [value for _, value in expected], abs=1e-5
        )


def test_three_ways_to_combine_by_hand():
    # tokens .9 and .6: mean .75, least .6, product .54
    found = Spoken((0.0, 0.1, 0.2), (0.9, 0.6))
    for name, value in (("mean", 0.75), ("min", 0.6), ("product", 0.54)):
        (word,) = timed_words([(" cat", 0, 2)], found, 0.0, 1.0, name)
        assert word.confidence == pytest.approx(value)


def test_company_changes_no_confidence(model):
    requests = [Transcribe(audio, word_times=True) for audio in CLIPS]
    alone = [answer_batch(model, [request])[0] for request in requests]
    for one, other in zip(alone, reversed(answer_batch(model, requests[::-1])), strict=True):
        mine, theirs = ([word.confidence for word in found.words] for found in (one, other))
        assert mine == pytest.approx(theirs, abs=1e-5)


def test_words_of_a_long_clip_have_confidence_too(model):
    (found,) = model.transcribe([Transcribe(clip(40000, 9), word_times=True)])
    assert found.words
    assert all(0 < word.confidence <= 1 for word in found.words)


def test_calibration_of_words_works_for_whisper(model):
    samples = [
        Sample(str(i), {"audio": audio, "text": model.transcribe([Transcribe(audio)])[0].text})
        for i, audio in enumerate(CLIPS)
    ]
    played = play(WordCalibration(), samples, lambda r: answer_batch(model, [r])[0])
    words = [w for record in played.records for w in json.loads(record["word_forecasts"])]
    assert words
    assert all(is_right == 1.0 for _, _, is_right in words)
    assert all(0 < confidence <= 1 for _, confidence, _ in words)


def test_another_way_to_combine_is_refused(small_whisper):
    with pytest.raises(UsageError, match="mean, min, product"):
        load(small_whisper, word_confidence="median")
