"""What further probes over the same clips cost: their embeddings are computed once.

    python benchmarks/speed_audio/embeddings.py

A CLAP model of the published audio tower's shape with random weights hears clips of ten seconds.
One run asks for zero-shot classification, one for that and for kNN and a linear probe, which read
the same embeddings; a third asks for a linear probe alone, to say what that work itself takes.
Each run is a process of its own that starts from nothing; runs take turns. Seconds are of the
processor, from the first line of the run to its last, the median of several rounds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "speed"))

import numpy as np
import soundfile
import torch
from rich.console import Console
from rich.table import Table
from transformers import (
    ClapConfig,
    ClapFeatureExtractor,
    ClapModel,
    ClapProcessor,
)
from word_tokenizer import word_tokenizer

RATE_HZ = 48_000
CLASSES = ("low", "high")
PROBES = {
    "zero-shot": "{probe: audio/zero-shot, source: sounds}",
    "kNN": "{probe: representation/knn, source: sounds, options: {medium: audio, k: 3}}",
    "linear probe": "{probe: representation/linear-probe, source: sounds, "
    "options: {medium: audio, folds: 2, inverse_penalties: [0.1, 1.0]}}",
}
RUNS = {
    "zero-shot": ("zero-shot",),
    "zero-shot, kNN and linear probe": ("zero-shot", "kNN", "linear probe"),
    "linear probe": ("linear probe",),
}


def save_clap(directory: Path) -> None:
    """HTS-AT's published shape (28 M weights), a text tower of two layers, no fusion."""
    torch.manual_seed(0)
    words = ["<s>", "<pad>", "</s>", "<unk>", "this", "is", "a", "sound", "of", *CLASSES]
    text = {
        "vocab_size": len(words),
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 128,
        "max_position_embeddings": 66,
    }
    ClapModel(ClapConfig(text_config=text)).save_pretrained(directory)
    extractor = ClapFeatureExtractor(truncation="rand_trunc")
    tokenizer = word_tokenizer(words, model_max_length=64)
    ClapProcessor(extractor, tokenizer).save_pretrained(directory)


def save_clips(folder: Path, n_clips: int) -> None:
    """Buzzes of two pitches in noise, ten seconds each."""
    rng = np.random.default_rng(0)
    times = np.arange(10 * RATE_HZ) / RATE_HZ
    for number in range(n_clips):
        kind = number % len(CLASSES)
        place = folder / CLASSES[kind]
        place.mkdir(parents=True, exist_ok=True)
        buzz = np.sign(np.sin(2 * np.pi * (110, 880)[kind] * times))
        wave = 0.2 * buzz + 0.05 * rng.standard_normal(len(times))
        soundfile.write(place / f"{number}.wav", wave, RATE_HZ)


def suite(folder: Path, probes: tuple[str, ...]) -> str:
    """A suite of these probes over the clips."""
    rows = "\n".join(f"  - {PROBES[probe]}" for probe in probes)
    return (
        "version: 1\n"
        "name: sounds\n"
        f'models: ["hf:{folder / "clap"}"]\n'
        "sources:\n"
        f'  sounds: {{type: audio-folder, path: "{folder / "clips"}"}}\n'
        f"probes:\n{rows}\n"
    )


def one_run(suite_file: str, output: str, threads: int) -> None:
    """Run a suite in this process; print the seconds and what the model was asked."""
    from evalsuite.cli import run

    torch.set_num_threads(threads)
    begin = time.process_time()
    if run(["run", suite_file, "-q", "--output", output]):
        raise SystemExit(f"{suite_file} failed")
    seconds = time.process_time() - begin
    manifest = json.loads((Path(output) / "manifest.json").read_text())
    (model,) = manifest["models"].values()
    print(json.dumps({"seconds": seconds, "requests": model["requests_answered_by_model"]}))


def in_process(folder: Path, name: str, options: argparse.Namespace) -> dict[str, Any]:
    """One run in a process of its own."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "suite.yaml"
        file.write_text(suite(folder, RUNS[name]))
        command = [sys.executable, __file__, "--one", str(file), str(Path(place) / "run")]
        done = subprocess.run(
            [*command, "--threads", str(options.threads)],
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr[-2000:]}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--n-clips", type=int, default=40)
    parser.add_argument("--output", type=Path, help="write the rows here as JSON")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        one_run(*options.one, options.threads)
        return
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in RUNS}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        save_clap(folder / "clap")
        save_clips(folder / "clips", options.n_clips)
        for _ in range(options.rounds):
            for name in RUNS:
                found[name].append(in_process(folder, name, options))
    table = Table("probes of the run", "requests answered by the model", "processor seconds")
    for name, rows in found.items():
        seconds = statistics.median(row["seconds"] for row in rows)
        table.add_row(name, str(rows[0]["requests"]), f"{seconds:.1f}")
    Console(width=120).print(table)
    if options.output:
        options.output.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
