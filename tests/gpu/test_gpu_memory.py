"""A GPU whose memory is too small for a batch, or that is lost, by real errors of CUDA."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from evalsuite import LoadSettings, TokenScores
from evalsuite.executor import BudgetMemory, LocalExecutor
from evalsuite.factories import loader_for
from evalsuite.registry import installed
from evalsuite_text.models.causal import Loader

pytestmark = pytest.mark.gpu

# A position outside a table: on a GPU the process loses its device, which another must not share.
LOSING = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import torch
from table_model import TableModel, yes
from evalsuite import Classify, DeviceLostError
from evalsuite.executor import BudgetMemory, LocalExecutor

def answer(request):
    if request.parts[0].text == "bad":
        table = torch.zeros(3, device="cuda")
        table[torch.tensor([5], device="cuda")].cpu()
    return yes(request)

found = {{}}
executor = LocalExecutor(max_requests=1, memory=BudgetMemory(Path("/nonexistent")))
try:
    executor.answer(TableModel(answer), [Classify(t) for t in ("first", "bad", "c")], found.update)
except DeviceLostError as error:
    print(len(found), error)
"""


@pytest.fixture
def model(tmp_path):
    """Wide, so that what it computes for a batch is more than its weights."""
    loader, reference = loader_for("control:text-clean", installed())
    tokenizer = loader.load(reference, LoadSettings(device="cpu")).tokenizer
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=512, intermediate_size=8192, num_hidden_layers=1,
        num_attention_heads=8, bos_token_id=0, eos_token_id=0, pad_token_id=0,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(tmp_path / "wide")
    tokenizer.save_pretrained(tmp_path / "wide")
    settings = LoadSettings(device="cuda", dtype="float32")
    return Loader().load(str(tmp_path / "wide"), settings)


@pytest.fixture
def limit():
    """Leaves this process so many bytes of the GPU's memory."""
    total = torch.cuda.get_device_properties(0).total_memory

    def set_to(n_bytes):
        torch.cuda.empty_cache()
        torch.cuda.set_per_process_memory_fraction(n_bytes / total)

    yield set_to
    torch.cuda.set_per_process_memory_fraction(1.0)


def answered(model, asked, path):
    found, sizes = {}, []

    def take(answers):
        sizes.append(len(answers))
        found.update(answers)

    LocalExecutor(memory=BudgetMemory(path)).answer(model, asked, take)
    return [found[request.digest] for request in asked], sizes


def test_batches_that_do_not_fit_are_halved_and_answered(model, limit, tmp_path):
    words = ("the", "capital", "of", "france", "is", "paris", "a", "dog")
    drawn = np.random.default_rng(0).choice(words, (400, 120))
    asked = [TokenScores(" ".join(text)) for text in drawn]
    torch.cuda.reset_peak_memory_stats()
    expected, sizes = answered(model, asked, tmp_path / "enough.json")
    limit(0.6 * torch.cuda.max_memory_allocated())
    found, smaller = answered(model, asked, tmp_path / "scarce.json")
    assert max(smaller) < max(sizes)
    for one, other in zip(found, expected, strict=True):
        assert list(one.logprobs) == pytest.approx(list(other.logprobs), abs=1e-4)
    _, again = answered(model, asked, tmp_path / "scarce.json")
    assert max(again) == max(smaller[1:])  # remembered from the first batch on


def test_a_gpu_that_is_lost_ends_the_run_with_its_answers_kept(request):
    program = LOSING.format(tests=str(request.config.rootpath / "tests"))
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.startswith("1 The GPU gave up during classify of table:1"), done.stderr
    assert "Every answer before that is kept" in done.stdout
