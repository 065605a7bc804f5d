"""Speech recognisers beside transformers' pipeline: the same models, the same clips, one run.

    python benchmarks/speed_audio/run.py

Each side runs in a process of its own, and sides take turns; seconds are of the wall clock, the
median of several rounds. On a busy machine, ``--clock cpu`` counts the seconds that each process
was given.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import recognisers  # noqa: E402

BATCH_SIZES = (1, 2, 4, 8, 16)
NAMES = {"ctc": "wav2vec 2.0, 12 layers of 384", "whisper": "whisper-tiny's shape"}


def side(name: str, directory: Path, options: argparse.Namespace) -> dict[str, Any]:
    """One side of one workload."""
    script = str(HERE / "transcripts.py")
    numbers = [options.clock, str(options.threads)]
    done = subprocess.run(
        [sys.executable, script, name, str(directory), *numbers],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{script} {name} failed on {directory.name}:\n{done.stderr[-2000:]}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def race(directory: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Rounds in which the sides take turns, so that a busy moment hits all; medians of them."""
    names = ["ours", *map(str, options.batch_sizes)]
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for _ in range(options.rounds):
        for name in names:
            runs[name].append(side(name, directory, options))
            told = "ours" if name == "ours" else f"theirs, {name}"
            print(f"{directory.name}, {told}: {runs[name][-1]['seconds']:.2f} s", file=sys.stderr)
    alone = runs[str(options.batch_sizes[0])][0]["texts"]
    return {
        name: {
            "seconds": statistics.median(run["seconds"] for run in those),
            "all_seconds": [run["seconds"] for run in those],
            "changed": sum(a != b for a, b in zip(those[0]["texts"], alone, strict=True)),
        }
        for name, those in runs.items()
    }


def real_clips(folder: Path, most: int) -> list[np.ndarray]:
    """Recordings of a folder, evenly picked."""
    from evalsuite import Audio

    files = sorted(p for p in folder.rglob("*") if p.suffix in (".wav", ".ogg", ".flac", ".mp3"))
    picked = files[:: max(1, len(files) // most)][:most]
    return [Audio(path=path).load(recognisers.RATE_HZ)[0] for path in picked]


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    parser.add_argument("--batch-sizes", nargs="+", type=int, default=BATCH_SIZES, help="1 first")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--n-clips", type=int, default=16)
    parser.add_argument("--clips", type=Path, help="a folder of recordings instead")
    parser.add_argument("--models", nargs="+", default=list(NAMES), choices=list(NAMES))
    parser.add_argument("--output", type=Path, default=Path("speed_audio.json"))
    options = parser.parse_args()
    sizes = [f"theirs, {size}" for size in options.batch_sizes]
    table = Table("model", *sizes, "ours", "faster", "changed")
    document = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        recognisers.prepare(folder, options.models, options.n_clips)
        if options.clips:
            np.savez(folder / "clips.npz", *real_clips(options.clips, options.n_clips))
        for model in options.models:
            row = document[model] = race(folder / model, options)
            best = min(row[str(size)]["seconds"] for size in options.batch_sizes)
            cells = [
                f"{r['seconds']:.2f} s ({r['changed']})" for n, r in row.items() if n != "ours"
            ]
            mine = row["ours"]
            table.add_row(
                NAMES[model],
                *cells,
                f"{mine['seconds']:.2f} s",
                f"{best / mine['seconds']:.2f}x",
                str(mine["changed"]),
            )
    console = Console(width=140)
    console.print(table)
    console.print("In brackets and under changed: transcripts unlike those of clips heard alone.")
    options.output.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
