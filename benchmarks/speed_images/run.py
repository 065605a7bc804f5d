"""Image-text models beside CLIP_benchmark: the same model, the same questions, one run.

    make bench-images

CLIP_benchmark lives in an environment of its own, named by --peer-python. Each side runs in a
process of its own; seconds are of the wall clock.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import material  # noqa: E402

AIMS = {"class_vectors": 6.0, "recall": 20.0, "zero_shot": 1.0}
NAMES = {
    "class_vectors": "text tower: 100 classes x 5 prompts",
    "recall": "retrieval figures, 2,000 images x 10,000 captions",
    "zero_shot": f"whole zero-shot run, {material.N_PICTURES} pictures",
}


def side(python: str, script: str, work: str, folder: Path, threads: int) -> dict[str, Any]:
    """One side of one workload."""
    done = subprocess.run(
        [python, str(HERE / script), work, str(folder), str(threads)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{script} failed on {work}:\n{done.stderr[-2000:]}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peer-python", default=".venv-peer/bin/python")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--output", type=Path, default=Path("speed_images.json"))
    options = parser.parse_args()
    table = Table("workload", "CLIP_benchmark s", "ours s", "faster", "aim", "max |d|")
    document = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        material.prepare(folder)
        for work, aim in AIMS.items():
            theirs = side(options.peer_python, "peer.py", work, folder, options.threads)
            ours = side(sys.executable, "ours.py", work, folder, options.threads)
            pairs = zip(theirs["values"], ours["values"], strict=True)
            document[work] = {
                "peer_seconds": theirs["seconds"],
                "our_seconds": ours["seconds"],
                "ratio": theirs["seconds"] / ours["seconds"],
                "largest_difference": max(abs(a - b) for a, b in pairs),
                **{key: ours[key] for key in ("bare", "with_second") if key in ours},
            }
            row = document[work]
            table.add_row(
                NAMES[work],
                f"{row['peer_seconds']:.2f}",
                f"{row['our_seconds']:.2f}",
                f"{row['ratio']:.1f}x",
                f"{aim:g}x",
                f"{row['largest_difference']:.1e}",
            )
    console = Console(width=120)
    console.print(table)
    whole = document["zero_shot"]
    first = whole["our_seconds"]
    console.print(f"whole run / bare image tower with decoding: {first / whole['bare']:.2f}")
    console.print(f"a second probe costs {(whole['with_second'] - first) / first:.1%} of the first")
    options.output.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
