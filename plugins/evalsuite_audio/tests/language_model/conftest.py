"""Tiny real audio language models with random weights, loaded through the usual path."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import transformers
from tiny_audio_language_model import TEXT, qwen2_audio_parts, spectrogram, tokenizer_of

from evalsuite import Audio, LoadSettings
from evalsuite_audio.models.audio_text_to_text import Loader

WORDS = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{% for c in m['content'] %}"
    "{% if c['type'] == 'text' %}{{ c['text'] }}{% else %}MARK{% endif %}{% endfor %}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def saved(module: torch.nn.Module, processor: object, folder: object) -> str:
    """Large random weights, so that sounds and words make a difference; written to a folder."""
    torch.manual_seed(7)
    with torch.no_grad():
        for weight in module.parameters():
            if weight.ndim > 1:
                weight.normal_(0, 0.2)
    module.save_pretrained(folder)
    processor.save_pretrained(folder)  # type: ignore[attr-defined]
    return str(folder)


def qwen2_audio(folder: object) -> str:
    """A Qwen2-Audio that hears one second."""
    return saved(*qwen2_audio_parts(), folder)


def audio_flamingo_3(folder: object) -> str:
    """An Audio Flamingo 3 that hears up to four windows of one second."""
    tokens = tokenizer_of("<sound>")
    config = transformers.AudioFlamingo3Config(
        audio_config={
            "model_type": "audioflamingo3_encoder", "num_mel_bins": 16, "num_hidden_layers": 1,
            "num_attention_heads": 2, "intermediate_size": 64, "hidden_size": 32,
            "max_source_positions": 50,
        },
        text_config={**TEXT, "model_type": "qwen2", "vocab_size": len(tokens)},
        audio_token_id=tokens.convert_tokens_to_ids("<sound>"),
    )  # fmt: skip
    processor = transformers.AudioFlamingo3Processor(
        feature_extractor=spectrogram(), tokenizer=tokens, max_audio_len=4,
        chat_template=WORDS.replace("MARK", "<sound>"),
    )  # fmt: skip
    return saved(transformers.AudioFlamingo3ForConditionalGeneration(config), processor, folder)


def glm_asr(folder: object) -> str:
    """A GLM-ASR that hears up to two windows of two seconds, and has no chat template."""
    tokens = tokenizer_of("<|pad|>")
    config = transformers.GlmAsrConfig(
        audio_config={
            "model_type": "glmasr_encoder", "num_mel_bins": 16, "num_hidden_layers": 1,
            "num_attention_heads": 2, "intermediate_size": 128, "hidden_size": 32,
            "max_position_embeddings": 100,
        },
        text_config={**TEXT, "model_type": "llama", "vocab_size": len(tokens)},
        audio_token_id=tokens.convert_tokens_to_ids("<|pad|>"),
    )  # fmt: skip
    processor = transformers.GlmAsrProcessor(
        feature_extractor=spectrogram(2), tokenizer=tokens, max_audio_len=4
    )
    return saved(transformers.GlmAsrForConditionalGeneration(config), processor, folder)


def qwen_omni(folder: object) -> str:
    """The part of a Qwen2.5-Omni that reads images and clips and writes text."""
    tokens = tokenizer_of(
        "<|vision_bos|>", "<|vision_eos|>", "<|IMAGE|>", "<|VIDEO|>", "<|AUDIO|>",
        "<|audio_bos|>", "<|audio_eos|>", image_token="<|IMAGE|>", video_token="<|VIDEO|>",
        audio_token="<|AUDIO|>", vision_bos_token="<|vision_bos|>",
        vision_eos_token="<|vision_eos|>", audio_bos_token="<|audio_bos|>",
        audio_eos_token="<|audio_eos|>",
    )  # fmt: skip
    find = tokens.convert_tokens_to_ids
    rope = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3]}
    config = transformers.Qwen2_5OmniThinkerConfig(
        audio_config={
            "num_mel_bins": 16, "encoder_layers": 1, "encoder_attention_heads": 2,
            "encoder_ffn_dim": 64, "d_model": 32, "max_source_positions": 50, "n_window": 25,
            "output_dim": 32,
        },
        vision_config={
            "depth": 2, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2,
            "patch_size": 8, "spatial_merge_size": 2, "temporal_patch_size": 2,
            "window_size": 32, "out_hidden_size": 32, "fullatt_block_indexes": [1],
        },
        text_config={**TEXT, "vocab_size": len(tokens), "rope_parameters": rope},
        audio_token_index=find("<|AUDIO|>"),
        image_token_index=find("<|IMAGE|>"),
        video_token_index=find("<|VIDEO|>"),
        audio_start_token_id=find("<|audio_bos|>"),
        audio_end_token_id=find("<|audio_eos|>"),
        vision_start_token_id=find("<|vision_bos|>"),
        vision_end_token_id=find("<|vision_eos|>"),
    )  # fmt: skip
    sizes = {"patch_size": 8, "merge_size": 2, "temporal_patch_size": 2}
    words = WORDS.replace(
        "MARK",
        "{% if c['type'] == 'audio' %}<|audio_bos|><|AUDIO|><|audio_eos|>"
        "{% else %}<|vision_bos|><|IMAGE|><|vision_eos|>{% endif %}",
    )
    processor = transformers.Qwen2_5OmniProcessor(
        image_processor=transformers.Qwen2VLImageProcessor(
            **sizes, min_pixels=32 * 32, max_pixels=64 * 64
        ),
        video_processor=transformers.Qwen2VLVideoProcessor(**sizes),
        feature_extractor=spectrogram(),
        tokenizer=tokens,
        chat_template=words,
    )
    module = transformers.Qwen2_5OmniThinkerForConditionalGeneration(config)
    return saved(module, processor, folder)


BUILDERS = {
    "qwen2-audio": qwen2_audio,
    "audio-flamingo-3": audio_flamingo_3,
    "glm-asr": glm_asr,
}


def load(folder: str, **options: object):
    """The model in a folder, through our loader."""
    return Loader().load(folder, LoadSettings(device="cpu", threads=1, options=options))


@pytest.fixture(name="load", scope="session")
def load_fixture():
    """Loads the model in a folder, with model options."""
    return load


@pytest.fixture(scope="session")
def builders():
    """What writes each kind of model into a folder."""
    return BUILDERS


@pytest.fixture(name="qwen_omni", scope="session")
def qwen_omni_fixture():
    """What writes a model that sees and hears into a folder."""
    return qwen_omni


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The folder of each kind of model."""
    return {name: make(tmp_path_factory.mktemp(name)) for name, make in BUILDERS.items()}


@pytest.fixture(scope="session")
def loaded(checkpoints: dict[str, str]) -> dict[str, object]:
    """Each kind of model, loaded once."""
    return {name: load(folder) for name, folder in checkpoints.items()}


@pytest.fixture(params=sorted(BUILDERS))
def kind(request: pytest.FixtureRequest) -> str:
    """The name of each kind of model in turn."""
    return str(request.param)


@pytest.fixture(scope="session")
def clips() -> list[Audio]:
    """Six different clips, of several lengths and sample rates."""
    draw = np.random.default_rng(5)
    lengths = [
        (0.9, 16_000),
        (0.35, 16_000),
        (0.6, 8_000),
        (0.9, 44_100),
        (0.21, 16_000),
        (1, 16_000),
    ]
    made = []
    for number, (seconds, rate_hz) in enumerate(lengths):
        time_s = np.arange(int(seconds * rate_hz)) / rate_hz
        tone = 0.3 * np.sin(2 * np.pi * (300 + 200 * number) * time_s)
        noise = draw.normal(0, 0.05, len(time_s))
        made.append(Audio.from_array((tone + noise).astype(np.float32), rate_hz))
    return made
