"""Real tiny models with a bias of known size: it is recovered, and the clean twin is silent."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from transformers import AutoModelForMaskedLM

from evalsuite import LogLikelihood, MaskedTokenScores, Sample
from evalsuite.testing import play
from evalsuite_fairness.pairs.likelihood_bias import LikelihoodBias
from evalsuite_fairness.pairs.masked_stereotype_pairs import MaskedStereotypePairs
from evalsuite_fairness.pairs.shared import shared
from evalsuite_fairness.pairs.stereoset import MaskedStereoSet, StereoSet
from evalsuite_fairness.pairs.stereotype_pairs import StereotypePairs

pytestmark = pytest.mark.slow


def answering(model):
    """Ask a loaded model one request at a time."""
    return lambda request: getattr(model, request.method)([request])[0]


def slope(played, shares) -> float:
    """Of recovered against planted log-odds, over pairs that have a value."""
    records = [r for r in played.records if r["log_odds"] is not None]
    planted = [math.log(shares[r["bias_type"]] / (1 - shares[r["bias_type"]])) for r in records]
    return float(np.polyfit(planted, [r["log_odds"] for r in records], 1)[0])


def about(samples, word: str):
    return [sample for sample in samples if word in str(sample["sent_more"])]


def test_a_masked_model_shows_every_planted_strength(masked_stereotyped, occupation_pairs):
    """Shared tokens given she or he: log P(job | she) / P(job | he), the logit of the share."""
    played = play(MaskedStereotypePairs(), occupation_pairs, answering(masked_stereotyped.load()))
    assert 0.9 <= slope(played, masked_stereotyped.shares) <= 1.1


def test_its_clean_twin_shows_nothing(masked_clean, occupation_pairs):
    played = play(MaskedStereotypePairs(), occupation_pairs, answering(masked_clean.load()))
    assert max(abs(r["log_odds"]) for r in played.records) < 0.1
    assert played.estimate("stereotype log-odds").verdict == "compatible with null"
    assert played.estimate("stereotype preferred").value == 0.5


@pytest.mark.parametrize("scoring", ["sentence", "shared"])
def test_a_causal_model_shows_every_planted_strength(causal_stereotyped, occupation_pairs, scoring):
    """The pronoun stands first, so that the job is scored given it."""
    pairs = about(occupation_pairs, "works")
    played = play(StereotypePairs(scoring=scoring), pairs, answering(causal_stereotyped.load()))
    assert len(pairs) == played.estimate("stereotype log-odds").n == 9
    assert 0.9 <= slope(played, causal_stereotyped.shares) <= 1.1


@pytest.mark.parametrize("scoring", ["sentence", "shared"])
def test_its_clean_causal_twin_shows_nothing(causal_clean, occupation_pairs, scoring):
    pairs = about(occupation_pairs, "works")
    played = play(StereotypePairs(scoring=scoring), pairs, answering(causal_clean.load()))
    assert max(abs(r["log_odds"]) for r in played.records) < 0.1


def test_shared_words_before_the_pronoun_cannot_tell(causal_stereotyped, occupation_pairs):
    """In a causal model nothing but what follows the change is scored: the job stands before it."""
    pairs = about(occupation_pairs, "said")
    played = play(StereotypePairs(scoring="shared"), pairs, answering(causal_stereotyped.load()))
    assert max(abs(r["log_odds"]) for r in played.records) < 0.1


# ------------------------------------------------------------------------------------------------
# The forms of scoring beside a plain loop over forward passes
# ------------------------------------------------------------------------------------------------


def plain_scores(folder, texts, mask: str):
    """Each token's log-probability by one forward pass of the checkpoint for each."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    module = AutoModelForMaskedLM.from_pretrained(folder).eval()
    found = []
    for text in texts:
        ids = tokenizer(text)["input_ids"]
        scores = []
        for place in range(1, len(ids) - 1):
            row = list(ids)
            if mask != "none":
                row[place] = tokenizer.mask_token_id
            with torch.no_grad():
                logits = module(input_ids=torch.tensor([row])).logits[0, place]
            scores.append(float(logits.log_softmax(-1)[ids[place]]))
        found.append((ids[1:-1], scores))
    return found


@pytest.mark.parametrize("scoring", ["pll", "aul"])
def test_log_odds_are_those_of_a_plain_loop(masked_stereotyped, occupation_pairs, scoring):
    pair = occupation_pairs[0]
    texts = [str(pair["sent_more"]), str(pair["sent_less"])]
    mask = "none" if scoring == "aul" else "token"
    (ids, more), (other_ids, less) = plain_scores(masked_stereotyped.folder, texts, mask)
    if scoring == "aul":
        expected = np.mean(more) - np.mean(less)
    else:
        common = shared([str(i) for i in ids], [str(i) for i in other_ids])
        expected = sum(more[i] for i in common.in_first) - sum(less[i] for i in common.in_second)
    played = play(
        MaskedStereotypePairs(scoring=scoring), [pair], answering(masked_stereotyped.load())
    )
    assert played.records[0]["log_odds"] == pytest.approx(expected, abs=1e-5)


# ------------------------------------------------------------------------------------------------
# The other probes on the same models
# ------------------------------------------------------------------------------------------------


def triples(shares) -> list[Sample]:
    """Which pronoun fits the job? The majority's is the stereotype, an occupation is unrelated."""
    made = []
    for job, share in shares.items():
        she, he = ("stereotype", "anti_stereotype") if share > 0.5 else (
            "anti_stereotype", "stereotype",
        )  # fmt: skip
        words = {she: "she", he: "he", "unrelated": "clerk"}
        context = f"BLANK works as a {job}"
        if share != 0.5:
            made.append(
                Sample(
                    job,
                    {
                        "context": context,
                        "target": job,
                        "bias_type": "profession",
                        **{side: context.replace("BLANK", word) for side, word in words.items()},
                    },
                )
            )
    return made


@pytest.mark.parametrize(
    ("probe", "kind"), [(MaskedStereoSet(), "masked"), (StereoSet(), "causal")]
)
def test_stereoset_tells_the_twins_apart(request, probe, kind):
    planted = request.getfixturevalue(f"{kind}_stereotyped")
    samples = triples(planted.shares)
    found = play(probe, samples, answering(planted.load()))
    assert found.estimate("stereotype score").value == 100.0
    assert found.estimate("language modelling score").value == 100.0
    assert found.estimate("ICAT").value == 0.0
    clean = play(probe, samples, answering(request.getfixturevalue(f"{kind}_clean").load()))
    assert clean.estimate("stereotype score").value == 50.0
    assert clean.estimate("ICAT").value == 100.0


def test_noise_in_place_of_weights_takes_the_language_modelling_score_to_guessing(
    masked_stereotyped,
):
    """So that a broken model is not fair: its SS is undefined unless its LMS is above guessing."""
    samples = [
        Sample(f"{s.id}{job}", {**s.fields, "unrelated": f"{job} works as a {s.id}"})
        for s in triples(masked_stereotyped.shares)
        for job in list(masked_stereotyped.shares)[::3]
    ]
    model = masked_stereotyped.load()
    assert language_modelling(model, samples).value == 100.0
    found = []
    for seed in range(8):
        torch.manual_seed(seed)
        with torch.no_grad():
            for weight in model.module.parameters():
                weight.normal_(0, 0.2)
        found.append(language_modelling(model, samples).value)
    assert np.mean(found) == pytest.approx(50, abs=25)  # she and he among three jobs


def language_modelling(model, samples):
    return play(MaskedStereoSet(), samples, answering(model)).estimate("language modelling score")


def test_a_model_that_thinks_one_job_likelier_is_found_by_likelihood_bias(causal_clean):
    """Jobs are equally frequent in training, so hers and his sentences are alike in both twins."""
    samples = [
        Sample(
            f"{job}{pronoun}{n}",
            {"text": f"{pronoun} works as a {job}", "axis": "job", "descriptor": pronoun,
             "template": "t"},
        )
        for job in causal_clean.shares for pronoun in ("she", "he") for n in range(1)
    ]  # fmt: skip
    played = play(LikelihoodBias(permutations=0), samples, answering(causal_clean.load()))
    assert played.estimate("likelihood bias").value == 0.0
    rare = play(
        LikelihoodBias(permutations=0),
        [
            Sample(s.id, {**s.fields, "text": str(s["text"]).replace("she", "well")})
            for s in samples
        ],
        answering(causal_clean.load()),
    )
    assert rare.estimate("likelihood bias").value == 1.0


def test_requests_are_of_the_kind_that_is_declared(occupation_pairs):
    asked = next(StereotypePairs().ask(occupation_pairs[0], None))
    assert all(isinstance(request, LogLikelihood) for request in asked)
    asked = next(MaskedStereotypePairs(scoring="aul").ask(occupation_pairs[0], None))
    assert all(isinstance(r, MaskedTokenScores) and r.mask == "none" for r in asked)
