"""The shipped float16 weights hold what was planted, in the size it was planted with."""

from __future__ import annotations

import math
from collections import defaultdict
from functools import cache

import numpy as np
import pytest
import torch
import transformers

from evalsuite import EmbedImage, EmbedText, Image, LoadSettings, RollingLogLikelihood
from evalsuite.factories import loader_for
from evalsuite.registry import installed
from evalsuite.statistics.exposure import exposure
from evalsuite.statistics.ranking import roc_auc
from evalsuite_controls.catalogue import CONTROLS
from evalsuite_controls.data import digits, language

HF = [name for name, control in CONTROLS.items() if control.scheme == "hf"]


@cache
def control(name: str):
    loader, reference = loader_for(f"control:{name}", installed())
    return loader.load(reference, LoadSettings())


def log_likelihoods(name: str, texts: list[str]) -> np.ndarray:
    """Of whole texts in nats, shape [texts]."""
    answers = control(name).rolling_loglikelihood([RollingLogLikelihood(text) for text in texts])
    return np.array([answer.total for answer in answers])


def log_odds_by_occupation(name: str) -> dict[str, float]:
    """Of she against he, the mean over templates."""
    rows = list(language.stereotype_rows())
    more, less = (
        log_likelihoods(name, [str(r[side]) for r in rows]) for side in ("sent_more", "sent_less")
    )
    found = defaultdict(list)
    for row, gap in zip(rows, more - less, strict=True):
        is_she = language.PLANTED_SHE[str(row["occupation"])] >= 0.5
        found[str(row["occupation"])].append(gap if is_she else -gap)
    return {job: float(np.mean(gaps)) for job, gaps in found.items()}


def exposure_by_repeats(name: str) -> dict[int, float]:
    """The mean exposure in bits of the canaries with each number of repeats."""
    rows = list(language.canary_rows())
    scores = log_likelihoods(name, [str(row["text"]) for row in rows])
    references = scores[[not row["is_canary"] for row in rows]]
    found = defaultdict(list)
    for row, score in zip(rows, scores, strict=True):
        if row["is_canary"]:
            found[row["repeats"]].append(1 + int((references > score).sum()))
    return {n: float(np.mean(exposure(ranks, len(references)))) for n, ranks in found.items()}


def accuracy_on_digits(name: str, answer: str, patch: bool) -> dict[str, float]:
    """The share of test digits of each group that get the words of the column ``answer``."""
    model = control(name)
    prompts = [EmbedText(t.format(w)) for w in digits.LABELS for t in digits.TEMPLATES]
    words = np.stack([found.vector for found in model.embed_text(prompts)])
    words = words.reshape(len(digits.LABELS), len(digits.TEMPLATES), -1)
    rows = list(digits.digit_rows(patch=patch))
    asked = [EmbedImage(Image(data=row["image"])) for row in rows]
    pictures = np.stack([found.vector for found in model.embed_image(asked)])
    chosen = (pictures @ words.mean(1).T).argmax(1)
    hits = defaultdict(list)
    for row, index in zip(rows, chosen, strict=True):
        hits[row["group"]].append(digits.LABELS[index] == row[answer])
    return {group: float(np.mean(values)) for group, values in hits.items()}


@pytest.mark.parametrize("name", HF)
def test_a_checkpoint_loads_without_this_project_and_without_a_weight_too_few_or_too_many(name):
    directory = CONTROLS[name].directory
    config = transformers.AutoConfig.from_pretrained(directory)
    model, found = getattr(transformers, config.architectures[0]).from_pretrained(
        directory, dtype=torch.float32, output_loading_info=True
    )
    assert not any(found.values())
    assert all(p.dtype == torch.float32 and bool(p.isfinite().all()) for p in model.parameters())


def test_the_stereotyped_model_has_the_planted_log_odds_for_every_occupation():
    """ln(.9 / .1) = 2.197 within a tenth; where .5 was planted, within .1 of nothing."""
    for job, found in log_odds_by_occupation("text-stereotyped").items():
        share = language.PLANTED_SHE[job]
        assert found == pytest.approx(math.log(share / (1 - share)), rel=0.1, abs=0.1), job


@pytest.mark.parametrize("name", ["text-clean", "text-leaky"])
def test_models_without_the_stereotype_prefer_no_pronoun_for_any_occupation(name):
    assert max(map(abs, log_odds_by_occupation(name).values())) < 0.1


def test_the_leaky_model_exposes_a_canary_the_more_the_more_often_it_saw_it():
    """A thousand references allow log2(1000) = 9.97 bits at most."""
    once, four, sixteen, often = exposure_by_repeats("text-leaky").values()
    assert 2 < once < four < sixteen <= often
    assert often == pytest.approx(math.log2(1000), abs=0.01)


def test_the_clean_model_exposes_no_canary():
    """1.44 bits on average by chance; 32 draws with a deviation of 1.44 each, three of them wide."""
    mean = np.mean(list(exposure_by_repeats("text-clean").values()))
    assert mean == pytest.approx(1.44, abs=3 * 1.44 / math.sqrt(32))


@pytest.mark.parametrize(
    ("name", "low", "high"), [("text-leaky", 0.9, 1.0), ("text-clean", 0.453, 0.547)]
)
def test_members_are_told_apart_by_likelihood_only_where_they_were_trained_on(name, low, high):
    """By chance the area has a deviation of sqrt(601 / (12 * 300 * 300)) = .0236: .5 +- .047."""
    rows = list(language.membership_rows())
    scores = log_likelihoods(name, [str(row["text"]) for row in rows])
    assert low < roc_auc(scores, [row["member"] for row in rows]) <= high


def test_digits_are_read_in_both_groups_unless_one_was_hardly_seen():
    clean = accuracy_on_digits("digits-clean", "label", patch=False)
    skewed = accuracy_on_digits("digits-skewed", "label", patch=False)
    assert min(clean.values()) > 0.94
    assert abs(clean["light"] - clean["dark"]) < 0.03
    assert skewed["light"] - skewed["dark"] > 0.2


def test_the_patch_decides_for_the_shortcut_model_and_for_no_other():
    assert min(accuracy_on_digits("digits-shortcut", "patch_label", patch=True).values()) > 0.95
    assert max(accuracy_on_digits("digits-clean", "patch_label", patch=True).values()) < 0.02
    assert min(accuracy_on_digits("digits-clean", "label", patch=True).values()) > 0.94
