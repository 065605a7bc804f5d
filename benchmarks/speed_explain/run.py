"""Occlusion of texts beside captum's FeatureAblation, whichever way captum is used.

    python benchmarks/speed_explain/run.py

All sides score the same texts with the same model in one process and on one thread; sides take
turns. captum's best setting is found on a few texts, and then timed on all of them. Seconds are
those that the process was given, the least of several rounds, so that a busy machine counts less;
with ``--device cuda`` they are those of a clock on the wall, until the GPU has nothing left to do.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import argparse
import gc
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ours import Scores, forget, load, ours
from peers import Peer, Setting, peers
from rich.console import Console
from rich.table import Table
from workloads import SHAPES, Workload, divided, saved, workloads

from evalsuite_explain.inputs.words import Words

TOLERANCE = 1e-4
# A way that takes so many times as long is timed once.
SLOW = 5
COLUMNS = (
    "",
    "texts",
    "captum",
    "texts x ablations",
    "captum, s",
    "evalsuite, s",
    "faster",
    "largest score",
    "largest difference",
)


@dataclass(frozen=True)
class Timed:
    """The seconds of a call, and what it found."""

    seconds: float
    scores: Scores


def timed(model: Any, call: Callable[[], Scores]) -> Timed:
    """Call it; processor seconds, or on a GPU seconds until it has nothing left to do."""
    on_gpu = model.device.type == "cuda"
    now = time.perf_counter if on_gpu else time.process_time
    began = now()
    found = call()
    if on_gpu:
        torch.cuda.synchronize()
    return Timed(now() - began, found)


def tuned(peer: Peer, workload: Workload, model: Any, inputs: Sequence[Words]) -> Setting:
    """The setting with which captum is fastest on some texts of one length."""
    if len(peer.settings) == 1:
        return peer.settings[0]
    peer.scores(model, workload, inputs[:2], peer.settings[0])
    seconds = {
        setting: min(
            timed(model, lambda s=setting: peer.scores(model, workload, inputs, s)).seconds
            for _ in range(2)
        )
        for setting in peer.settings
    }
    print(
        f"{workload.name}, {peer.name}:", {str(s): t for s, t in seconds.items()}, file=sys.stderr
    )
    return min(seconds, key=seconds.__getitem__)


def race(workload: Workload, model: Any, options: argparse.Namespace) -> list[list[str]]:
    """One row of the table for each way to use captum."""
    inputs = divided(workload, options.texts)
    length = sorted(map(len, inputs))[len(inputs) // 2]
    few = [words for words in inputs if len(words) == length][: options.trial]
    ways = [
        (peer, tuned(peer, workload, model, few))
        for peer in peers(workload)
        if options.without not in peer.name
    ]
    ours(model, workload, few[:2])
    gc.collect()
    gc.freeze()  # neither side waits for a look at everything that was imported
    own: list[Timed] = []
    theirs: list[list[Timed]] = [[] for _ in ways]
    for _ in range(options.rounds):
        for found, (peer, best) in zip(theirs, ways, strict=True):
            if found and found[-1].seconds > SLOW * own[-1].seconds:
                continue
            forget(model)
            own.append(timed(model, lambda: ours(model, workload, inputs)))
            found.append(timed(model, lambda p=peer, s=best: p.scores(model, workload, inputs, s)))
            print(workload.name, peer.name, found[-1].seconds, own[-1].seconds, file=sys.stderr)
    best_own = min(own, key=lambda timed: timed.seconds)
    return [
        row(workload, len(inputs), peer, setting, min(found, key=lambda t: t.seconds), best_own)
        for found, (peer, setting) in zip(theirs, ways, strict=True)
    ]


def row(
    workload: Workload, n_texts: int, peer: Peer, setting: Setting, theirs: Timed, own: Timed
) -> list[str]:
    """A row of the table; ends the program where scores differ."""
    scores = [np.concatenate([*map(np.asarray, side.scores)]) for side in (theirs, own)]
    difference = float(np.abs(scores[0] - scores[1]).max())
    if difference > TOLERANCE:
        raise SystemExit(f"{workload.name}: {peer.name} differs by {difference:.1e}")
    return [
        workload.name,
        str(n_texts),
        peer.name,
        str(setting),
        f"{theirs.seconds:.2f}",
        f"{own.seconds:.2f}",
        f"{theirs.seconds / own.seconds:.1f}",
        f"{np.abs(scores[0]).max():.1e}",
        f"{difference:.1e}",
    ]


def main() -> None:
    """Read the options, run, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=int, default=200)
    parser.add_argument("--trial", type=int, default=16, help="texts captum is tuned on")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="workloads whose name holds this")
    parser.add_argument("--without", default="-", help="ways to use captum whose name holds this")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--shape", default="small", choices=SHAPES)
    options = parser.parse_args()
    torch.set_num_threads(1)
    table = Table(
        title=f"Seconds ({options.device}, {options.shape} model), least of several rounds"
    )
    for column in COLUMNS:
        table.add_column(column, justify="right" if column else "left")
    with tempfile.TemporaryDirectory() as folder:
        for workload in workloads():
            if options.only in workload.name:
                model = load(workload, saved(workload, Path(folder), options.shape), options.device)
                for cells in race(workload, model, options):
                    table.add_row(*cells)
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
