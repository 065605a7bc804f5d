"""All membership attacks on a set of texts beside scoring the same texts once.

    python benchmarks/speed_privacy/run.py

Both sides are whole runs of the harness, from reading the texts to the estimates:
``text/perplexity``, which scores each text once, and ``privacy/membership-inference`` with every
attack that needs no further text. The model is the leaky control, or with ``--model llama`` a
larger one made on the spot. Each runs in a process of its own, and sides take turns; the table has
the least disturbed run of each. ``--clock cpu`` counts the seconds that each process was given, for
a busy machine.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

SIDES = {"once": "text/perplexity", "attacks": "privacy/membership-inference"}
# PyTorch, scikit-learn and SciPy count threads by the first two, tokenizers by the last.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")
MODEL, LARGER = "control:text-leaky", "llama"
SUITE = """version: 1
name: speed
models: ["{model}"]
sources: {{texts: {{type: jsonl, path: "{path}"}}}}
probes: [{{probe: {probe}, source: texts}}]
"""


def write_texts(path: Path, n: int, n_words: int) -> None:
    """Random words of the control's language, members and others alike."""
    from evalsuite_controls.data.language import NONSENSE

    draw = random.Random(0)
    with path.open("w", encoding="utf-8") as stream:
        for number in range(n):
            text = " ".join(draw.choices(NONSENSE, k=n_words))
            stream.write(json.dumps({"text": text, "member": number % 2 == 0}) + "\n")


def measure(
    probe: str, texts: Path, clock: str, threads: int, model: str = MODEL
) -> dict[str, Any]:
    """One run in this process: seconds, and how many requests the model answered."""
    import torch

    from evalsuite.planner import make_plan
    from evalsuite.registry import installed
    from evalsuite.run import execute
    from evalsuite.store import Store
    from evalsuite.suite import parse_suite

    torch.set_num_threads(threads)
    text = SUITE.format(model=model, path=texts, probe=probe)
    plan = make_plan(parse_suite(text), installed())
    now = time.process_time if clock == "cpu" else time.perf_counter
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "run")
        began = now()
        execute(plan, store, installed())
        seconds = now() - began
        facts = json.loads((store.path / "manifest.json").read_text(encoding="utf-8"))
        store.close()
    asked = facts["models"][model]["requests_answered_by_model"]
    return {"seconds": seconds, "requests": asked}


def side(name: str, texts: Path, options: argparse.Namespace) -> dict[str, Any]:
    """One side in a process of its own."""
    told = ["--side", name, "--path", str(texts), "--model", options.model]
    told += ["--clock", options.clock, "--threads", str(options.threads)]
    done = subprocess.run(
        [sys.executable, __file__, *told],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **dict.fromkeys(THREADS, str(options.threads))},
    )
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr[-2000:]}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def race(texts: Path, options: argparse.Namespace) -> dict[str, list[dict[str, Any]]]:
    """Rounds in which the sides take turns."""
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in SIDES}
    for _ in range(options.rounds):
        for name in SIDES:
            runs[name].append(side(name, texts, options))
            print(f"{name}: {runs[name][-1]['seconds']:.2f} s", file=sys.stderr)
    return runs


def show(runs: dict[str, list[dict[str, Any]]], options: argparse.Namespace) -> None:
    """The table."""
    once, attacks = (min(run["seconds"] for run in runs[name]) for name in ("once", "attacks"))
    title = f"{options.texts:,} texts of {options.words} tokens, {options.clock} seconds"
    table = Table(title=title)
    for column in ("", "requests answered", "seconds", "times scoring once"):
        table.add_column(column, justify="left" if not column else "right")
    for name, seconds in (("once", once), ("attacks", attacks)):
        requests = f"{runs[name][0]['requests']:,}"
        table.add_row(SIDES[name], requests, f"{seconds:.2f}", f"{seconds / once:.2f}")
    Console().print(table)


def main() -> None:
    """Read the options, run, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=int, default=10_000)
    parser.add_argument("--words", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    parser.add_argument("--model", default=MODEL, help=f"or {LARGER}: 15 million weights")
    parser.add_argument("--side", choices=tuple(SIDES), help=argparse.SUPPRESS)
    parser.add_argument("--path", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        found = measure(
            SIDES[options.side], options.path, options.clock, options.threads, options.model
        )
        print(json.dumps(found))
        return
    with tempfile.TemporaryDirectory() as folder:
        if options.model == LARGER:
            from larger import save_llama

            options.model = save_llama(Path(folder) / "llama")
        texts = Path(folder) / "texts.jsonl"
        write_texts(texts, options.texts, options.words)
        show(race(texts, options), options)


if __name__ == "__main__":
    main()
