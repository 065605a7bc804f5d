"""Tiny real generative image-text models with random weights, loaded through the usual path."""

from __future__ import annotations

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np
import pytest
import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from tokenizers.trainers import BpeTrainer
from transformers import PreTrainedTokenizerFast

from evalsuite import Image, LoadSettings
from evalsuite_vision.models.image_text_to_text import Loader

CORPUS = [
    "what is the colour of the shape on the left ? it is red , not blue",
    "which of these two pictures shows a circle ? the first one does",
    "answer with yes or no : is there a green square in the middle ?",
]
TEXT = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 2, "num_key_value_heads": 1}  # fmt: skip
TOWER = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
         "num_attention_heads": 2, "image_size": 32, "patch_size": 8}  # fmt: skip


def tokenizer_of(special: list[str], start: str | None, end: str, pad: str, **named: str):
    """Byte-level BPE that writes the start token itself, as Llama's does, where there is one."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = BpeTrainer(
        vocab_size=360, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    backend.train_from_iterator(CORPUS, trainer)
    if start:
        pair = (start, backend.token_to_id(start))
        backend.post_processor = processors.TemplateProcessing(
            single=f"{start} $A", pair=f"{start} $A $B", special_tokens=[pair]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token=start,
        eos_token=end,
        pad_token=pad,
        extra_special_tokens=named,
    )


def saved(module: torch.nn.Module, processor: object, folder: object) -> str:
    """Large random weights, so that pictures and words make a difference; written to a folder."""
    torch.manual_seed(7)
    with torch.no_grad():
        for weight in module.parameters():
            if weight.ndim > 1:
                weight.normal_(0, 0.2)
    module.save_pretrained(folder)
    processor.save_pretrained(folder)  # type: ignore[attr-defined]
    return str(folder)


def llava(folder: object, template: bool = True) -> str:
    """A LLaVA: CLIP's tower, 16 tokens for each picture, a Llama."""
    tokens = tokenizer_of(
        ["<pad>", "<s>", "</s>", "<image>"], "<s>", "</s>", "<pad>", image_token="<image>"
    )
    config = transformers.LlavaConfig(
        vision_config=transformers.CLIPVisionConfig(**TOWER, projection_dim=32),
        text_config=transformers.LlamaConfig(
            **TEXT, vocab_size=len(tokens), max_position_embeddings=256, bos_token_id=1,
            eos_token_id=2, pad_token_id=0,
        ),
        image_token_index=3,
        vision_feature_layer=-2,
        vision_feature_select_strategy="default",
    )  # fmt: skip
    words = (
        "{% for m in messages %}{{ m['role'] }}: {% for c in m['content'] %}"
        "{% if c['type'] == 'image' %}<image>\n{% else %}{{ c['text'] }}{% endif %}{% endfor %}"
        "{{ '\\n' }}{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}"
    )
    processor = transformers.LlavaProcessor(
        image_processor=transformers.CLIPImageProcessor(
            size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}
        ),
        tokenizer=tokens,
        patch_size=8,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=words if template else None,
    )
    return saved(transformers.LlavaForConditionalGeneration(config), processor, folder)


def idefics3(folder: object, splits: bool = True) -> str:
    """An Idefics3 that cuts pictures larger than 32 pixels into tiles, 4 tokens for each."""
    places = [f"<row_{r}_col_{c}>" for r in (1, 2) for c in (1, 2)]
    special = ["<pad>", "<s>", "<end_of_utterance>", "<image>", "<fake_token_around_image>"]
    tokens = tokenizer_of(
        [*special, "<global-img>", *places], "<s>", "<end_of_utterance>", "<pad>",
        image_token="<image>", fake_image_token="<fake_token_around_image>",
        global_image_token="<global-img>",
    )  # fmt: skip
    config = transformers.Idefics3Config(
        vision_config=TOWER,
        text_config={
            **TEXT, "model_type": "llama", "vocab_size": len(tokens),
            "max_position_embeddings": 256, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0,
        },
        scale_factor=2,
        image_token_id=tokens.convert_tokens_to_ids("<image>"),
        pad_token_id=0,
    )  # fmt: skip
    words = (
        "{% for m in messages %}{{ m['role'] }}:{% for c in m['content'] %}"
        "{% if c['type'] == 'image' %}<image>{% else %}{{ c['text'] }}{% endif %}{% endfor %}"
        "<end_of_utterance>\n{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}"
    )
    processor = transformers.Idefics3Processor(
        image_processor=transformers.Idefics3ImageProcessor(
            size={"longest_edge": 64 if splits else 32},
            max_image_size={"longest_edge": 32},
            do_image_splitting=splits,
        ),
        tokenizer=tokens,
        image_seq_len=4,
        chat_template=words,
    )
    return saved(transformers.Idefics3ForConditionalGeneration(config), processor, folder)


def qwen2_vl(folder: object, template: bool = True) -> str:
    """A Qwen2-VL: as many tokens as a picture has room for, positions in three dimensions."""
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>"]
    tokens = tokenizer_of(
        [*special, "<|image_pad|>", "<|video_pad|>"], None, "<|im_end|>", "<|endoftext|>",
        image_token="<|image_pad|>", video_token="<|video_pad|>",
    )  # fmt: skip
    find = tokens.convert_tokens_to_ids
    config = transformers.Qwen2VLConfig(
        text_config={
            **TEXT, "vocab_size": len(tokens), "max_position_embeddings": 256, "bos_token_id": 0,
            "eos_token_id": 2, "pad_token_id": 0,
            "rope_parameters": {
                "rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3],
            },
        },
        vision_config={
            "depth": 2, "embed_dim": 32, "hidden_size": 32, "num_heads": 2, "patch_size": 8,
            "spatial_merge_size": 2, "mlp_ratio": 2, "temporal_patch_size": 2,
        },
        image_token_id=find("<|image_pad|>"),
        video_token_id=find("<|video_pad|>"),
        vision_start_token_id=find("<|vision_start|>"),
        vision_end_token_id=find("<|vision_end|>"),
    )  # fmt: skip
    words = (
        "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{% for c in m['content'] %}"
        "{% if c['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
        "{% else %}{{ c['text'] }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    sizes = {"patch_size": 8, "merge_size": 2, "temporal_patch_size": 2}
    processor = transformers.Qwen2VLProcessor(
        image_processor=transformers.Qwen2VLImageProcessor(
            **sizes, min_pixels=32 * 32, max_pixels=64 * 64
        ),
        tokenizer=tokens,
        video_processor=transformers.Qwen2VLVideoProcessor(**sizes),
        chat_template=words if template else None,
    )
    return saved(transformers.Qwen2VLForConditionalGeneration(config), processor, folder)


def qwen3_vl(folder: object) -> str:
    """A Qwen3-VL: features of its tower's inner layers go into the language model's (deepstack)."""
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>"]
    tokens = tokenizer_of(
        [*special, "<|image_pad|>", "<|video_pad|>"], None, "<|im_end|>", "<|endoftext|>",
        image_token="<|image_pad|>", video_token="<|video_pad|>",
        vision_start_token="<|vision_start|>", vision_end_token="<|vision_end|>",
    )  # fmt: skip
    find = tokens.convert_tokens_to_ids
    config = transformers.Qwen3VLConfig(
        text_config={
            **TEXT, "num_hidden_layers": 3, "head_dim": 16, "vocab_size": len(tokens),
            "max_position_embeddings": 256, "pad_token_id": 0, "bos_token_id": 0,
            "eos_token_id": 2, "rope_parameters": {
                "rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3],
                "mrope_interleaved": True,
            },
        },
        vision_config={
            "depth": 3, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2,
            "patch_size": 8, "spatial_merge_size": 2, "temporal_patch_size": 2,
            "out_hidden_size": 32, "num_position_embeddings": 64,
            "deepstack_visual_indexes": [0, 1],
        },
        image_token_id=find("<|image_pad|>"),
        video_token_id=find("<|video_pad|>"),
        vision_start_token_id=find("<|vision_start|>"),
        vision_end_token_id=find("<|vision_end|>"),
    )  # fmt: skip
    sizes = {"patch_size": 8, "merge_size": 2, "temporal_patch_size": 2}
    processor = transformers.Qwen3VLProcessor(
        image_processor=transformers.Qwen2VLImageProcessor(
            **sizes, min_pixels=32 * 32, max_pixels=64 * 64
        ),
        tokenizer=tokens,
        video_processor=transformers.Qwen3VLVideoProcessor(**sizes),
    )
    return saved(transformers.Qwen3VLForConditionalGeneration(config), processor, folder)


def gemma3(folder: object) -> str:
    """A Gemma 3: an image's tokens see each other in both directions, and a sliding window."""
    tokens = tokenizer_of(
        ["<pad>", "<bos>", "<eos>", "<img>", "<boi>", "<eoi>"], "<bos>", "<eos>", "<pad>",
        image_token="<img>", boi_token="<boi>", eoi_token="<eoi>",
    )  # fmt: skip
    find = tokens.convert_tokens_to_ids
    config = transformers.Gemma3Config(
        text_config={
            **TEXT, "head_dim": 16, "vocab_size": len(tokens), "max_position_embeddings": 256,
            "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "sliding_window": 16,
            "layer_types": ["sliding_attention", "full_attention"],
        },
        vision_config={**TOWER, "vision_use_head": False},
        mm_tokens_per_image=4,
        image_token_index=find("<img>"),
        boi_token_index=find("<boi>"),
        eoi_token_index=find("<eoi>"),
    )  # fmt: skip
    processor = transformers.Gemma3Processor(
        image_processor=transformers.Gemma3ImageProcessor(size={"height": 32, "width": 32}),
        tokenizer=tokens,
        image_seq_length=4,
    )
    return saved(transformers.Gemma3ForConditionalGeneration(config), processor, folder)


BUILDERS = {"llava": llava, "idefics3": idefics3, "qwen2-vl": qwen2_vl}


def load(folder: str, **options: object):
    """The model in a folder, through our loader."""
    return Loader().load(folder, LoadSettings(device="cpu", threads=1, options=options))


FALLING_BACK = {"qwen3-vl": qwen3_vl, "gemma3": gemma3}


@pytest.fixture(scope="session", params=sorted(FALLING_BACK))
def falling_back(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    """Models whose reading of images ``inputs_embeds`` cannot carry, in turn."""
    return load(FALLING_BACK[request.param](tmp_path_factory.mktemp(request.param)))


@pytest.fixture(name="load", scope="session")
def load_fixture():
    """Loads the model in a folder, with model options."""
    return load


@pytest.fixture(scope="session")
def builders():
    """What writes each kind of model into a folder."""
    return BUILDERS


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
def pictures() -> list[Image]:
    """Six different pictures of three shapes."""
    draw = np.random.default_rng(5)
    sizes = [(32, 32), (48, 32), (40, 64), (32, 32), (64, 64), (48, 32)]
    return [Image.from_array(draw.integers(0, 255, (*size, 3), np.uint8)) for size in sizes]
