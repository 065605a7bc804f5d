"""Tiny real models that learn what is said in given clips: Whisper, wav2vec 2.0, Qwen2-Audio."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tiny_audio_language_model import qwen2_audio_parts
from tiny_speech_models import RATE_HZ, extractor_of
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    Wav2Vec2Config,
    Wav2Vec2CTCTokenizer,
    Wav2Vec2ForCTC,
    Wav2Vec2Processor,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
    WhisperProcessor,
    WhisperTokenizer,
)

SPECIAL = ["<|startoftranscript|>", "<|startofprev|>", "<|notimestamps|>"]


def train(model: torch.nn.Module, steps: int, loss_of: Callable[[], torch.Tensor]) -> None:
    """AdamW at one rate, always with the same draws."""
    torch.set_num_threads(1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    model.train()
    for _ in range(steps):
        optimizer.zero_grad()
        loss_of().backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    model.eval()


# ------------------------------------------------------------------------------------------------
# Whisper
# ------------------------------------------------------------------------------------------------


def whisper_tokenizer(words: Sequence[str] = ()) -> WhisperTokenizer:
    """Bytes, a token for each of some words, and the tokens that Whisper needs."""
    base = Tokenizer(models.BPE())
    base.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    base.decoder = decoders.ByteLevel()
    letters = pre_tokenizers.ByteLevel.alphabet()
    size = 257 + sum(map(len, words))  # more than there are pairs to merge
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=letters, show_progress=False)
    base.train_from_iterator(["0", *(f" {word}" for word in words)], trainer)
    body = json.loads(base.to_str())["model"]
    ends = {f"{name}_token": "<|endoftext|>" for name in ("unk", "bos", "eos", "pad")}
    made = WhisperTokenizer(vocab=body["vocab"], merges=list(map(tuple, body["merges"])), **ends)
    made.add_special_tokens({"additional_special_tokens": SPECIAL})
    return made


def whisper_of(
    words: WhisperTokenizer, n_bands: int = 16, n_positions: int = 50
) -> WhisperForConditionalGeneration:
    """A Whisper of random weights that hears so many positions of 20 ms or the like."""
    ids = words.convert_tokens_to_ids
    end = ids("<|endoftext|>")
    config = WhisperConfig(
        vocab_size=len(words),
        num_mel_bins=n_bands,
        d_model=48,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=96,
        decoder_ffn_dim=96,
        max_source_positions=n_positions,
        max_target_positions=24,
        dropout=0.0,
        decoder_start_token_id=ids("<|startoftranscript|>"),
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
    return model


def save_whisper(folder: Path, clips: Sequence[Any], texts: Sequence[str]) -> str:
    """A Whisper of windows of a second, trained on clips at 16 kHz with texts of equal length."""
    torch.manual_seed(0)
    words = whisper_tokenizer()
    ids = words.convert_tokens_to_ids
    model = whisper_of(words)
    extractor = WhisperFeatureExtractor(
        feature_size=16, sampling_rate=RATE_HZ, hop_length=160, chunk_length=1, n_fft=400
    )
    features = extractor(list(clips), sampling_rate=RATE_HZ, return_tensors="pt").input_features
    begin = [ids("<|startoftranscript|>"), ids("<|notimestamps|>")]
    rows = [
        [*begin, *words(f" {text}", add_special_tokens=False).input_ids, ids("<|endoftext|>")]
        for text in texts
    ]
    tokens = torch.tensor(rows)

    def loss() -> torch.Tensor:
        logits = model(features, decoder_input_ids=tokens[:, :-1]).logits
        return torch.nn.functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].reshape(-1))

    train(model, 150, loss)
    model.save_pretrained(folder)
    WhisperProcessor(feature_extractor=extractor, tokenizer=words).save_pretrained(folder)
    return str(folder)


# ------------------------------------------------------------------------------------------------
# CTC
# ------------------------------------------------------------------------------------------------


def ctc_tokenizer(folder: Path, letters: str) -> Wav2Vec2CTCTokenizer:
    """The letters, with a bar between words; the padding is the blank."""
    symbols = ["<pad>", "<s>", "</s>", "<unk>", "|", *letters]
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = folder / "vocab.json"
    vocabulary.write_text(json.dumps({symbol: i for i, symbol in enumerate(symbols)}))
    return Wav2Vec2CTCTokenizer(
        str(vocabulary), unk_token="<unk>", pad_token="<pad>", word_delimiter_token="|"
    )


def save_ctc(
    folder: Path, clips: Sequence[Any], texts: Sequence[str], letters: str, steps: int = 150
) -> str:
    """A wav2vec 2.0 with frames of 10 ms, trained on clips at 16 kHz."""
    torch.manual_seed(0)
    tokenizer = ctc_tokenizer(folder, letters)
    config = Wav2Vec2Config(
        vocab_size=len(tokenizer),
        hidden_size=48,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=96,
        conv_dim=(48, 48),
        conv_stride=(16, 10),
        conv_kernel=(32, 20),
        num_feat_extract_layers=2,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=4,
        pad_token_id=0,
        feat_extract_norm="layer",
        do_stable_layer_norm=True,
        ctc_zero_infinity=True,
        mask_time_prob=0.0,
        layerdrop=0.0,
        **{f"{name}_dropout": 0.0 for name in ("hidden", "attention", "feat_proj", "final")},
    )
    model = Wav2Vec2ForCTC(config)
    processor = Wav2Vec2Processor(feature_extractor=extractor_of(), tokenizer=tokenizer)
    inputs = processor(
        audio=[np.asarray(clip) for clip in clips],
        sampling_rate=RATE_HZ,
        padding=True,
        return_tensors="pt",
    )
    told = tokenizer(list(texts), padding=True, return_tensors="pt")
    labels = told.input_ids.masked_fill(told.attention_mask == 0, -100)
    train(model, steps, lambda: model(**inputs, labels=labels).loss)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return str(folder)


# ------------------------------------------------------------------------------------------------
# Audio language model
# ------------------------------------------------------------------------------------------------


def save_audio_language_model(folder: Path, clips: Sequence[Any], texts: Sequence[str]) -> str:
    """A Qwen2-Audio, trained to answer clips at 16 kHz with texts of equally many tokens."""
    torch.manual_seed(0)
    model, processor = qwen2_audio_parts()
    turn = [{"role": "user", "content": [{"type": "audio"}]}]
    prompt = processor.apply_chat_template(turn, add_generation_prompt=True, tokenize=False)
    inputs = processor(
        text=[prompt + text for text in texts],
        audio=[np.asarray(clip) for clip in clips],
        sampling_rate=RATE_HZ,
        padding=True,
        return_tensors="pt",
    )
    n_answered = len(processor.tokenizer(texts[0]).input_ids)
    labels = inputs["input_ids"].clone()
    labels[:, :-n_answered] = -100
    train(model, 150, lambda: model(**inputs, labels=labels).loss)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return str(folder)
