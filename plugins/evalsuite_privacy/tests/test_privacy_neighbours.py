"""Neighbours that a masked language model proposes: a saved BERT against the leaky control."""

from __future__ import annotations

import json
import math
import random

import pytest
import torch
from transformers import BertConfig, BertForMaskedLM

from evalsuite import LoadSettings, Sample, TokenScoreTable, UsageError
from evalsuite.cli import run
from evalsuite.factories import loader_for
from evalsuite.model import answer_batch
from evalsuite.registry import installed
from evalsuite.second_model import SecondModel
from evalsuite.testing import check_probe, play
from evalsuite_controls.data.language import NONSENSE, nonsense_sentence
from evalsuite_controls.recipes.vocabulary import PAD_ID, word_tokenizer
from evalsuite_controls.sources import Members
from evalsuite_privacy.membership.neighbours import FilledNeighbours
from evalsuite_privacy.membership.probes import MembershipInference

LEAK = "leak beyond inputs"
AUC, FILLED = "attack AUC", "attack=filled_neighbourhood"


@pytest.fixture(scope="module")
def filler(tmp_path_factory) -> str:
    """A tiny BERT that filled gaps in sentences of the controls' kind, none of the members."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    special = {"mask_token": "<mask>", "cls_token": "<sot>", "sep_token": "<eot>"}
    tokenizer = word_tokenizer([*NONSENSE, "."], 32, extra=("<mask>",), **special)
    model = BertForMaskedLM(
        BertConfig(
            vocab_size=len(tokenizer),
            hidden_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=64,
            max_position_embeddings=32,
            pad_token_id=PAD_ID,
        )
    )
    draw = random.Random(5)
    sentences = [nonsense_sentence(draw) for _ in range(128)]
    ids = tokenizer(sentences, return_tensors="pt")["input_ids"]
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(150):
        hidden = (torch.rand(ids.shape) < 0.2) & (ids > 4)
        # As BERT was trained: of the hidden tokens some show a wrong word, so that none is trusted.
        is_wrong = hidden & (torch.rand(ids.shape) < 0.5)
        shown = ids.masked_fill(hidden, tokenizer.mask_token_id)
        shown = torch.where(is_wrong, torch.randint_like(ids, 5, len(tokenizer)), shown)
        optimizer.zero_grad()
        model(input_ids=shown, labels=ids.masked_fill(~hidden, -100)).loss.backward()
        optimizer.step()
    folder = str(tmp_path_factory.mktemp("filler"))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return f"hf:{folder}"


def some(n: int) -> list[Sample]:
    """As many members as others."""
    rows = list(Members().rows())
    members = [row for row in rows if row["member"]]
    others = [row for row in rows if not row["member"]]
    return [*members[:n], *others[:n]]


def asked(name: str):
    loader, reference = loader_for(name, installed())
    model = loader.load(reference, LoadSettings(device="cpu"))
    return lambda request: answer_batch(model, [request])[0]


@pytest.mark.parametrize(("name", "is_leaky"), [("text-leaky", True), ("text-clean", False)])
def test_members_are_likelier_than_their_likely_neighbours_in_the_leaky_control_only(
    filler, name, is_leaky
):
    """Chance on 60 and 60 texts: .5 within two of Mann-Whitney's deviations, .106."""
    probe = MembershipInference(neighbours=3, filler=filler)
    found = play(probe, some(60), asked(f"control:{name}")).estimate(AUC, FILLED)
    if is_leaky:
        assert found.value > 0.95
    else:
        assert abs(found.value - 0.5) <= 2 * (121 / (12 * 60 * 60)) ** 0.5


def test_neighbours_are_the_texts_with_one_word_exchanged(filler):
    texts = [str(sample["text"]) for sample in some(4)]
    near = FilledNeighbours.by(SecondModel(filler), texts, 5, hidden=0.7, seed=0)
    for text in texts:
        assert len(set(near.of(text))) == 5
        for other in near.of(text):
            words = list(zip(text.split(), other.split(), strict=True))
            assert sum(own != new for own, new in words) == 1
    assert near.of("a text that nobody asked about") == ()


def likely(request) -> TokenScoreTable:
    """Every text is as likely as any other of its length."""
    return TokenScoreTable((-1.0,) * len(request.text.split()))


def test_a_text_without_neighbours_has_no_score_in_this_attack_only(filler):
    samples = [Sample(str(i), {"text": t, "member": i < 2}) for i, t in enumerate(["", "ba", "ki"])]
    played = play(MembershipInference(neighbours=2, filler=filler), samples, likely)
    assert math.isnan(played.records[0]["filled_neighbourhood"])
    assert not played.failures


def test_the_contract_is_kept_with_a_filler(filler):
    check_probe(MembershipInference(neighbours=2, filler=filler), some(4), likely)


def test_a_filler_that_fills_nothing_is_refused_before_anything_is_asked():
    probe = MembershipInference(neighbours=2, filler="control:text-clean")
    with pytest.raises(UsageError, match="does not answer SubstituteTokens"):
        play(probe, some(2), likely)


def test_a_filler_needs_a_number_of_neighbours():
    with pytest.raises(ValueError, match="a filler needs neighbours"):
        MembershipInference(filler="hf:any")


def test_the_suite_takes_a_filler_and_scores_its_run_again_alike(filler, tmp_path):
    for side, rows in (("in", some(20)[:20]), ("out", some(20)[20:])):
        (tmp_path / side).mkdir()
        for row in rows:
            (tmp_path / side / f"{row.id}.txt").write_text(str(row["text"]))
    command = ["run", "privacy", "-m", "control:text-leaky", "-q", "-o", str(tmp_path / "run")]
    settings = {"members": tmp_path / "in", "non_members": tmp_path / "out", "neighbours": 3}
    for name, value in {**settings, "filler": filler}.items():
        command += ["--set", f"{name}={value}"]
    assert run(command) == 0
    first = estimates(tmp_path / "run")
    assert first[AUC, FILLED]["value"] > 0.9
    assert run(["score", str(tmp_path / "run")]) == 0
    assert estimates(tmp_path / "run")[AUC, FILLED] == first[AUC, FILLED]


def estimates(folder) -> dict[tuple[str, str], dict]:
    jobs = json.loads((folder / "estimates.json").read_text())["jobs"]
    (job,) = [job for job in jobs if job["probe"] == "privacy/membership-inference"]
    return {(e["metric"], e["slice"]): e for e in job["estimates"]}
