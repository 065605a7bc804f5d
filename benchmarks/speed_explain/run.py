"""Occlusion of 200 texts beside captum's FeatureAblation at its best ``perturbations_per_eval``.

    python benchmarks/speed_explain/run.py

Both sides score the same texts with the same model in one process and on one thread; sides take
turns. captum's best setting is found on the first texts, and then timed on all of them. Seconds are
those that the process was given, so that a busy machine counts less.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from sides import Scores, captum, forget, load, ours
from workloads import divided, saved, workloads

SETTINGS = (1, 8, 32, 128)
TOLERANCE = 1e-4
COLUMNS = ("", "captum, s", "at", "evalsuite, s", "faster", "largest score", "largest difference")


def timed(call: Callable[[], Scores]) -> tuple[float, Scores]:
    """Processor seconds of a call, and what it found."""
    began = time.process_time()
    found = call()
    return time.process_time() - began, found


def race(workload: Any, model: Any, options: argparse.Namespace) -> list[str]:
    """One row of the table."""
    inputs = divided(options.texts)
    few = inputs[: options.trial]
    captum(model, workload, few[:2], 8)
    ours(model, workload, few[:2])
    trials = {p: timed(lambda p=p: captum(model, workload, few, p))[0] for p in SETTINGS}
    print(f"{workload.name}: {len(few)} texts at {trials}", file=sys.stderr)
    best = min(trials, key=trials.__getitem__)
    rounds = []
    for _ in range(options.rounds):
        forget(model)
        rounds.append(
            (
                timed(lambda: captum(model, workload, inputs, best)),
                timed(lambda: ours(model, workload, inputs)),
            )
        )
        print(f"{workload.name}: {[side[0] for side in rounds[-1]]}", file=sys.stderr)
    theirs, own = (float(np.median([pair[i][0] for pair in rounds])) for i in (0, 1))
    scores = [np.concatenate([*map(np.asarray, side[1])]) for side in rounds[-1]]
    difference = float(np.abs(scores[0] - scores[1]).max())
    if difference > TOLERANCE:
        raise SystemExit(f"{workload.name}: the two sides differ by {difference:.1e}")
    return [
        workload.name,
        f"{theirs:.2f}",
        str(best),
        f"{own:.2f}",
        f"{theirs / own:.1f}",
        f"{np.abs(scores[0]).max():.1e}",
        f"{difference:.1e}",
    ]


def main() -> None:
    """Read the options, run, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=int, default=200)
    parser.add_argument("--trial", type=int, default=20, help="texts captum is tuned on")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="workloads whose name holds this")
    options = parser.parse_args()
    torch.set_num_threads(1)
    table = Table(title=f"{options.texts} texts, processor seconds on one thread")
    for column in COLUMNS:
        table.add_column(column, justify="right" if column else "left")
    with tempfile.TemporaryDirectory() as folder:
        for workload in workloads():
            if options.only in workload.name:
                model = load(workload, saved(workload.model, Path(folder)))
                table.add_row(*race(workload, model, options))
    Console().print(table)


if __name__ == "__main__":
    main()
