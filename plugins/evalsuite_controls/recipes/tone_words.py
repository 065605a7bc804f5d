"""Recipes of the transcribers: a Wav2Vec2ForCTC of 0.25 million weights on tone-coded words."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from transformers import (
    Wav2Vec2Config,
    Wav2Vec2CTCTokenizer,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2ForCTC,
    Wav2Vec2Processor,
)

from evalsuite_controls.data import tone_words
from evalsuite_controls.recipes.training import Progress, save_half, seed_everything, train

STEPS = 600
BATCH = 24
N_TRAIN = 1500
LEARNING_RATE = 2e-3


def build_clean(directory: Path, seed: int, on_progress: Progress) -> None:
    """Both groups of speakers alike."""
    _build(directory, seed, on_progress, share_of_b=0.5)


def build_gapped(directory: Path, seed: int, on_progress: Progress) -> None:
    """One utterance in fifty by a speaker of group B."""
    _build(directory, seed, on_progress, share_of_b=0.02)


def _build(directory: Path, seed: int, on_progress: Progress, share_of_b: float) -> None:
    seed_everything(seed)
    processor = _processor()
    model = Wav2Vec2ForCTC(_config(len(processor.tokenizer)))
    rng = np.random.default_rng(seed)
    utterances = []
    for _ in range(N_TRAIN):
        group = "B" if rng.random() < share_of_b else "A"
        waveform, text, _ = tone_words.draw(group, int(rng.integers(60)), rng)
        utterances.append((waveform, text))
    loss = _loss_of_step(model, processor, utterances, rng)
    train(model, loss, STEPS, learning_rate=LEARNING_RATE, on_progress=on_progress)
    save_half(model, str(directory))
    processor.save_pretrained(str(directory))


def _processor() -> Wav2Vec2Processor:
    letters = sorted(set("".join(tone_words.WORDS)))
    symbols = ["<pad>", "<s>", "</s>", "<unk>", "|", *letters]
    with tempfile.TemporaryDirectory() as folder:
        vocabulary = Path(folder) / "vocab.json"
        vocabulary.write_text(json.dumps({symbol: i for i, symbol in enumerate(symbols)}))
        tokenizer = Wav2Vec2CTCTokenizer(
            str(vocabulary), unk_token="<unk>", pad_token="<pad>", word_delimiter_token="|"
        )
    extractor = Wav2Vec2FeatureExtractor(
        feature_size=1,
        sampling_rate=tone_words.SAMPLE_RATE_HZ,
        do_normalize=True,
        return_attention_mask=True,
    )
    return Wav2Vec2Processor(feature_extractor=extractor, tokenizer=tokenizer)


def _config(vocabulary_size: int) -> Wav2Vec2Config:
    return Wav2Vec2Config(
        vocab_size=vocabulary_size,
        hidden_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=192,
        conv_dim=(64, 64, 64),
        conv_stride=(8, 4, 3),
        conv_kernel=(32, 8, 5),
        conv_bias=True,
        num_feat_extract_layers=3,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=4,
        pad_token_id=0,
        # Layer norm and an attention mask make transcripts independent of padding.
        feat_extract_norm="layer",
        do_stable_layer_norm=True,
        ctc_loss_reduction="mean",
        ctc_zero_infinity=True,
        mask_time_prob=0.0,
        layerdrop=0.0,
        hidden_dropout=0.0,
        attention_dropout=0.0,
        feat_proj_dropout=0.0,
        final_dropout=0.0,
        activation_dropout=0.0,
    )


def _loss_of_step(
    model: Wav2Vec2ForCTC,
    processor: Wav2Vec2Processor,
    utterances: list[tuple[np.ndarray, str]],
    rng: np.random.Generator,
) -> Callable[[int], torch.Tensor]:
    def loss(step: int) -> torch.Tensor:
        chosen = [utterances[i] for i in rng.choice(len(utterances), BATCH, replace=False)]
        inputs = processor(
            audio=[waveform for waveform, _ in chosen],
            sampling_rate=tone_words.SAMPLE_RATE_HZ,
            padding=True,
            return_tensors="pt",
        )
        targets = processor.tokenizer(
            [text for _, text in chosen], padding=True, return_tensors="pt"
        )
        labels = targets.input_ids.masked_fill(targets.attention_mask == 0, -100)
        return model(**inputs, labels=labels).loss

    return loss
