"""Mel features beside transformers' extractors: the same clips, the same bands.

    python benchmarks/speed_audio/mel.py

Every number of threads is measured in a process of its own. A row says how many milliseconds a
clip takes, alone (one call for each) and in a batch (one call for all), the best of several rounds
in which both sides take turns, and the largest difference between the two sides' features.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from transformers import ClapFeatureExtractor, WhisperFeatureExtractor

from evalsuite_audio.models.clap_features import ClapFeatures
from evalsuite_audio.models.mel import whisper_log_mel, whisper_mel

N_CLIPS, ROUNDS = 4, 10
Clips = Sequence[np.ndarray]
Side = Callable[[Clips], torch.Tensor]


def clips(seconds: float, rate_hz: int) -> list[np.ndarray]:
    """Noise, and as every second clip a pure tone, whose quiet bands are hard to equal."""
    times = np.arange(round(seconds * rate_hz)) / rate_hz
    rng = np.random.default_rng(0)
    made = []
    for number in range(N_CLIPS):
        wave = np.sin(2 * np.pi * 110 * (number + 1) * times)
        made.append(0.1 * rng.standard_normal(len(times)) if number % 2 else wave)
    return [wave.astype(np.float32) for wave in made]


def clap(truncation: str) -> tuple[Side, Side]:
    """The library's side and ours, of the published 10 s at 48 kHz."""
    extractor = ClapFeatureExtractor(truncation=truncation)
    features = ClapFeatures(extractor, truncation, "hash")

    def theirs(waves: Clips) -> torch.Tensor:
        found = extractor(list(waves), sampling_rate=48_000, return_tensors="pt")
        return found["input_features"]

    def ours(waves: Clips) -> torch.Tensor:
        return torch.cat([features.hear(wave).features for wave in waves])

    return theirs, ours


def whisper() -> tuple[Side, Side]:
    """The library's side and ours, filled up to 30 s."""
    extractor = WhisperFeatureExtractor()
    mel = whisper_mel(extractor)

    def theirs(waves: Clips) -> torch.Tensor:
        found = extractor(list(waves), sampling_rate=16_000, return_tensors="pt")
        return found["input_features"]

    def ours(waves: Clips) -> torch.Tensor:
        made = [whisper_log_mel(mel, torch.from_numpy(w), extractor.n_samples) for w in waves]
        return torch.stack(made)

    return theirs, ours


def milliseconds(sides: Sequence[Side], waves: Clips, *, is_batch: bool) -> list[float]:
    """The best time of each side for one clip; the sides take turns."""
    calls = [waves] if is_batch else [[wave] for wave in waves]
    best = [float("inf")] * len(sides)
    for call in calls * ROUNDS:
        for number, side in enumerate(sides):
            begin = time.perf_counter()
            side(call)
            best[number] = min(best[number], (time.perf_counter() - begin) * 1e3 / len(call))
    return best


def measure() -> list[dict[str, Any]]:
    """One row for each kind of features."""
    kinds = (
        ("CLAP, one crop, 10 s", clap("rand_trunc"), clips(10, 48_000), "dB"),
        ("CLAP, fusion, 10 s", clap("fusion"), clips(10, 48_000), "dB"),
        ("CLAP, one crop, 3 s repeated", clap("rand_trunc"), clips(3, 48_000), "dB"),
        ("Whisper, 30 s", whisper(), clips(30, 16_000), "units"),
        ("Whisper, 5 s", whisper(), clips(5, 16_000), "units"),
    )
    rows = []
    for name, sides, waves, unit in kinds:
        theirs, ours = (side(waves) for side in sides)
        alone = milliseconds(sides, waves, is_batch=False)
        batch = milliseconds(sides, waves, is_batch=True)
        difference = float((theirs - ours).abs().max())
        rows.append(
            {
                "features": name,
                "threads": torch.get_num_threads(),
                "alone_ms": alone,
                "batch_ms": batch,
                "largest_difference": difference,
                "unit": unit,
            }
        )
    return rows


def in_process(threads: int) -> list[dict[str, Any]]:
    """The rows of a process that has so many threads."""
    done = subprocess.run(
        [sys.executable, __file__, "--one", str(threads)],
        env={**os.environ, "OMP_NUM_THREADS": str(threads)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"measuring failed:\n{done.stderr[-2000:]}")
    rows: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return rows


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--output", type=Path, help="write the rows here as JSON")
    options = parser.parse_args()
    if options.one:
        torch.set_num_threads(options.one)
        print(json.dumps(measure()))
        return
    columns = ("features", "threads", "theirs ms", "ours ms", "faster")
    table = Table(*columns, "theirs batched", "ours batched", "faster", "max |d|")
    rows = [row for threads in options.threads for row in in_process(threads)]
    for row in rows:
        pairs = [(f"{a:.1f}", f"{b:.1f}", f"{a / b:.1f}x") for a, b in _pairs(row)]
        difference = f"{row['largest_difference']:.1e} {row['unit']}"
        table.add_row(row["features"], str(row["threads"]), *pairs[0], *pairs[1], difference)
    Console(width=140).print(table)
    if options.output:
        options.output.write_text(json.dumps(rows, indent=1) + "\n")


def _pairs(row: dict[str, Any]) -> list[list[float]]:
    return [row["alone_ms"], row["batch_ms"]]


if __name__ == "__main__":
    main()
