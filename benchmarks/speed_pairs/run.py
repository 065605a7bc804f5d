"""What a CrowS-Pairs run costs beside a bare pass over its unique tokens.

    python benchmarks/speed_pairs/run.py DATA [--model gpt2-124m] [--limit 500 | --all] [--rounds 3]

DATA is the folder that holds crows_pairs/crows_pairs_anonymized.csv. The model is a real
architecture with random weights and a tokenizer trained on the sentences. Two whole runs, one of
all pairs and one of a single pair, differ by what the pairs cost: reading the file, asking,
scoring, storing, estimating. The bare pass is the model's own forward pass over the unique tokens
of all sentences (shared beginnings once) in full rows, with its head at every one of them.
Processor seconds, one thread; the best of some rounds of the run, and of three of the pass. All
1,508 pairs are 31,500 unique tokens, which take GPT-2 more than a minute each time: the default is
the first 200 pairs and two rounds, about a minute of one processor.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parent.parent / "speed"))

import torch
from measure import bare_seconds
from models import MODELS
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from tokenizers.trainers import BpeTrainer
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

from evalsuite.planner import make_plan
from evalsuite.registry import installed
from evalsuite.run import execute
from evalsuite.store import Run, Store
from evalsuite.suite import parse_suite
from evalsuite_sources.tables import Csv
from evalsuite_text.scoring.encoding import Encoder
from evalsuite_text.scoring.token_tree import grow

SUITE = """version: 1
name: pairs
models: ["hf:{model}"]
sources:
  pairs: {{type: csv, path: "{path}"}}
probes:
  - {{probe: fairness/stereotype-pairs, source: pairs, limit: {limit}}}
"""


def tokenizer_of(sentences: list[str]) -> PreTrainedTokenizerFast:
    """A byte-level tokenizer of GPT-2's kind that knows these sentences' words."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(
        vocab_size=8_000,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(sentences, trainer)
    end = "<|endoftext|>"
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=end, eos_token=end, unk_token=end
    )


def seconds_of_run(model: Path, path: Path, limit: int, folder: Path) -> tuple[float, Run]:
    """Processor seconds of a whole run, and what it found."""
    plan = make_plan(parse_suite(SUITE.format(model=model, path=path, limit=limit)), installed())
    begin = time.process_time()
    store = Store(folder)
    execute(plan, store, installed())
    store.close()
    return time.process_time() - begin, Run.open(folder)


def measured(name: str, data: Path, limit: int | None, rounds: int) -> dict[str, Any]:
    """Both times and what they are times of."""
    torch.set_num_threads(1)
    path = data / "crows_pairs" / "crows_pairs_anonymized.csv"
    rows = list(Csv(path=str(path)).rows())[:limit]
    sentences = [str(row[side]) for row in rows for side in ("sent_more", "sent_less")]
    with tempfile.TemporaryDirectory() as scratch:
        folder, model = Path(scratch), Path(scratch) / "model"
        tokenizer = tokenizer_of(sentences)
        torch.manual_seed(0)
        MODELS[name]().save_pretrained(model)
        tokenizer.save_pretrained(model)
        tree = grow([Encoder(tokenizer, 1024).pair("", text) for text in sentences])  # type: ignore[misc]
        module = AutoModelForCausalLM.from_pretrained(model).eval()
        side: Any = SimpleNamespace(model=SimpleNamespace(module=module, device="cpu"))
        ones = [seconds_of_run(model, path, 1, folder / f"one{i}")[0] for i in range(rounds)]
        runs = [seconds_of_run(model, path, len(rows), folder / f"all{i}") for i in range(rounds)]
        seconds, run = min(runs, key=lambda found: found[0])
        bare = bare_seconds(side, tree.n_tokens, tree.n_tokens)
    return {
        "pairs": len(rows),
        "answered": next(e.n for e in run.results[0].estimates if e.metric == "ties"),
        "tokens": sum(map(len, tree.ids)),
        "unique_tokens": tree.n_tokens,
        "run_seconds": seconds - min(ones),
        "bare_seconds": bare,
        "ratio": (seconds - min(ones)) / bare,
    }


def main() -> None:
    """Measure and print one line for each model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", action="append", choices=MODELS)
    pairs = parser.add_mutually_exclusive_group()
    pairs.add_argument("--limit", type=int, default=200, help="first pairs of the file")
    pairs.add_argument("--all", action="store_true", help="pairs of the file")
    parser.add_argument("--rounds", type=int, default=2, help="of whole runs")
    options = parser.parse_args()
    for name in options.model or MODELS:
        found = measured(name, options.data, None if options.all else options.limit, options.rounds)
        print(
            f"{name}: {found['pairs']:,} pairs ({found['answered']:,} answered), "
            f"{found['tokens']:,} tokens of which {found['unique_tokens']:,} unique; run "
            f"{found['run_seconds']:.1f} s, bare pass {found['bare_seconds']:.1f} s: "
            f"{found['ratio']:.2f}x"
        )


if __name__ == "__main__":
    main()
