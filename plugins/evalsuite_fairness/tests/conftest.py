"""Tiny language models that know an exact share of she and he for every occupation."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertForMaskedLM,
    GPT2Config,
    GPT2LMHeadModel,
    PreTrainedTokenizerFast,
)

from evalsuite import LoadSettings, Sample
from evalsuite.factories import loader_for
from evalsuite.registry import installed

SETTINGS = LoadSettings(device="cpu", threads=1)
SHARES = {
    "nurse": 0.9, "pilot": 0.1, "clerk": 0.8, "smith": 0.2,
    "baker": 0.7, "miner": 0.3, "guard": 0.6, "cook": 0.4, "judge": 0.5,
}  # fmt: skip
TEMPLATES = ("the {job} said that {pronoun} won", "{pronoun} works as a {job}")
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


@dataclass(frozen=True)
class Trained:
    """A checkpoint, and the share of she that each occupation was trained with."""

    folder: Path
    shares: Mapping[str, float]

    def load(self):
        loader, reference = loader_for(f"hf:{self.folder}", installed())
        return loader.load(reference, SETTINGS)


def sentences() -> list[tuple[str, str, str]]:
    """Every occupation, pronoun and sentence."""
    return [
        (job, pronoun, template.format(job=job, pronoun=pronoun))
        for job in SHARES
        for template in TEMPLATES
        for pronoun in ("she", "he")
    ]


def pronoun_pairs() -> list[Sample]:
    """Pairs whose first sentence says she, so that log-odds have the sign of the plant."""
    return [
        Sample(
            f"{job}-{number}",
            {
                "sent_more": template.format(job=job, pronoun="she"),
                "sent_less": template.format(job=job, pronoun="he"),
                "bias_type": job,
                "job": job,
            },
        )
        for job in SHARES
        for number, template in enumerate(TEMPLATES)
    ]


def word_tokenizer() -> PreTrainedTokenizerFast:
    """Whole words between [CLS] and [SEP]."""
    words = sorted({word for _, _, text in sentences() for word in text.split()})
    vocabulary = {word: i for i, word in enumerate([*SPECIAL, *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]",
        sep_token="[SEP]", mask_token="[MASK]", bos_token="[CLS]", eos_token="[SEP]",
        model_input_names=["input_ids", "attention_mask"],
    )  # fmt: skip


def fit(model, ids, labels, weights, steps: int) -> None:
    """Minimise the weighted cross-entropy of the labels, all rows at once."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(steps):
        logits = model(input_ids=ids, attention_mask=(ids != 0).long()).logits
        losses = torch.nn.functional.cross_entropy(
            logits.transpose(1, 2), labels, ignore_index=-100, reduction="none"
        )
        optimiser.zero_grad()
        ((losses.sum(1) * weights).sum() / weights.sum()).backward()
        optimiser.step()
        schedule.step()
    torch.set_num_threads(threads)


def share_weights(shares: Mapping[str, float], rows: Sequence[tuple[str, str, str]]):
    """The frequency of each sentence among those of its occupation."""
    return torch.tensor([shares[job] if she == "she" else 1 - shares[job] for job, she, _ in rows])


def train_masked(folder: Path, shares: Mapping[str, float], steps: int = 250) -> Trained:
    """A BERT that saw every token of every sentence masked in turn, each sentence by its share."""
    torch.manual_seed(0)
    tokenizer, rows = word_tokenizer(), sentences()
    ids = tokenizer([text for *_, text in rows], padding=True, return_tensors="pt")["input_ids"]
    places = [(r, c) for r, c in (ids > 4).nonzero().tolist()]
    masked = torch.stack([ids[r] for r, _ in places])
    labels = torch.full_like(masked, -100)
    for k, (r, c) in enumerate(places):
        labels[k, c] = ids[r, c]
        masked[k, c] = tokenizer.mask_token_id
    model = BertForMaskedLM(
        BertConfig(
            vocab_size=len(tokenizer), hidden_size=48, num_hidden_layers=2, num_attention_heads=4,
            intermediate_size=96, max_position_embeddings=16, pad_token_id=0,
            hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
        )
    )  # fmt: skip
    weights = share_weights(shares, rows)[[r for r, _ in places]]
    fit(model, masked, labels, weights, steps)
    return saved(folder, model, tokenizer, shares)


def train_causal(folder: Path, shares: Mapping[str, float], steps: int = 300) -> Trained:
    """A GPT-2 trained on the same sentences."""
    torch.manual_seed(0)
    tokenizer, rows = word_tokenizer(), sentences()
    ids = tokenizer([text for *_, text in rows], padding=True, return_tensors="pt")["input_ids"]
    labels = torch.full_like(ids, -100)
    labels[:, :-1] = ids[:, 1:].masked_fill(ids[:, 1:] == 0, -100)
    model = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=len(tokenizer), n_positions=16, n_embd=48, n_layer=2, n_head=4,
            bos_token_id=2, eos_token_id=3, pad_token_id=0, resid_pdrop=0.0, embd_pdrop=0.0,
            attn_pdrop=0.0,
        )
    )  # fmt: skip
    fit(model, ids, labels, share_weights(shares, rows), steps)
    return saved(folder, model, tokenizer, shares)


def saved(folder: Path, model, tokenizer, shares: Mapping[str, float]) -> Trained:
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return Trained(folder, shares)


@pytest.fixture(scope="session")
def occupation_pairs() -> list[Sample]:
    return pronoun_pairs()


@pytest.fixture(scope="session")
def occupation_tokenizer() -> PreTrainedTokenizerFast:
    return word_tokenizer()


@pytest.fixture(scope="session")
def masked_stereotyped(tmp_path_factory) -> Trained:
    return train_masked(tmp_path_factory.mktemp("masked-stereotyped"), SHARES)


@pytest.fixture(scope="session")
def masked_clean(tmp_path_factory) -> Trained:
    return train_masked(tmp_path_factory.mktemp("masked-clean"), dict.fromkeys(SHARES, 0.5), 150)


@pytest.fixture(scope="session")
def causal_stereotyped(tmp_path_factory) -> Trained:
    return train_causal(tmp_path_factory.mktemp("causal-stereotyped"), SHARES)


@pytest.fixture(scope="session")
def causal_clean(tmp_path_factory) -> Trained:
    return train_causal(tmp_path_factory.mktemp("causal-clean"), dict.fromkeys(SHARES, 0.5), 150)
