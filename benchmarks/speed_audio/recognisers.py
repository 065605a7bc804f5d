"""What both sides are given: recognisers of realistic shape with random weights, and clips."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from scipy.signal import lfilter
from tokenizers import AddedToken, pre_tokenizers
from transformers import (
    Wav2Vec2Config,
    Wav2Vec2CTCTokenizer,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2ForCTC,
    Wav2Vec2Processor,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
    WhisperProcessor,
    WhisperTokenizer,
)
from transformers.models.whisper.tokenization_whisper import TO_LANGUAGE_CODE

RATE_HZ = 16_000
LETTERS = ["<pad>", "<s>", "</s>", "<unk>", "|", *"abcdefghijklmnopqrstuvwxyz'"]
# As long as the transcript of about twelve seconds.
LONGEST_TRANSCRIPT = 64


def prepare(folder: Path, models: list[str], n_clips: int) -> None:
    """Write the models and the clips."""
    for model in models:
        {"ctc": save_ctc, "whisper": save_whisper}[model](folder / model)
    np.savez(folder / "clips.npz", *synthesised(n_clips))


def synthesised(n_clips: int, seed: int = 0) -> list[np.ndarray]:
    """Clips of 1 to 12 s: noise through resonances that move, four a second, with pauses."""
    rng = np.random.default_rng(seed)
    found = []
    for seconds in rng.uniform(1, 12, n_clips):
        pieces = []
        for _ in range(int(seconds * 4)):
            noise = rng.standard_normal(RATE_HZ // 4)
            hertz = rng.uniform(300, 3000)
            poles = np.poly(0.97 * np.exp(2j * np.pi * hertz / RATE_HZ * np.array([1, -1])))
            piece = lfilter([1.0], poles.real, noise)
            pieces.append(piece / np.abs(piece).max() * rng.uniform(0.05, 0.5))
        found.append(np.concatenate(pieces).astype(np.float32))
    return found


def save_ctc(directory: Path) -> None:
    """wav2vec 2.0 with 12 layers 384 wide, with a mask and layer normalisation."""
    torch.manual_seed(0)
    config = Wav2Vec2Config(
        vocab_size=len(LETTERS),
        hidden_size=384,
        num_hidden_layers=12,
        num_attention_heads=6,
        intermediate_size=1536,
        feat_extract_norm="layer",
        do_stable_layer_norm=True,
        pad_token_id=0,
    )
    model = Wav2Vec2ForCTC(config)
    torch.nn.init.normal_(model.lm_head.weight)
    model.save_pretrained(directory)
    (directory / "letters.json").write_text(json.dumps({c: i for i, c in enumerate(LETTERS)}))
    tokenizer = Wav2Vec2CTCTokenizer(str(directory / "letters.json"))
    extractor = Wav2Vec2FeatureExtractor(sampling_rate=RATE_HZ, return_attention_mask=True)
    Wav2Vec2Processor(extractor, tokenizer).save_pretrained(directory)


def save_whisper(directory: Path) -> None:
    """The shape of whisper-tiny, with all of its 51,865 tokens."""
    torch.manual_seed(0)
    tokenizer = _tokenizer()
    ids = tokenizer.convert_tokens_to_ids
    ends = {f"{name}_token_id": ids("<|endoftext|>") for name in ("pad", "bos", "eos")}
    config = WhisperConfig(
        vocab_size=len(tokenizer),
        d_model=384,
        encoder_layers=4,
        decoder_layers=4,
        encoder_attention_heads=6,
        decoder_attention_heads=6,
        encoder_ffn_dim=1536,
        decoder_ffn_dim=1536,
        max_target_positions=LONGEST_TRANSCRIPT,
        decoder_start_token_id=ids("<|startoftranscript|>"),
        begin_suppress_tokens=None,
        suppress_tokens=None,
        **ends,
    )
    model = WhisperForConditionalGeneration(config)
    with torch.no_grad():  # so sharp that clips have transcripts of their own
        for name, weight in model.named_parameters():
            if weight.dim() > 1:
                sharpness = 20 if "encoder_attn" in name else 1.5
                weight.normal_(0, sharpness * weight[0].numel() ** -0.5)
    languages = {f"<|{code}|>": ids(f"<|{code}|>") for code in TO_LANGUAGE_CODE.values()}
    facts = {
        "is_multilingual": True,
        "lang_to_id": languages,
        "task_to_id": {task: ids(f"<|{task}|>") for task in ("translate", "transcribe")},
        "no_timestamps_token_id": ids("<|notimestamps|>"),
        "max_length": LONGEST_TRANSCRIPT,
        # Special tokens and times are for the decoder's beginning only.
        "suppress_tokens": list(range(ids("<|startoftranscript|>"), len(tokenizer))),
    }
    for name, value in facts.items():
        setattr(model.generation_config, name, value)
    model.generation_config._from_model_config = False
    model.save_pretrained(directory)
    WhisperProcessor(WhisperFeatureExtractor(), tokenizer).save_pretrained(directory)


def _tokenizer() -> WhisperTokenizer:
    signs = sorted(pre_tokenizers.ByteLevel.alphabet())
    pieces = [*signs, *(f"\u0120w{number}" for number in range(50_257 - len(signs)))]
    end = "<|endoftext|>"
    tokenizer = WhisperTokenizer(
        vocab={piece: index for index, piece in enumerate(pieces)},
        merges=[],
        **{f"{name}_token": end for name in ("unk", "bos", "eos", "pad")},
    )
    codes = dict.fromkeys(TO_LANGUAGE_CODE.values())
    special = ["<|startoftranscript|>", *(f"<|{code}|>" for code in codes)]
    names = ("translate", "transcribe", "startoflm", "startofprev", "nospeech", "notimestamps")
    special += [f"<|{name}|>" for name in names]
    tokenizer.add_special_tokens({"additional_special_tokens": special})
    times = [AddedToken(f"<|{i * 0.02:.2f}|>", special=False) for i in range(1501)]
    tokenizer.add_tokens(times)
    return tokenizer
