"""A tiny real audio language model, a Qwen2-Audio with random weights, and what such models share."""

from __future__ import annotations

import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from tokenizers.trainers import BpeTrainer
from transformers import PreTrainedTokenizerFast

RATE_HZ = 16_000
CORPUS = [
    "what sound is this ? it is a dog , not a bell",
    "which of these two clips holds a voice ? the first one does",
    "answer with yes or no : does it rain in this recording ?",
]
TEXT = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 256,
        "bos_token_id": 0, "eos_token_id": 2, "pad_token_id": 0}  # fmt: skip
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


def tokenizer_of(*further: str, **named: str) -> PreTrainedTokenizerFast:
    """Byte-level BPE without a start token, as Qwen's."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(
        vocab_size=360,
        special_tokens=[*SPECIAL, *further],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    backend.train_from_iterator(CORPUS, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        extra_special_tokens=named,
    )


def spectrogram(seconds: int = 1) -> transformers.WhisperFeatureExtractor:
    """Sixteen mel bands, windows of so many seconds."""
    return transformers.WhisperFeatureExtractor(
        feature_size=16, sampling_rate=RATE_HZ, hop_length=160, chunk_length=seconds, n_fft=400,
        return_attention_mask=True,
    )  # fmt: skip


def qwen2_audio_parts() -> tuple[
    transformers.Qwen2AudioForConditionalGeneration, transformers.Qwen2AudioProcessor
]:
    """Model and processor that hear one second, 25 tokens; the processor's own chat template."""
    tokens = tokenizer_of(
        "<|AUDIO|>", "<|audio_bos|>", "<|audio_eos|>", audio_token="<|AUDIO|>",
        audio_bos_token="<|audio_bos|>", audio_eos_token="<|audio_eos|>",
    )  # fmt: skip
    config = transformers.Qwen2AudioConfig(
        audio_config={
            "model_type": "qwen2_audio_encoder", "num_mel_bins": 16, "encoder_layers": 1,
            "encoder_attention_heads": 2, "encoder_ffn_dim": 64, "d_model": 32,
            "max_source_positions": 50,
        },
        text_config={**TEXT, "model_type": "qwen2", "vocab_size": len(tokens)},
        audio_token_index=tokens.convert_tokens_to_ids("<|AUDIO|>"),
    )  # fmt: skip
    processor = transformers.Qwen2AudioProcessor(feature_extractor=spectrogram(), tokenizer=tokens)
    return transformers.Qwen2AudioForConditionalGeneration(config), processor
