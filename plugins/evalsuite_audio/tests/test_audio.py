"""Sound and speech models: deterministic, alone or in company; error rates by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC

from evalsuite import (
    Audio,
    EmbedAudio,
    EmbedText,
    LoadSettings,
    Sample,
    SimilarityScale,
    Transcribe,
    Transcript,
)
from evalsuite.factories import loader_for
from evalsuite.registry import installed
from evalsuite.testing import check_model, check_probe, play
from evalsuite.transcripts import BASIC, utterance_record
from evalsuite_audio.tasks.transcription import Transcription
from evalsuite_controls.catalogue import CONTROLS

RNG = np.random.default_rng(0)


def clip(seconds: float, rate: int = 16000) -> Audio:
    return Audio.from_array(
        (0.1 * RNG.standard_normal(int(seconds * rate))).astype(np.float32), rate
    )


def load(name):
    loader, reference = loader_for(name, installed())
    return loader.load(reference, LoadSettings(device="cpu"))


def test_vectors_do_not_depend_on_the_batch():
    requests = [EmbedAudio(clip(s)) for s in (0.3, 1.0, 2.5, 4.0)]
    requests += [
        EmbedText("a bell"),
        EmbedText("this is a sound of white noise"),
        SimilarityScale(),
    ]
    check_model(load("control:sounds-clean"), requests)


def test_a_long_clip_gives_the_same_features_twice():
    model, long = load("control:sounds-clean"), EmbedAudio(clip(5.0))
    np.random.seed(1)  # noqa: NPY002  (the extractor would draw its crop from here)
    first = model.embed_audio([long])[0].vector
    np.random.seed(2)  # noqa: NPY002
    np.testing.assert_array_equal(first, model.embed_audio([long])[0].vector)


def speech_requests():
    return [Transcribe(clip(s, 8000)) for s in (0.5, 2.0, 0.9, 1.3)]


def test_transcripts_do_not_depend_on_padding():
    check_model(load("control:asr-clean"), speech_requests())


def test_models_that_cannot_be_padded_hear_one_clip_at_a_time(tmp_path):
    source = CONTROLS["asr-clean"].directory
    for path in source.glob("*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    torch.manual_seed(0)
    config = Wav2Vec2Config.from_pretrained(source)
    config.feat_extract_norm = "group"
    config.do_stable_layer_norm = False
    Wav2Vec2ForCTC(config).save_pretrained(tmp_path)
    extractor = Wav2Vec2FeatureExtractor(sampling_rate=8000, return_attention_mask=False)
    extractor.save_pretrained(tmp_path)
    for name in ("processor_config.json",):
        (tmp_path / name).unlink(missing_ok=True)
    model = load(f"hf:{tmp_path}")
    assert model.info.details["batches"] == "one clip at a time"
    check_model(model, speech_requests())


def test_a_clip_too_short_for_a_frame_is_a_failure():
    short = Transcribe(Audio.from_array(np.zeros(10, np.float32), 8000))
    good = Transcribe(clip(1.0, 8000))
    answers = load("control:asr-clean").transcribe([short, good])
    assert answers[0].kind == "too short"
    assert isinstance(answers[1], Transcript)


def test_other_rates_and_channels_are_brought_to_the_models():
    waveform = 0.3 * np.sin(2 * np.pi * 440 * np.arange(96000) / 96000).astype(np.float32)
    model = load("control:sounds-clean")
    high = model.embed_audio([EmbedAudio(Audio.from_array(waveform, 96000))])[0].vector
    low = model.embed_audio([EmbedAudio(Audio.from_array(waveform[::6].copy(), 16000))])[0].vector
    assert float(high @ low) > 0.99


# ------------------------------------------------------------------------------------------------
# Error rates
# ------------------------------------------------------------------------------------------------


def test_errors_are_counted_by_kind():
    # reference: a b c d; hypothesis: a x c: b became x, d is gone
    found = utterance_record("a b c d", "a x c", BASIC)
    assert (found["substitutions"], found["deletions"], found["insertions"]) == (1, 1, 0)
    assert found["utterance_wer"] == 0.5


def test_an_empty_transcript_deletes_every_word():
    assert utterance_record("a b c", "", BASIC)["utterance_wer"] == 1.0


def test_words_without_a_reference_are_insertions():
    found = utterance_record("", "a b", BASIC)
    assert (found["insertions"], found["utterance_wer"]) == (2, None)


UTTERANCES = [
    Sample(str(i), {"audio": clip(0.1), "text": text})
    for i, text in enumerate(["one two three", "four five", "six seven eight nine"])
]


def test_a_silent_model_gets_the_worst_rate():
    played = play(Transcription(), UTTERANCES, lambda request: Transcript(""))
    assert played.estimate("word error rate (basic v1)").value == 1.0
    assert played.estimate("empty transcripts").value == 1.0


def test_the_corpus_rate_weighs_utterances_by_their_words():
    # 3 + 2 + 4 words; only the second utterance is wrong, in both words: 2 / 9
    heard = {UTTERANCES[1]["audio"]: "x y"}
    texts = {s["audio"]: s["text"] for s in UTTERANCES}
    played = play(
        Transcription(), UTTERANCES, lambda r: Transcript(heard.get(r.audio, texts[r.audio]))
    )
    assert played.estimate("word error rate (basic v1)").value == pytest.approx(2 / 9)
    assert played.estimate("mean utterance error rate").value == pytest.approx(1 / 3)


def test_the_contract_is_kept():
    check_probe(Transcription(), UTTERANCES, lambda request: Transcript("one two"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Don\u2019t  STOP!", "don't stop"), ("'quoted' words", "quoted words"), ("3.5 – x", "3 5 x")],
)
def test_basic_normalisation(text, expected):
    assert BASIC(text) == expected
