"""Tiny real models with random weights, saved once and loaded through the path of any other."""

from __future__ import annotations

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import pytest
import torch
import transformers
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from tokenizers.trainers import BpeTrainer, WordLevelTrainer, WordPieceTrainer
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertForSequenceClassification,
    DistilBertConfig,
    DistilBertForMaskedLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForMaskedLM,
)

from evalsuite import LoadSettings
from evalsuite_text.models import causal, classifier

CORPUS = [
    "the old house at the river is warm and the garden is green",
    "a small dog runs to the market , and a cat sleeps in the garden",
    "Zürich is a city ; Paris is the capital of France . where is Rome ?",
    "she said that he was a good friend of mine and of yours",
]
SPECIAL = ["<pad>", "<sot>", "<unk>", "<eot>"]
SETTINGS = LoadSettings(device="cpu", threads=1)


def byte_level_tokenizer() -> PreTrainedTokenizerFast:
    """GPT-2's kind: any text, one token that is start, end and unknown, no post-processor."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = BpeTrainer(
        vocab_size=340,
        special_tokens=["<|end|>"],
        initial_alphabet=sorted(alphabet),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<|end|>", eos_token="<|end|>", unk_token="<|end|>"
    )


def word_level_tokenizer() -> PreTrainedTokenizerFast:
    """Whole words, and a post-processor that writes a start and an end token."""
    tokenizer = Tokenizer(models.WordLevel(unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Split(
        Regex(r"<\w+>|\w+|[^\w\s]"), behavior="removed", invert=True
    )
    tokenizer.train_from_iterator(CORPUS, WordLevelTrainer(special_tokens=SPECIAL))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<sot> $A <eot>", special_tokens=[("<sot>", 1), ("<eot>", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<sot>",
        unk_token="<unk>",
        eos_token="<eot>",
    )


def word_piece_tokenizer() -> PreTrainedTokenizerFast:
    """BERT's kind."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(CORPUS, WordPieceTrainer(vocab_size=120, special_tokens=special))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )


def byte_level_with_marks() -> PreTrainedTokenizerFast:
    """RoBERTa's kind: byte-level tokens between <s> and </s>, and a mask token."""
    tokenizer = byte_level_tokenizer()
    tokenizer.add_special_tokens(
        {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "mask_token": "<mask>"}
    )
    begin, end = tokenizer.bos_token_id, tokenizer.eos_token_id
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", begin), ("</s>", end)]
    )
    tokenizer.model_input_names = ["input_ids", "attention_mask"]
    return tokenizer


def save(directory, model, tokenizer) -> str:
    """Write a checkpoint as its author would."""
    model.save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    return str(directory)


@pytest.fixture(scope="session")
def cpu() -> LoadSettings:
    return SETTINGS


@pytest.fixture(scope="session")
def save_checkpoint():
    return save


@pytest.fixture(scope="session")
def word_level():
    return word_level_tokenizer


@pytest.fixture(scope="session")
def byte_level():
    return byte_level_tokenizer


@pytest.fixture(scope="session")
def word_piece():
    return word_piece_tokenizer


@pytest.fixture(scope="session")
def gpt2_directory(tmp_path_factory) -> str:
    torch.manual_seed(0)
    tokenizer = byte_level_tokenizer()
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_positions=32,
        n_embd=32,
        n_layer=2,
        n_head=2,
        bos_token_id=0,
        eos_token_id=0,
        initializer_range=0.2,
    )
    return save(tmp_path_factory.mktemp("gpt2"), GPT2LMHeadModel(config), tokenizer)


@pytest.fixture(scope="session")
def llama_directory(tmp_path_factory) -> str:
    torch.manual_seed(1)
    tokenizer = word_level_tokenizer()
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=32,
        bos_token_id=1,
        eos_token_id=3,
        pad_token_id=0,
        initializer_range=0.2,
    )
    return save(tmp_path_factory.mktemp("llama"), LlamaForCausalLM(config), tokenizer)


@pytest.fixture(scope="session")
def bert_directory(tmp_path_factory) -> str:
    torch.manual_seed(2)
    tokenizer = word_piece_tokenizer()
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=24,
        pad_token_id=0,
        initializer_range=0.2,
        id2label={0: "negative", 1: "neutral", 2: "positive"},
        label2id={"negative": 0, "neutral": 1, "positive": 2},
    )
    return save(tmp_path_factory.mktemp("bert"), BertForSequenceClassification(config), tokenizer)


@pytest.fixture(scope="session")
def masked_folders(tmp_path_factory) -> dict[str, str]:
    """A masked language model of each kind."""
    torch.manual_seed(3)
    pieces, letters = word_piece_tokenizer(), byte_level_with_marks()
    common = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
              "intermediate_size": 64, "initializer_range": 0.2}  # fmt: skip
    pad = letters.pad_token_id
    models = {
        "bert": (pieces, BertForMaskedLM(BertConfig(
            vocab_size=len(pieces), max_position_embeddings=24, pad_token_id=0, **common))),
        "roberta": (letters, RobertaForMaskedLM(RobertaConfig(
            vocab_size=len(letters), max_position_embeddings=24 + pad + 1, pad_token_id=pad,
            bos_token_id=letters.bos_token_id, eos_token_id=letters.eos_token_id, **common))),
        "distilbert": (pieces, DistilBertForMaskedLM(DistilBertConfig(
            vocab_size=len(pieces), max_position_embeddings=24, dim=32, n_layers=2, n_heads=2,
            hidden_dim=64, pad_token_id=0, initializer_range=0.2))),
    }  # fmt: skip
    return {
        name: save(tmp_path_factory.mktemp(name), model, tokenizer)
        for name, (tokenizer, model) in models.items()
    }


@pytest.fixture(scope="session")
def gpt2(gpt2_directory):
    return causal.Loader().load(gpt2_directory, SETTINGS)


@pytest.fixture(scope="session")
def llama(llama_directory):
    return causal.Loader().load(llama_directory, SETTINGS)


@pytest.fixture(scope="session")
def bert(bert_directory):
    return classifier.Loader().load(bert_directory, SETTINGS)


@pytest.fixture(scope="session", params=["gpt2", "llama"])
def language_model(request):
    return request.getfixturevalue(request.param)


def tiny_decoder(name: str, **changes):
    """A causal model with two layers, and weights large enough that a wrong mask shows."""
    settings = {
        "vocab_size": 97,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "max_position_embeddings": 128,
        "pad_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "initializer_range": 0.3,
    }
    torch.manual_seed(0)
    config = getattr(transformers, f"{name}Config")(**{**settings, **changes})
    return transformers.AutoModelForCausalLM.from_config(config).eval()


@pytest.fixture(scope="session")
def tiny():
    return tiny_decoder
