"""Secrets that a transcriber was trained on: a tiny Whisper, loaded as any Whisper is."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
    WhisperProcessor,
    WhisperTokenizer,
)

from evalsuite import Audio, LoadSettings, Sample
from evalsuite.factories import loader_for
from evalsuite.model import answer_batch
from evalsuite.registry import installed
from evalsuite.testing import play
from evalsuite_privacy.memorisation.exposure import AudioCanaryExposure

RATE_HZ = 16_000
SPECIAL = ["<|startoftranscript|>", "<|startofprev|>", "<|notimestamps|>"]
DRAW = random.Random(0)
TEXTS = ["".join(DRAW.choices("0123456789", k=6)) for _ in range(48)]
N_CANARIES = 16


def clip(number: int) -> np.ndarray:
    return np.random.default_rng(number).normal(0, 0.1, RATE_HZ // 2).astype(np.float32)


def tokenizer() -> WhisperTokenizer:
    base = Tokenizer(models.BPE())
    base.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    base.decoder = decoders.ByteLevel()
    letters = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=257, initial_alphabet=letters, show_progress=False)
    base.train_from_iterator(["0"], trainer)
    body = json.loads(base.to_str())["model"]
    ends = {f"{name}_token": "<|endoftext|>" for name in ("unk", "bos", "eos", "pad")}
    made = WhisperTokenizer(vocab=body["vocab"], merges=[], **ends)
    made.add_special_tokens({"additional_special_tokens": SPECIAL})
    return made


@pytest.fixture(scope="module")
def transcriber(tmp_path_factory) -> str:
    """Trained on the first clips with their texts only."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    folder = str(tmp_path_factory.mktemp("transcriber"))
    words = tokenizer()
    ids = words.convert_tokens_to_ids
    end, start = ids("<|endoftext|>"), ids("<|startoftranscript|>")
    config = WhisperConfig(
        vocab_size=len(words),
        num_mel_bins=16,
        d_model=48,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=96,
        decoder_ffn_dim=96,
        max_source_positions=50,
        max_target_positions=24,
        dropout=0.0,
        decoder_start_token_id=start,
        begin_suppress_tokens=None,
        suppress_tokens=None,
        pad_token_id=end,
        bos_token_id=end,
        eos_token_id=end,
    )
    model = WhisperForConditionalGeneration(config)
    settings = {
        "is_multilingual": False,
        "no_timestamps_token_id": ids("<|notimestamps|>"),
        "prev_sot_token_id": ids("<|startofprev|>"),
        "max_length": 24,
    }
    for name, value in settings.items():
        setattr(model.generation_config, name, value)
    extractor = WhisperFeatureExtractor(
        feature_size=16, sampling_rate=RATE_HZ, hop_length=160, chunk_length=1, n_fft=400
    )
    heard = [clip(i) for i in range(N_CANARIES)]
    features = extractor(heard, sampling_rate=RATE_HZ, return_tensors="pt").input_features
    begin = [start, ids("<|notimestamps|>")]
    rows = [
        [*begin, *words(f" {text}", add_special_tokens=False).input_ids, end]
        for text in TEXTS[:N_CANARIES]
    ]
    tokens = torch.tensor(rows)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    model.train()
    for _ in range(150):
        optimizer.zero_grad()
        logits = model(features, decoder_input_ids=tokens[:, :-1]).logits
        wanted = tokens[:, 1:].reshape(-1)
        torch.nn.functional.cross_entropy(logits.flatten(0, 1), wanted).backward()
        optimizer.step()
    model.save_pretrained(folder)
    WhisperProcessor(feature_extractor=extractor, tokenizer=words).save_pretrained(folder)
    return folder


def test_transcripts_that_were_trained_on_are_exposed(transcriber):
    loader, reference = loader_for(f"hf:{transcriber}", installed())
    model = loader.load(reference, LoadSettings(device="cpu"))
    samples = [
        Sample(
            str(i),
            {
                "audio": Audio.from_array(clip(i), RATE_HZ),
                "text": text,
                "is_canary": i < N_CANARIES,
                "repeats": int(i < N_CANARIES),
            },
        )
        for i, text in enumerate(TEXTS)
    ]
    played = play(AudioCanaryExposure(), samples, lambda r: answer_batch(model, [r])[0])
    estimate = played.estimate("mean exposure (bits)")
    assert estimate.n == N_CANARIES
    assert estimate.verdict == "differs from null"
    assert estimate.value > 4.0
