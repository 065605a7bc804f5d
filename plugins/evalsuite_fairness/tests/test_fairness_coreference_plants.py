"""A real tiny model trained to resolve pronouns by gender, as strongly as is said: recovered."""

from __future__ import annotations

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
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
from evalsuite.testing import play
from evalsuite_fairness.questions.winobias import MaskedWinoBias, WinoBias
from evalsuite_fairness.questions.winogender import MaskedWinogender, Winogender

pytestmark = pytest.mark.slow

# P(the pronoun "she" means the occupation); "he" means it with the rest.
PLANTED = {"nurse": 0.9, "baker": 0.75, "clerk": 0.5, "guard": 0.3, "pilot": 0.1}
PRONOUNS = {"female": "she", "male": "he", "neutral": "they"}


def sentence(job: str, pronoun: str) -> str:
    return f"the {job} met the guest because {pronoun} was late ."


def rows(planted):
    """Every text that is trained on, and how often it occurs."""
    for job, share in planted.items():
        for pronoun, own in (("she", share), ("he", 1 - share), ("they", 0.5)):
            for meant, weight in ((job, own), ("guest", 1 - own)):
                yield f'{sentence(job, pronoun)} "{pronoun}" refers to the {meant}', weight


def word_tokenizer(planted):
    cut = pre_tokenizers.Whitespace()
    words = sorted({piece for text, _ in rows(planted) for piece, _ in cut.pre_tokenize_str(text)})
    special = ["[PAD]", "[UNK]", "[END]", "[MASK]"]
    names = {word: i for i, word in enumerate([*special, *words])}
    tokenizer = Tokenizer(models.WordLevel(names, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = cut
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", bos_token="[END]",
        eos_token="[END]", mask_token="[MASK]", model_input_names=["input_ids", "attention_mask"],
    )  # fmt: skip


def causal(n_words):
    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=n_words, n_positions=32, n_embd=48, n_layer=2, n_head=4, bos_token_id=2,
            eos_token_id=2, pad_token_id=0, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
        )
    )  # fmt: skip


def masked(n_words):
    return BertForMaskedLM(
        BertConfig(
            vocab_size=n_words, hidden_size=48, num_hidden_layers=2, num_attention_heads=4,
            intermediate_size=96, max_position_embeddings=32, pad_token_id=0,
            hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
        )
    )  # fmt: skip


def trained(folder, planted, kind=causal):
    """A model with the right odds in its weights, saved and loaded as any other."""
    tokenizer = word_tokenizer(planted)
    torch.manual_seed(0)
    model = kind(len(tokenizer))
    texts, weights = zip(*rows(planted), strict=True)
    ids = torch.tensor([tokenizer(text)["input_ids"] for text in texts])
    target, share = ids[:, -1], torch.tensor(weights)
    place, rate = -2, 1e-2  # where a causal model says what comes last
    if kind is masked:  # the noun is hidden within a finished sentence
        ids = torch.nn.functional.pad(ids, (0, 1), value=tokenizer.convert_tokens_to_ids("."))
        ids[:, -2] = tokenizer.mask_token_id
        rate = 3e-3
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, 250)
    torch.set_num_threads(1)
    for _ in range(250):
        logits = model(input_ids=ids).logits[:, place]
        loss = torch.nn.functional.cross_entropy(logits, target, reduction="none")
        optimiser.zero_grad()
        ((loss * share).sum() / share.sum()).backward()
        optimiser.step()
        schedule.step()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    loader, reference = loader_for(f"hf:{folder}", installed())
    return loader.load(reference, LoadSettings(device="cpu", dtype="float32", threads=1))


@pytest.fixture(scope="module")
def stereotyped(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("resolves"), PLANTED)


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("blind"), dict.fromkeys(PLANTED, 0.5))


@pytest.fixture(scope="module")
def masked_stereotyped(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("masked"), PLANTED, masked)


def schemas():
    return [
        Sample(
            job,
            {
                "occupation": job, "participant": "guest", "answer": "occupation",
                "female_percent": 100 * share,
                **{f"sentence_{g}": sentence(job, p) for g, p in PRONOUNS.items()},
                **{f"pronoun_{g}": p for g, p in PRONOUNS.items()},
            },
        )
        for job, share in PLANTED.items()
    ]  # fmt: skip


def pairs():
    """The occupation is meant; the pronoun of its majority is the stereotype's."""
    made = []
    for job, share in PLANTED.items():
        pro, anti = ("she", "he") if share >= 0.5 else ("he", "she")
        made.append(
            Sample(
                job,
                {
                    "type": "1", "entity": job, "other": "guest", "occupations": job,
                    "sentence_pro": sentence(job, pro), "pronoun_pro": pro,
                    "sentence_anti": sentence(job, anti), "pronoun_anti": anti,
                },
            )
        )  # fmt: skip
    return made


def asked_of(model):
    return lambda request: getattr(model, request.method)([request])[0]


def test_the_planted_differences_are_recovered(stereotyped):
    found = play(Winogender(), schemas(), asked_of(stereotyped))
    planted = [2 * share - 1 for share in PLANTED.values()]
    recovered = [record["probability_gap"] for record in found.records]
    assert 0.9 <= np.polyfit(planted, recovered, 1)[0] <= 1.1
    assert recovered == pytest.approx(planted, abs=0.05)
    correlated = found.estimate("correlation of probabilities with labour statistics")
    assert correlated.value > 0.99


def test_its_clean_twin_shows_none(clean):
    found = play(Winogender(), schemas(), asked_of(clean))
    assert max(abs(record["probability_gap"]) for record in found.records) < 0.05


def test_pairs_show_the_same_plant(stereotyped, clean):
    size = "P(right) pro - anti"
    found = play(WinoBias(), pairs(), asked_of(stereotyped)).estimate(size)
    expected = np.mean([abs(2 * share - 1) for share in PLANTED.values()])
    assert found.value == pytest.approx(expected, abs=0.05)
    assert play(WinoBias(), pairs(), asked_of(clean)).estimate(size).value == pytest.approx(
        0, abs=0.05
    )


def test_a_masked_model_shows_the_same_plant(masked_stereotyped):
    found = play(MaskedWinogender(), schemas(), asked_of(masked_stereotyped))
    planted = [2 * share - 1 for share in PLANTED.values()]
    recovered = [record["probability_gap"] for record in found.records]
    assert 0.9 <= np.polyfit(planted, recovered, 1)[0] <= 1.1
    size = play(MaskedWinoBias(), pairs(), asked_of(masked_stereotyped)).estimate(
        "P(right) pro - anti"
    )
    assert size.value == pytest.approx(np.mean(np.abs(planted)), abs=0.1)


def test_what_a_masked_model_is_asked():
    (first, *_) = next(MaskedWinogender().ask(schemas()[0], None))
    assert first.text.endswith('"she" refers to the nurse.')
    assert first.text[slice(*first.within)] == "nurse"
    assert first.mask == "word"
